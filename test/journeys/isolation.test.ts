import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { toolEnvironment } from "../../tools/repository.ts";
import { LAUNCHER, type Spoken, Workspace } from "./workspace.ts";

const BUBBLEWRAP = "/usr/bin/bwrap";

/** A command on a machine where bubblewrap is installed and fails. */
function withBrokenBubblewrap({ root }: Workspace, ...args: readonly string[]): Spoken {
  const mask = ["--dev-bind", "/", "/", "--ro-bind", "/bin/false", BUBBLEWRAP, "--"];
  const options = { ...toolEnvironment(), cwd: root, encoding: "utf8" } as const;
  const { status, stdout, stderr } = spawnSync(BUBBLEWRAP, [...mask, process.execPath, LAUNCHER, ...args], options);
  return { exit: status, stdout, stderr };
}

test("a layer that is lost is told once, named in the record, and denied where a policy demands it", (t) => {
  if (!existsSync(BUBBLEWRAP)) return t.skip("bubblewrap is not here; on Debian: apt-get install bubblewrap");
  const workspace = Workspace.make(t);
  for (const tenant of ["strict", "easy"]) workspace.addTenant(tenant);
  workspace.signAndTrust("strict", "easy");
  workspace.writePolicy("strict", { require_isolation: ["bubblewrap", "seccomp"] });

  const whole = workspace.nightcore("run", "strict");
  assert.deepEqual([whole.exit, whole.stdout], [0, "hello\n"], whole.stderr);
  assert.doesNotMatch(whole.stderr, /warning/);

  const denied = withBrokenBubblewrap(workspace, "run", "strict");
  assert.equal(denied.exit, 3, denied.stderr);
  assert.match(denied.stderr, /guardian\/isolation-missing/);

  const weaker = withBrokenBubblewrap(workspace, "run", "easy", "--json");
  assert.equal(weaker.exit, 0, weaker.stderr);
  assert.equal(
    weaker.stderr.match(/warning: the sandbox ran without (?:[a-z-]+, )*bubblewrap, seccomp/g)?.length,
    1,
    weaker.stderr,
  );
  const [run] = (JSON.parse(weaker.stdout) as { readonly runs: readonly { readonly run: string }[] }).runs;
  const receipt = workspace.expect(0, "receipt", "show", run?.run ?? "");
  assert.doesNotMatch(receipt.stdout + receipt.stderr, /bubblewrap|seccomp/);

  const checked = withBrokenBubblewrap(workspace, "verify-env");
  assert.match(checked.stderr, /isolation by bubblewrap .*does not start: exit code 1/);
});
