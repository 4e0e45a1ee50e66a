import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { toolEnvironment } from "../../tools/repository.ts";
import { end, serve, writePolicy } from "./witnesses.ts";
import { LAUNCHER, type RunSaid, Workspace } from "./workspace.ts";

type Restored = { readonly size: number; readonly newer: { readonly size: number; readonly seenBy: string } | null };

function makeWorld(context: TestContext): Workspace {
  const workspace = Workspace.make(context);
  workspace.addTenant("hello");
  workspace.signAndTrust("hello");
  workspace.expect(0, "run", "hello");
  return workspace;
}

/** A command beside others: what it printed and how it ended. */
async function start(workspace: Workspace, ...args: readonly string[]) {
  const { env } = toolEnvironment();
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
    env,
    cwd: workspace.root,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = once(child, "close");
  let stdout = "";
  for await (const part of child.stdout) stdout += String(part);
  const [exit] = (await ended) as [number | null];
  return { stdout, exit };
}

const ledgerOf = (workspace: Workspace) => join(workspace.root, ".nightcore/ledger");

/** The ledger is lost, with all that remembers how far it had come, and a backup is put in its place. */
function loseAndRestore(workspace: Workspace, from = "backup"): Restored {
  for (const name of ["ledger", "state.db", "state.db-wal", "state.db-shm", "witnessed"])
    rmSync(join(workspace.root, ".nightcore", name), { recursive: true, force: true });
  return workspace.json<Restored>("ledger", "restore", from);
}

function restorations(workspace: Workspace) {
  const { entries } = workspace.json<{
    readonly entries: readonly { readonly size: number; readonly newest: readonly object[] }[];
  }>(...["ledger", "find", "--kind", "restoration"]);
  return entries.map(({ size, newest }) => ({ size, newest }));
}

test("a backup beside runs of another process holds what was told before it began; restored elsewhere, its receipts verify", async (context) => {
  const workspace = makeWorld(context);
  for (const tenant of ["a", "b", "c"]) workspace.addTenant(tenant);
  const told: string[] = [];
  let promised: readonly string[] = [];
  let backups = 0;
  const isEnough = () => backups >= 3 && promised.length > 0;
  const runs = (async () => {
    while (!isEnough()) {
      const { stdout } = await start(workspace, "run", "--all", "--json");
      // On a slow machine a backup may hold the lock for longer than a run waits: then this one told nobody anything.
      const { runs: done = [] } = JSON.parse(stdout) as { readonly runs?: readonly RunSaid[] };
      told.push(...done.map(({ run }) => run));
    }
  })();
  while (!isEnough()) {
    promised = [...told];
    assert.equal((await start(workspace, "ledger", "backup", "backup", "--verify")).exit, 0);
    backups++;
  }
  await runs;

  const elsewhere = new Workspace(mkdtempSync(join(tmpdir(), "nightcore-journey-")));
  context.after(() => rmSync(elsewhere.root, { recursive: true, force: true }));
  assert.match(elsewhere.expect(0, "ledger", "restore", join(workspace.root, "backup")).stderr, /put back nightcore\.toml/);
  elsewhere.expect(0, "ledger", "verify");
  elsewhere.expect(0, "policy", "show"); // which policies were in force goes with the log
  const vkey = workspace.expect(0, "ledger", "vkey").stdout.trim();
  for (const run of promised) {
    writeFileSync(join(elsewhere.root, "receipt.json"), elsewhere.expect(0, "receipt", "show", run).stdout);
    elsewhere.expect(0, "receipt", "verify", "receipt.json", "--log-key", vkey);
  }
  assert.match(elsewhere.expect(5, "run", "hello").stderr, /keys\/missing/, "the private key is not in a backup");
});

