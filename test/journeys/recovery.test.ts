import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { toolEnvironment } from "../../tools/repository.ts";
import { GREETER, LAUNCHER, type RunSaid, Workspace } from "./workspace.ts";

const SPINNER = '(module (func (export "_start") (loop (br 0))))';
const PATIENT = { permissions: ["stdout"], fuel_limit: 9_000_000_000, timeout_ms: 3000 };

function start(workspace: Workspace, ...args: readonly string[]) {
  return spawn(process.execPath, [LAUNCHER, ...args], {
    ...toolEnvironment(),
    cwd: workspace.root,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function ended(
  child: ReturnType<typeof start>,
): Promise<{ readonly exit: number | null; readonly stdout: string; readonly stderr: string }> {
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => (said.stdout += String(chunk)));
  child.stderr.on("data", (chunk) => (said.stderr += String(chunk)));
  return new Promise((resolve) => child.on("close", (exit) => resolve({ exit, ...said })));
}

/** Process ids of sandboxes that a command has started and not ended. */
function childrenOf(pid: number): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => parentOf(name) === pid)
    .map(Number);
}

function parentOf(pid: string): number | undefined {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return undefined; // it has ended meanwhile
  }
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let n = 0; n < 500; n++) {
    if (condition()) return;
    await sleep(20);
  }
  throw new Error(`never came about: ${what}`);
}

function durableSize(workspace: Workspace): number {
  return workspace.json<{ readonly durableSize: number }>("ledger", "verify").durableSize;
}

/** Waits until the passage that precedes a guest's start is in the log. */
async function untilStarted(workspace: Workspace, sizeBefore: number): Promise<void> {
  await until(() => durableSize(workspace) > sizeBefore, "the intent of the run");
}

test("SIGKILL while a guest runs: the intent is there, the next command closes the run and says so, no sandbox is left", async (context) => {
  const workspace = Workspace.make(context);
  workspace.addTenant("spinner", { wasm: SPINNER, manifest: { permissions: [], fuel_limit: 9e15, timeout_ms: 300_000 } });
  workspace.writePolicy("spinner", { max_exec_ms: 300_000, max_fuel: 9e15 });
  workspace.addTenant("hello");
  workspace.signAndTrust("spinner", "hello");
  workspace.expect(0, "run", "hello");
  const sizeBefore = durableSize(workspace);
  const child = start(workspace, "run", "spinner");
  const over = ended(child);
  const pid = child.pid ?? 0;
  await until(() => childrenOf(pid).length > 0, "a sandbox process");
  const sandboxes = childrenOf(pid);
  await untilStarted(workspace, sizeBefore);
  child.kill("SIGKILL");
  await over;
  await until(() => !sandboxes.some(isAlive), "the end of the sandbox after its worker");

  const { exit, stderr } = workspace.nightcore("run", "hello");
  assert.equal(exit, 0);
  assert.match(stderr, /recovered: .*1 interrupted runs? closed/);
  const { tenants } = workspace.json<{
    readonly tenants: readonly { readonly entries: readonly { readonly status: string }[] }[];
  }>("inspect-state", "--tenant", "spinner");
  assert.deepEqual(
    tenants[0]?.entries.map((entry) => entry.status),
    ["failed"],
  );
  workspace.expect(0, "ledger", "verify");
});

test("SIGKILL at any moment of run --all: nothing that was said is lost, and the log verifies every time", async (context) => {
  const workspace = Workspace.make(context);
  const tenants = ["a", "b", "c", "d"];
  for (const tenant of tenants) workspace.addTenant(tenant);
  workspace.signAndTrust(...tenants);
  let sizeBefore = 0;
  for (let n = 0; n < 12; n++) {
    const child = start(workspace, "run", "--all", "--json");
    const over = ended(child);
    await sleep(60 + n * 45); // from before the ledger is open until after it is closed
    child.kill("SIGKILL");
    const { stdout } = await over;
    const told = stdout === "" ? [] : (JSON.parse(stdout) as { readonly runs: readonly RunSaid[] }).runs;
    const log = workspace.json<{ readonly sound: boolean; readonly durableSize: number }>("ledger", "verify");
    assert.ok(log.sound, `after kill ${n}`);
    assert.ok(log.durableSize >= sizeBefore, "the log never shrinks");
    sizeBefore = log.durableSize;
    for (const { run } of told) workspace.expect(0, "receipt", "show", run);
  }
  const last = workspace.json<{ readonly runs: readonly RunSaid[] }>("run", "--all");
  assert.deepEqual(
    last.runs.map(({ status }) => status),
    ["ran", "ran", "ran", "ran"],
  );
  const { digest, before } = workspace.json<{ readonly digest: string; readonly before: string }>("state", "rebuild");
  assert.equal(digest, before, "the projection that was cut off so often is the one that a rebuild gives");
});

test("Ctrl-C ends the guest, keeps the record and leaves no process behind", async (context) => {
  const workspace = Workspace.make(context);
  workspace.addTenant("spinner", { wasm: SPINNER, manifest: PATIENT });
  workspace.signAndTrust("spinner");
  const sizeBefore = durableSize(workspace);
  const child = start(workspace, "run", "spinner", "--json");
  const over = ended(child);
  const pid = child.pid ?? 0;
  await until(() => childrenOf(pid).length > 0, "a sandbox process");
  const sandboxes = childrenOf(pid);
  await untilStarted(workspace, sizeBefore);
  child.kill("SIGINT");
  const { exit, stdout } = await over;
  assert.equal(exit, 1);
  assert.equal((JSON.parse(stdout) as { readonly runs: readonly RunSaid[] }).runs[0]?.fault?.code, "engine/cancelled");
  await until(() => !sandboxes.some(isAlive), "the end of the sandbox");
  assert.doesNotMatch(workspace.nightcore("run", "spinner", "--proof").stderr, /recovered/);
});

