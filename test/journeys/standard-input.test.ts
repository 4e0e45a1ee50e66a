import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { toolEnvironment } from "../../tools/repository.ts";
import { guest } from "./guests.ts";
import { LAUNCHER, Workspace } from "./workspace.ts";

/** Copies what it reads to its output until there is no more. */
const CAT = guest(`(local $n i32)
  (loop $on
    (local.set $n (call $read (i32.const 0))) (; $fd_read ;)
    (if (local.get $n) (then (call $print (i32.const 1) (i32.const 1024) (local.get $n)) (br $on))))`);

function makeCat(context: TestContext, timeoutMs = 60_000): Workspace {
  const workspace = Workspace.make(context);
  const manifest = { permissions: ["stdout", "stdin"], fuel_limit: 1e9, timeout_ms: timeoutMs, max_output_kb: 1024 };
  workspace.addTenant("cat", { wasm: CAT, manifest });
  workspace.writePolicy("cat", { capabilities: ["stdout", "stdin"], max_exec_ms: 60_000 });
  workspace.signAndTrust("cat");
  return workspace;
}

/** A command with a pipe to its input, which the test writes to when it wants. */
function start(context: TestContext, { root }: Workspace, ...args: readonly string[]): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [LAUNCHER, ...args], { cwd: root, env: toolEnvironment().env });
  context.after(() => child.kill("SIGKILL"));
  child.stdin.on("error", () => undefined); // a command that has ended reads no more
  return child;
}

type Predicate = {
  readonly status?: string;
  readonly stdin?: { readonly digest: string; readonly bytes: number; readonly streamed?: true; readonly pieces?: string };
};

test("a guest reads a pipe while it is written to, and what it read is recorded and replays identically", async (context) => {
  const workspace = makeCat(context);
  const child = start(context, workspace, "run", "cat", "--stdin", "-", "--stream");
  const heard: string[] = [];
  child.stdout.on("data", (chunk: Buffer) => heard.push(chunk.toString()));
  const hear = async (text: string): Promise<void> => {
    while (heard.join("") !== text) await once(child.stdout, "data", { signal: AbortSignal.timeout(60_000) });
  };
  child.stderr.resume();
  child.stdin.write("one\n");
  // The second line is written only when the first has come back: a command that read all of its input first would wait for ever.
  await hear("one\n");
  child.stdin.write("two\n");
  await hear("one\ntwo\n");
  child.stdin.end("three");
  const [exit] = (await once(child, "close")) as [number | null];
  assert.deepEqual([exit, heard.join("")], [0, "one\ntwo\nthree"]);

  const { replays } = workspace.json<{ readonly replays: readonly { readonly run: string; readonly verdict: string }[] }>(
    "replay",
    "--all",
  );
  assert.deepEqual([replays.length, replays[0]?.verdict], [1, "identical"]);
  const run = replays[0]?.run ?? "";
  const said = (workspace.predicatesOf(run) as readonly Predicate[]).flatMap(({ stdin }) => stdin ?? []);
  const [intent, outcome] = said;
  assert.deepEqual([intent?.bytes, intent?.streamed], [0, true]);
  assert.deepEqual([outcome?.digest, outcome?.bytes], [createHash("sha256").update(heard.join("")).digest("hex"), 13]);
  workspace.expect(0, "ledger", "verify");
  workspace.expect(0, "state", "rebuild");

  const spoiled = join(
    workspace.root,
    ".nightcore",
    "blobs",
    (outcome?.pieces ?? "").slice(0, 2),
    (outcome?.pieces ?? "").slice(2),
  );
  writeFileSync(spoiled, Buffer.from([13, 0, 0, 0]));
  const broken = workspace.json<{ readonly replays: readonly { readonly fault?: { readonly code: string } }[] }>("replay", run);
  assert.deepEqual([broken.exit, broken.replays[0]?.fault?.code], [5, "worker/blob-missing"]);
});

test("the deadline holds while a guest waits for input that does not come, and the command ends with it", async (context) => {
  const workspace = makeCat(context, 300);
  const child = start(context, workspace, "run", "cat", "--stdin", "-", "--json");
  let printed = "";
  child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.resume();
  child.stdin.write("never ended");
  const [exit] = (await once(child, "close")) as [number | null];
  assert.equal(exit, 1);
  const [run] = (
    JSON.parse(printed) as { readonly runs: readonly { readonly run: string; readonly fault: { readonly code: string } }[] }
  ).runs;
  assert.equal(run?.fault.code, "engine/deadline");
  const outcome = (workspace.predicatesOf(run.run) as readonly Predicate[]).at(-1);
  assert.equal(outcome?.status, "failed");
  assert.ok([0, 11].includes(outcome.stdin?.bytes ?? -1), "what it was given before: the piece, or nothing when time was short");
  assert.match(workspace.expect(2, "replay", run.run).stderr, /deadline/);
});

test("Ctrl-C ends a guest that waits for input", async (context) => {
  const workspace = makeCat(context);
  const child = start(context, workspace, "run", "cat", "--stdin", "-", "--stream");
  child.stderr.resume();
  child.stdin.write("there");
  await once(child.stdout, "data", { signal: AbortSignal.timeout(60_000) });
  child.kill("SIGINT");
  const [exit] = (await once(child, "close")) as [number | null];
  assert.equal(exit, 1);
  workspace.expect(0, "ledger", "verify");
});

test("a file that is redirected, and input for several runs, are read before anything is decided", async (context) => {
  const workspace = makeCat(context);
  writeFileSync(join(workspace.root, "input.txt"), "from a file");
  const file = workspace.runOf("cat", "--stdin", "input.txt");
  assert.equal(
    (workspace.predicatesOf(file.run) as readonly Predicate[]).find(({ stdin }) => stdin !== undefined)?.stdin?.bytes,
    11,
  );
  const all = start(context, workspace, "run", "--all", "--stdin", "-", "--json");
  let printed = "";
  all.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  all.stderr.resume();
  all.stdin.end("for all");
  await once(all, "close");
  const [run] = (
    JSON.parse(printed) as { readonly runs: readonly { readonly run: string; readonly stdout: { readonly text: string } }[] }
  ).runs;
  assert.equal(run?.stdout.text, "for all");
  assert.equal(
    (workspace.predicatesOf(run.run) as readonly Predicate[]).find(({ stdin }) => stdin !== undefined)?.stdin?.streamed,
    undefined,
  );
});
