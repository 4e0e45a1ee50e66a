import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { toolEnvironment } from "../../tools/repository.ts";
import { LAUNCHER, type Spoken, Workspace } from "./workspace.ts";

const BUBBLEWRAP = "/usr/bin/bwrap";

/** A command on a machine where something is not as it is here. */
function behind(mask: readonly string[], { root }: Workspace, args: readonly string[]): Spoken {
  const options = { ...toolEnvironment(), cwd: root, encoding: "utf8" } as const;
  const wrapped = ["--dev-bind", "/", "/", ...mask, "--", process.execPath, LAUNCHER, ...args];
  const { status, stdout, stderr } = spawnSync(BUBBLEWRAP, wrapped, options);
  return { exit: status, stdout, stderr };
}

/** A command on a machine where bubblewrap is installed and fails. */
function withBrokenBubblewrap(workspace: Workspace, ...args: readonly string[]): Spoken {
  return behind(["--ro-bind", "/bin/false", BUBBLEWRAP], workspace, args);
}

/** A command on a machine where control groups are nowhere to be found. */
function withoutGroups(workspace: Workspace, ...args: readonly string[]): Spoken {
  return behind(["--tmpfs", "/sys/fs/cgroup", "--remount-ro", "/sys/fs/cgroup"], workspace, args);
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

test("limits of the kernel are named, missed with the reason, and denied where a policy demands them", (t) => {
  if (!existsSync(BUBBLEWRAP)) return t.skip("bubblewrap is not here; on Debian: apt-get install bubblewrap");
  const workspace = Workspace.make(t);
  for (const tenant of ["strict", "easy"]) workspace.addTenant(tenant);
  workspace.signAndTrust("strict", "easy");
  workspace.writePolicy("strict", { require_isolation: ["cgroup-memory"] });

  const checked = workspace.expect(0, "verify-env").stderr;
  const inPlace = /isolation +process, .*cgroup-memory/.test(checked);
  assert.notEqual(inPlace, /missing +isolation by cgroup-memory .*: ./.test(checked), checked);
  assert.equal(workspace.nightcore("run", "strict").exit, inPlace ? 0 : 3);

  const bare = withoutGroups(workspace, "verify-env").stderr;
  assert.match(bare, /missing +isolation by cgroup-memory +a guest that .*; no group can be made below/);
  assert.match(bare, /missing +isolation by cgroup-pids/);
  const denied = withoutGroups(workspace, "run", "strict");
  assert.equal(denied.exit, 3, denied.stderr);
  assert.match(denied.stderr, /isolation that is not in place: cgroup-memory/);
  const easy = withoutGroups(workspace, "run", "easy");
  assert.deepEqual([easy.exit, easy.stdout], [0, "hello\n"], easy.stderr);
});