test("what is exchanged on disk while a guest runs does not change what runs or what is recorded", async (context) => {
  const workspace = Workspace.make(context);
  const folder = join(workspace.root, workspace.addTenant("spinner", { wasm: SPINNER, manifest: PATIENT }));
  workspace.signAndTrust("spinner");
  const sizeBefore = durableSize(workspace);
  const child = start(workspace, "run", "spinner", "--json");
  const over = ended(child);
  await until(() => childrenOf(child.pid ?? 0).length > 0, "a sandbox process");
  await untilStarted(workspace, sizeBefore);
  for (const name of ["module.sig", "module.dsse.json", "module.wasm", "manifest.json"])
    writeFileSync(join(folder, name), "swapped");
  const [said] = (JSON.parse((await over).stdout) as { readonly runs: readonly RunSaid[] }).runs;
  assert.equal(said?.fault?.code, "engine/deadline");
  assert.equal(said?.signature.manifestSigned, true);
  assert.equal(workspace.runOf("spinner").status, "denied");
});

test("two commands at once: one waits for the other, and both are in the log", async (context) => {
  const workspace = Workspace.make(context);
  workspace.addTenant("hello");
  workspace.signAndTrust("hello");
  const both = await Promise.all([1, 2, 3].map(() => ended(start(workspace, "run", "hello", "--json"))));
  for (const { exit, stderr } of both) assert.equal(exit, 0, stderr);
  const indexes = both.flatMap(({ stdout }) =>
    (JSON.parse(stdout) as { readonly runs: readonly RunSaid[] }).runs.flatMap((run) => run.indexes),
  );
  assert.equal(new Set(indexes).size, 6);
  workspace.expect(0, "ledger", "verify");
});

test("a ledger with a flipped byte, a cut tail or a missing tile: named, and nothing runs on top of it where it matters", (context) => {
  const publicFolder = (workspace: Workspace) => join(workspace.root, ".nightcore/ledger/public");
  const entries = (workspace: Workspace) => {
    const folder = join(publicFolder(workspace), "tile/entries/000.p");
    return join(folder, readdirSync(folder).toSorted((a, b) => Number(b) - Number(a))[0] ?? "");
  };
  const rows: readonly (readonly [what: string, spoil: (workspace: Workspace) => void, code: RegExp])[] = [
    [
      "a flipped byte",
      (workspace) => {
        const path = entries(workspace);
        const bytes = readFileSync(path);
        bytes.writeUInt8(bytes.readUInt8(50) ^ 1, 50);
        writeFileSync(path, bytes);
      },
      /corrupt-tile/,
    ],
    ["a cut tail", (workspace) => truncateSync(entries(workspace), statSync(entries(workspace)).size - 10), /corrupt-tile/],
    ["a missing tile", (workspace) => rmSync(join(publicFolder(workspace), "tile/0"), { recursive: true }), /missing-tile/],
    [
      "a forged checkpoint",
      (workspace) => writeFileSync(join(publicFolder(workspace), "checkpoint"), "test.example/log\n1\nAAAA\n\n"),
      /corrupt-checkpoint/,
    ],
  ];
  for (const [what, spoil, code] of rows) {
    const workspace = Workspace.make(context);
    workspace.addTenant("hello");
    spoil(workspace);
    const { exit, stderr } = workspace.nightcore("ledger", "verify");
    assert.equal(exit, 4, what);
    assert.match(stderr, code, what);
  }
});

test("a log that was put back to an older state is not continued", (context) => {
  const workspace = Workspace.make(context);
  workspace.addTenant("hello");
  workspace.signAndTrust("hello");
  const ledger = join(workspace.root, ".nightcore/ledger");
  const old = join(workspace.root, "old");
  spawnSync("cp", ["-a", ledger, old]);
  workspace.expect(0, "run", "hello");
  rmSync(ledger, { recursive: true });
  spawnSync("cp", ["-a", old, ledger]);
  const { exit, stderr } = workspace.nightcore("run", "hello");
  assert.equal(exit, 5);
  assert.match(stderr, /ledger\/rollback/);
});

test("a full disk: nothing runs that cannot be recorded, and with space again everything goes on", (context) => {
  const workspace = Workspace.make(context);
  const mount = join(workspace.root, "small");
  mkdirSync(mount);
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", mount]).status !== 0) {
    context.skip("mounting a small tmpfs needs root");
    return;
  }
  try {
    fillAndFree(mount);
  } finally {
    spawnSync("umount", ["-l", mount]); // before the folder around it is removed
  }
});

function fillAndFree(mount: string): void {
  const small = new Workspace(mount);
  small.expect(0, "init");
  small.addTenant("hello", { wasm: GREETER });
  small.signAndTrust("hello");
  const ballast = join(mount, "ballast");
  spawnSync("dd", ["if=/dev/zero", `of=${ballast}`, "bs=4096"]);
  rmSync(join(mount, ".nightcore", "state.db"), { force: true });
  const spoken = small.nightcore("run", "hello");
  assert.equal(spoken.exit, 5, spoken.stderr);
  assert.match(spoken.stderr, /disk-full|full/);
  assert.equal(spoken.stdout, "", "the guest did not run, or its output was not released");
  rmSync(ballast);
  assert.equal(small.nightcore("run", "hello").exit, 0);
  small.expect(0, "ledger", "verify");
}