test("a restored log is read, and goes on only with a reason, which the log then says", (context) => {
  const workspace = makeWorld(context);
  workspace.expect(0, "ledger", "backup", "backup");
  const { size, newer } = loseAndRestore(workspace);
  assert.equal(newer, null);
  for (const args of [
    ["ledger", "verify"],
    ["ledger", "find"],
    ["trust", "list"],
    ["inspect-state", "--all-tenants"],
  ]) {
    const { exit, stderr } = workspace.nightcore(...args);
    assert.equal(exit, 0, `${args.join(" ")}: ${stderr}`);
  }
  for (const args of [
    ["run", "hello"],
    ["run", "--all"],
    ["verify", "hello"],
  ])
    assert.match(workspace.expect(5, ...args).stderr, /ledger\/restored[\s\S]*ledger resume/);
  assert.match(workspace.expect(4, "ledger", "fsck").stderr, /ledger\/restored/);
  assert.match(workspace.expect(2, "ledger", "resume").stderr, /--policy, --checkpoint and --statement/);
  assert.match(workspace.expect(2, "ledger", "resume", "--statement", " ").stderr, /empty or too long/);
  workspace.expect(0, "ledger", "resume", "--statement", "the machine was off since");
  assert.deepEqual(restorations(workspace), [{ size, newest: [{ by: "statement", text: "the machine was off since" }] }]);
  assert.match(workspace.expect(2, "ledger", "resume", "--statement", "again").stderr, /nothing to resume/);
  workspace.expect(0, "run", "hello");
  workspace.expect(0, "ledger", "verify");
  workspace.expect(0, "ledger", "fsck");
  workspace.expect(0, "ledger", "backup", "backup", "--verify");
});

test("what around here has seen more of the log closes it for good; a new log names it as the one before", (context) => {
  const workspace = makeWorld(context);
  workspace.expect(0, "ledger", "backup", "older");
  workspace.expect(0, "run", "hello");
  workspace.expect(0, "ledger", "backup", "newer");
  const aside = (n: number) => renameSync(ledgerOf(workspace), join(workspace.root, `aside ${n}`));
  aside(1);
  const first = workspace.json<Restored>("ledger", "restore", "older");
  assert.deepEqual([first.newer?.seenBy, (first.newer?.size ?? 0) > first.size], ["the projection", true]);
  const resume = () => workspace.expect(5, "ledger", "resume", "--statement", "trust me").stderr;
  assert.match(resume(), /`the projection` has seen \d+ entries.*ledger\/rollback[\s\S]*init --continues/);
  aside(2);
  assert.notEqual(workspace.json<Restored>("ledger", "restore", "older").newer, null, "it is not forgotten by trying again");
  workspace.expect(0, "ledger", "verify");

  const next = join(workspace.root, "next");
  mkdirSync(next);
  const after = new Workspace(next);
  assert.match(after.expect(2, "init", "--continues", "..", "--origin", "test.example/log").stderr, /name of the old log/);
  assert.match(after.expect(2, "init", "--continues", "nowhere").stderr, /no workspace/);
  after.expect(0, "init", "--continues", "..", "--origin", "test.example/log-2");
  const { entries } = after.json<{ readonly entries: readonly { readonly predecessor: Readonly<Record<string, unknown>> }[] }>(
    ...["ledger", "find", "--kind", "workspace"],
  );
  const { origin, size, checkpoint } = entries[0]?.predecessor ?? {};
  assert.deepEqual([origin, size], ["test.example/log", first.size]);
  assert.equal(checkpoint, readFileSync(join(ledgerOf(workspace), "public/checkpoint"), "utf8"));

  aside(3);
  assert.equal(workspace.json<Restored>("ledger", "restore", "newer").newer, null, "the newest backup can be gone on with");
  workspace.expect(0, "ledger", "resume", "--statement", "it is the newest");
});

