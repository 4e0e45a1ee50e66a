import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { REPOSITORY } from "../fixture.test.ts";
import { planLaunch } from "./launch.ts";

/** Runs a script in place of the sandbox's own, under the same permissions. */
function inside(script: string): string {
  const { command, args } = planLaunch();
  const ran = spawnSync(command, [...args.slice(0, -1), "-e", script], { env: {}, encoding: "utf8" });
  return ran.stdout + ran.stderr;
}

test("from inside of a sandbox nothing of the host can be reached", () => {
  const rows: readonly (readonly [attack: string, script: string])[] = [
    ["read a system file", 'require("node:fs").readFileSync("/etc/passwd")'],
    ["read the workspace", `require("node:fs").readdirSync(${JSON.stringify(REPOSITORY)})`],
    [
      "read a room that it does not load",
      `require("node:fs").readdirSync(${JSON.stringify(join(dirname(planLaunch().args.at(-1) ?? ""), "../../../store"))})`,
    ],
    ["write next to its own code", 'require("node:fs").writeFileSync(process.argv0 + ".new", "")'],
    ["write a temporary file", 'require("node:fs").writeFileSync("/tmp/nightcore-escape", "")'],
    ["start a process", 'require("node:child_process").execSync("id")'],
    ["start a thread", 'new (require("node:worker_threads").Worker)("", { eval: true })'],
    ["load native code", 'process.dlopen({ exports: {} }, "/nonexistent.node")'],
    ["open the inspector", 'require("node:inspector").open(0)'],
  ];
  for (const [attack, script] of rows) {
    const said = inside(`try { ${script}; console.log("REACHED"); } catch (error) { console.log(error.code); }`);
    assert.doesNotMatch(said, /REACHED/, attack);
    assert.match(said, /ERR_ACCESS_DENIED|ERR_DLOPEN_DISABLED|ERR_/, attack);
  }
});

test("the layers that the plan names are in place, as the kernel sees them", (t) => {
  const { isolation } = planLaunch();
  if (!isolation.includes("no-new-privileges")) {
    t.skip("setpriv (util-linux) is not here; on Debian: apt-get install util-linux");
    return;
  }
  // The permission model hides /proc, so the wrapper runs grep in Node's place.
  const { command, args } = planLaunch();
  const wrapper = args.slice(0, args.indexOf(process.execPath));
  const status = spawnSync(command, [...wrapper, "grep", "-E", "NoNewPrivs|CapBnd|CapEff", "/proc/self/status"], {
    encoding: "utf8",
  }).stdout;
  assert.match(status, /NoNewPrivs:\t1/);
  if (isolation.includes("no-capabilities")) assert.match(status, /CapEff:\t0+\nCapBnd:\t0+\n/);
});

test("a sandbox inherits no variable", () => {
  assert.equal(inside("console.log(Object.keys(process.env).length)").trim(), "0");
});

test("the network is not reachable from a sandbox", () => {
  const said = inside('require("node:net").connect(1, "127.0.0.1").on("error", (error) => console.log(error.code))');
  assert.match(said, /ERR_ACCESS_DENIED/);
});
