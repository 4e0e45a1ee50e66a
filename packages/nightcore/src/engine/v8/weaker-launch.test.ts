import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { BUBBLEWRAP } from "./confinement/bubblewrap.ts";

type Said = {
  readonly isolation: readonly string[];
  readonly described: readonly string[];
  readonly lost: readonly string[];
  readonly ran: boolean;
};

const SCRIPT = `
  const { describeV8Engine, openV8Engine, readLostLayers } = await import(${JSON.stringify(join(import.meta.dirname, "index.ts"))});
  const opened = await openV8Engine({ slots: 2 });
  const bytes = Uint8Array.from(Buffer.from("0061736d01000000010401600000030201000" + "70a01065f737461727400000a040102000b", "hex"));
  const report = await opened.value.run({ tenant: "t", digest: "0".repeat(64), bytes, numericArgs: [], argv: ["t"], env: [],
    stdin: new Uint8Array(), mounts: [], capabilities: [], seed: new Uint8Array(32),
    budgets: { wallMs: 10000, memoryBytes: 65536, fuel: 1000, outputBytes: 0 } });
  await opened.value.close();
  console.log(JSON.stringify({ isolation: opened.value.isolation, described: describeV8Engine().isolation,
    lost: readLostLayers(), ran: report.exitCode === 0 }));`;

/** Opens an engine where other programs stand in the places of some. */
function openWhere(replaced: Readonly<Record<string, string>>): Said {
  const masks = Object.entries(replaced).flatMap(([path, by]) => ["--ro-bind", by, path]);
  const node = [process.execPath, "--no-warnings", "--input-type=module", "-e", SCRIPT];
  const ran = spawnSync(BUBBLEWRAP, ["--dev-bind", "/", "/", ...masks, "--", ...node], { encoding: "utf8", timeout: 60_000 });
  assert.equal(ran.status, 0, ran.stderr);
  return JSON.parse(ran.stdout) as Said;
}

test("where a wrapper does not start, the next weaker one does, and says so", (t) => {
  if (!existsSync(BUBBLEWRAP) || !existsSync("/usr/bin/setpriv")) return t.skip("bubblewrap or setpriv is not here");
  const without = openWhere({ [BUBBLEWRAP]: "/bin/false" });
  assert.ok(without.ran);
  assert.deepEqual(without.lost.slice(-2), ["bubblewrap", "seccomp"]);
  assert.ok(without.isolation.includes("no-new-privileges") && !without.isolation.includes("seccomp"));
  assert.deepEqual(without.described, without.isolation);
  const bare = openWhere({ [BUBBLEWRAP]: "/bin/false", "/usr/bin/setpriv": "/bin/false" });
  assert.ok(bare.ran);
  assert.deepEqual(
    bare.isolation.filter((layer) => !layer.startsWith("cgroup-")),
    ["process", "node-permission"],
  );
  assert.ok(bare.lost.includes("die-with-parent"));
});