test("witnesses that knew the log show that nothing newer was seen, or that it was", async (context) => {
  const workspace = makeWorld(context);
  workspace.expect(0, "generate-keys", "--out-dir", "keys", "--name", "w1", "--name", "w2");
  const vkey = workspace.expect(0, "ledger", "vkey").stdout.trim();
  const served = [await serve(context, workspace, "w1", [vkey]), await serve(context, workspace, "w2", [vkey])];
  const [first, second] = served;
  assert.ok(first !== undefined && second !== undefined);
  writePolicy(workspace, vkey, [first]);
  const submit = () => workspace.expect(0, "witness", "submit", "--policy", "witness.policy");
  submit();
  workspace.expect(0, "ledger", "backup", "older");
  workspace.expect(0, "run", "hello");
  submit();
  workspace.expect(0, "ledger", "backup", "newer");
  const resume = ["ledger", "resume", "--policy", "witness.policy"] as const;

  loseAndRestore(workspace, "newer");
  writePolicy(workspace, vkey, [second]);
  assert.match(workspace.expect(1, ...resume).stderr, /hears of this log for the first time/);
  writePolicy(workspace, vkey, [first]);
  assert.match(workspace.expect(0, ...resume).stderr, /`w1` has seen nothing newer/);
  assert.deepEqual(
    restorations(workspace).flatMap(({ newest }) => newest),
    [{ by: "witnesses", names: ["w1"] }],
  );

  loseAndRestore(workspace, "older");
  assert.match(workspace.expect(5, ...resume).stderr, /the witness w1` has seen \d+ entries/);
  await end(first);
  assert.match(workspace.expect(5, ...resume, "--statement", "it is fine").stderr, /the witness w1` has seen/, "remembered");
});

test("the checkpoint that others are shown must be the restored one", (context) => {
  const workspace = makeWorld(context);
  const keep = (name: string) => cpSync(join(ledgerOf(workspace), "public/checkpoint"), join(workspace.root, name));
  keep("smaller");
  workspace.expect(0, "run", "hello");
  keep("same");
  workspace.expect(0, "ledger", "backup", "backup");
  workspace.expect(0, "run", "hello");
  keep("larger");
  writeFileSync(join(workspace.root, "forged"), readFileSync(join(workspace.root, "same"), "utf8").replace(/\n\d+\n/, "\n9\n"));
  const resume = (file: string) => ["ledger", "resume", "--checkpoint", file] as const;
  loseAndRestore(workspace);
  assert.match(workspace.expect(2, ...resume("smaller")).stderr, /older than the backup/);
  assert.match(workspace.expect(5, ...resume("forged")).stderr, /ledger\/note-bad-signature/);
  assert.match(workspace.expect(2, ...resume("nowhere")).stderr, /cannot be read/);
  workspace.expect(0, ...resume("same"));
  assert.deepEqual(
    restorations(workspace).flatMap(({ newest }) => newest),
    [{ by: "checkpoint", from: "same" }],
  );
  loseAndRestore(workspace);
  assert.match(workspace.expect(5, ...resume("larger")).stderr, /a published checkpoint` has seen/);
  assert.match(workspace.expect(5, ...resume("same")).stderr, /a published checkpoint` has seen/, "remembered");
});

test("what cannot be backed up or restored is refused, and nothing is touched", (context) => {
  const workspace = makeWorld(context);
  const other = makeWorld(context);
  workspace.expect(0, "ledger", "backup", "backup");
  assert.match(other.expect(5, "ledger", "backup", join(workspace.root, "backup")).stderr, /ledger\/foreign-backup/);
  assert.match(workspace.expect(5, "ledger", "backup", "modules").stderr, /`hello` is no part of a backup/);
  assert.match(workspace.expect(5, "ledger", "restore", "backup").stderr, /ledger\/occupied[\s\S]*move/);
  assert.match(workspace.expect(2, "ledger", "restore", "nowhere").stderr, /no backup in `nowhere`/);
  workspace.expect(2, "ledger", "backup");
  workspace.expect(2, "ledger", "restore");
  const path = join(workspace.root, "backup/public/checkpoint");
  writeFileSync(path, readFileSync(path, "utf8").replace(/\n\d+\n/, "\n7\n"));
  rmSync(ledgerOf(workspace), { recursive: true });
  assert.match(workspace.expect(4, "ledger", "restore", "backup").stderr, /ledger\/corrupt-checkpoint/);
  assert.equal(existsSync(ledgerOf(workspace)), false);
});
