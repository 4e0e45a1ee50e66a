import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { REPOSITORY, toolEnvironment } from "../../tools/repository.ts";
import { type GuestName, GUEST_NEEDS, GUESTS } from "./guests.ts";
import { type RunSaid, Workspace } from "./workspace.ts";

type ReplayedAll = {
  readonly replays: readonly {
    readonly run: string;
    readonly tenant: string;
    readonly verdict: string;
    readonly engine?: { readonly recorded: string; readonly replayed: string };
    readonly divergence?: { readonly what: string; readonly hostCall?: object };
    readonly fault?: { readonly code: string; readonly message: string };
  }[];
  readonly totals: Readonly<Record<string, number>>;
};

const POLICY = { capabilities: ["stdout", "stdin", "fs:read", "clock:real", "random:real"] };

/** A tenant for each guest, all signed, with a sandbox of its own where it reads one. */
function addGuests(workspace: Workspace, names: readonly GuestName[]): void {
  for (const name of names) {
    const permissions = ["stdout", ...(GUEST_NEEDS[name] ?? [])];
    workspace.addTenant(name, {
      wasm: GUESTS[name],
      manifest: { permissions, fuel_limit: 200_000, timeout_ms: 10_000, max_memory_kb: 4096, max_output_kb: 16 },
      files: { "sandbox/data.txt": `data of ${name}\n`, 'sandbox/deep/ö "x".txt': "", "sandbox/empty/.keep": "k" },
    });
  }
  workspace.writePolicy("_default", POLICY);
  workspace.signAndTrust(...names);
}

function blobPath(workspace: Workspace, digest: string): string {
  return join(workspace.root, ".nightcore", "blobs", digest.slice(0, 2), digest.slice(2));
}

test("over a hundred different recorded runs, failures of every kind among them, replay identically", (context) => {
  const workspace = Workspace.make(context);
  const names = Object.keys(GUESTS) as GuestName[];
  addGuests(workspace, names);
  const invocations = [
    [],
    ["--arg", "one", "--env", "A=1"],
    ["--arg", "two words", "--arg", "\u0001ü", "--env", "B=", "--stdin", "input.txt"],
    ["--arg=", "--env", "C=x=y", "--env", "D=\n", "--stdin", "nightcore.toml"],
    ["--arg", "x".repeat(3000), "--allow", "stdin", "--stdin", "input.txt"],
  ];
  writeFileSync(join(workspace.root, "input.txt"), "what the guest reads\0\n");
  const statuses = new Set<string>();
  const codes = new Set<string>();
  const printed = new Set<string>();
  for (const options of invocations) {
    const { runs } = workspace.json<{ readonly runs: readonly RunSaid[] }>("run", "--all", "--parallel", "2", ...options);
    for (const run of runs) {
      statuses.add(run.status);
      printed.add(run.stdout.text);
      if (run.fault !== undefined) codes.add(run.fault.code);
    }
  }
  // The list means something only if the runs end in many ways.
  assert.deepEqual([...statuses].toSorted(), ["denied", "failed", "ran"]);
  for (const code of ["trap", "fuel-exhausted", "output-exceeded", "stack-overflow", "unknown-import"])
    assert.ok(codes.has(`engine/${code}`), `none ended with ${code}: ${[...codes].join(" ")}`);
  for (const text of ["good evening", "data of file\n", "what the guest reads\0\n", "A=1\0", "arguments\0one\0"])
    assert.ok(printed.has(text), `none printed ${JSON.stringify(text)}`);

  const before = workspace.nightcore("ledger", "verify", "--json").stdout;
  const { exit, replays, totals } = workspace.json<ReplayedAll>("replay", "--all", "--parallel", "2");
  assert.deepEqual(
    replays.filter(({ verdict }) => verdict !== "identical"),
    [],
  );
  assert.equal(exit, 0);
  assert.ok((totals["identical"] ?? 0) >= 100, `${totals["identical"]} runs`);
  assert.equal(new Set(replays.map(({ run }) => run)).size, replays.length);
  assert.equal(workspace.nightcore("ledger", "verify", "--json").stdout, before, "a replay records nothing");
});

test("CPython, recorded with arguments, replays identically", (context) => {
  const workspace = Workspace.make(context);
  const wasm = readFileSync(join(REPOSITORY, "node_modules", "@antonz", "python-wasi", "dist", "python.wasm"));
  const manifest = { permissions: ["stdout"], fuel_limit: 9_000_000_000, timeout_ms: 60_000, max_memory_kb: 131_072 };
  workspace.addTenant("python", { wasm, manifest });
  workspace.writePolicy("python", { max_exec_ms: 60_000 });
  workspace.signAndTrust("python");
  const said = workspace.runOf("python", "--arg=-c", "--arg", "import random,time; print(random.random(), time.time())");
  assert.equal(said.status, "ran", JSON.stringify(said.fault));
  workspace.expect(0, "replay", said.run);
});

const SESSION = join(REPOSITORY, "packages", "nightcore", "src", "cli", "session.ts");

/** Records a run once more under another identifier, by the node's own key and with another seed: a record of what never was. */
function forge({ root }: Workspace, run: string, forged: string): void {
  const script = `
    const { openSession, openView, readEntries } = await import(${JSON.stringify(SESSION)});
    const terminal = { say() {}, print() {}, paint: (_, text) => text };
    const invocation = { root: ${JSON.stringify(root)}, terminal, json: false, flag: () => false, text: () => undefined, texts: () => [] };
    const view = await openView(invocation);
    const all = readEntries(view.reader, { from: 0, to: view.rows.applied, publicKey: view.publicKey }).value;
    view.close();
    const session = await openSession(invocation, { thread: false });
    const events = all.filter((event) => event.run === ${JSON.stringify(run)}).map((event) => ({
      ...event,
      run: ${JSON.stringify(forged)},
      ...(event.kind === "intent" ? { seed: "07".repeat(32) } : {}),
    }));
    const recorded = await session.recorder.record(events.map((event) => ({ about: { name: "forged", digest: event.digest }, event })));
    if (!recorded.ok) throw new Error(JSON.stringify(recorded.fault));
    await session.finish();`;
  const options = { ...toolEnvironment(), encoding: "utf8" } as const;
  const { status, stderr } = spawnSync(process.execPath, ["--no-warnings", "--input-type=module", "-e", script], options);
  assert.equal(status, 0, stderr);
}

test("a record of another start than the run had diverges, and the first host call that differs is named", (context) => {
  const workspace = Workspace.make(context);
  addGuests(workspace, ["random"]);
  const { run } = workspace.runOf("random");
  const forged = `${run.slice(0, -12)}0123456789ab`;
  forge(workspace, run, forged);
  const told = workspace.expect(1, "replay", forged).stderr;
  assert.match(told, /^diverged +\S+ +random +first in stdout: recorded [0-9a-f]{8}\S*, now [0-9a-f]{8}/m);
  assert.match(told, /host call 1 is the first that differs: random_get, with other parameters or another answer/);
  const { exit, replays } = workspace.json<ReplayedAll>("replay", "--all", "--record");
  assert.deepEqual([exit, replays.map(({ verdict }) => verdict).toSorted()], [1, ["diverged", "identical"]]);
  const hostCall = replays.find(({ verdict }) => verdict === "diverged")?.divergence?.hostCall;
  assert.deepEqual(hostCall, { after: 0, by: 1, recorded: "random_get", replayed: "random_get" });
  workspace.expect(0, "ledger", "verify");
  workspace.expect(0, "state", "rebuild");
  // Forged step by step, as a passage stands in the log that is too long for one entry: it is checked as any other.
  const receipt = join(workspace.root, "forged.json");
  writeFileSync(receipt, workspace.expect(0, "receipt", "show", forged).stdout);
  const vkey = workspace.expect(0, "ledger", "vkey").stdout.trim();
  assert.match(
    workspace.expect(0, "receipt", "verify", receipt, "--log-key", vkey).stdout,
    /admission, verification, decision, intent, outcome/,
  );
  assert.equal((JSON.parse(readFileSync(receipt, "utf8")) as { readonly entries: readonly unknown[] }).entries.length, 5);
});

test("bytes that are gone or were changed are named, and the run is not made from others", (context) => {
  const workspace = Workspace.make(context);
  addGuests(workspace, ["file", "echo"]);
  writeFileSync(join(workspace.root, "input.txt"), "as it was");
  const file = workspace.runOf("file");
  const echo = workspace.runOf("echo", "--stdin", "input.txt");
  assert.equal(echo.stdout.text, "as it was");
  workspace.expect(0, "replay", file.run);
  workspace.expect(0, "replay", echo.run.slice(0, 26));

  // The file in the sandbox changes: the replay still has what the run read.
  appendFileSync(join(workspace.root, "modules", "file", "sandbox", "data.txt"), "and more");
  workspace.expect(0, "replay", file.run);

  const intent = workspace.predicatesOf(file.run).find((predicate) => "mounts" in predicate);
  const mounts = intent?.["mounts"] as readonly { readonly listing: readonly string[] }[];
  const line = mounts[0]?.listing.find((one) => one.startsWith('file "data.txt" '));
  const digest = line?.split(" ").at(-1) ?? "";
  writeFileSync(blobPath(workspace, digest), "data of fil3\n");
  const tampered = workspace.json<ReplayedAll>("replay", file.run);
  assert.equal(tampered.exit, 5);
  assert.equal(tampered.replays[0]?.fault?.code, "worker/blob-missing");
  assert.match(tampered.replays[0]?.fault?.message ?? "", new RegExp(digest));

  rmSync(blobPath(workspace, echo.digest ?? ""));
  const missing = workspace.json<ReplayedAll>("replay", echo.run);
  assert.equal(missing.exit, 5);
  assert.match(missing.replays[0]?.fault?.message ?? "", new RegExp(`the module, ${echo.digest ?? ""}`));
  assert.equal(workspace.json<ReplayedAll>("replay", "--all").exit, 5);
});

test("runs that depended on the world, or were ended from outside, are said not to be replayable", (context) => {
  const workspace = Workspace.make(context);
  addGuests(workspace, ["clock", "random", "greeter"]);
  workspace.addTenant("spinner", {
    wasm: GUESTS.endless,
    manifest: { permissions: [], fuel_limit: 9_000_000_000, timeout_ms: 20 },
  });
  workspace.expect(0, "sign", "--dir", "modules/spinner", "--key", "keys/maintainers/alice.key");
  workspace.expect(0, "trust", "add", "keys/maintainers/alice.pub", "--tenant", "spinner");
  const cases: readonly (readonly [run: RunSaid, why: RegExp])[] = [
    [workspace.runOf("clock", "--allow", "clock:real"), /clock:real/],
    [workspace.runOf("random", "--allow", "random:real"), /random:real/],
    [workspace.runOf("spinner"), /deadline/],
    [
      workspace.json<{ readonly runs: readonly RunSaid[] }>("run", "greeter", "--proof").runs[0] ?? assert.fail(),
      /nothing was executed/,
    ],
  ];
  for (const [run, why] of cases) {
    const said = workspace.json<ReplayedAll>("replay", run.run);
    assert.equal(said.exit, 2, JSON.stringify(said));
    assert.equal(said.replays[0]?.fault?.code, "worker/not-replayable");
    assert.match(said.replays[0]?.fault?.message ?? "", why);
  }
  const greeter = workspace.runOf("greeter");
  const all = workspace.json<ReplayedAll>("replay", "--all");
  assert.equal(all.exit, 0, "what cannot be replayed is nobody's fault");
  assert.deepEqual(all.totals, { identical: 1, "not-replayable": 3 });

  assert.equal(workspace.nightcore("replay", "ffffffff").exit, 2);
  assert.equal(workspace.nightcore("replay").exit, 2);
  assert.equal(workspace.nightcore("replay", "--all", greeter.run).exit, 2);

  const entries = () => workspace.json<{ readonly size?: number; readonly entries?: number }>("ledger", "verify");
  const before = entries();
  workspace.expect(0, "replay", greeter.run, "--record");
  assert.notDeepEqual(entries(), before, "with --record the log has one entry more");
  workspace.expect(0, "ledger", "verify");
  workspace.expect(0, "state", "rebuild");
  workspace.expect(0, "receipt", "show", greeter.run);

  workspace.expect(0, "quarantine", "add", "modules/greeter", "--reason", "under investigation");
  assert.match(workspace.expect(2, "replay", greeter.run).stderr, /quarantined/);
});

test("arguments too long for an entry are recorded by digest, handed to the guest whole, and replayed", (context) => {
  const workspace = Workspace.make(context);
  addGuests(workspace, ["exitByArguments"]);
  const long = "x".repeat(100_000);
  const said = workspace.runOf("exitByArguments", "--arg", long);
  const { entries } = workspace.json<{
    readonly entries: readonly { readonly argv: unknown; readonly arguments?: { readonly bytes: number } }[];
  }>(...["ledger", "find", "--run", said.run, "--kind", "intent"]);
  assert.equal(said.exitCode, "exitByArguments".length + 1 + long.length + 1, "what it was handed has this size");
  assert.equal(entries[0]?.argv, null);
  assert.ok((entries[0]?.arguments?.bytes ?? 0) > 100_000);
  workspace.expect(0, "replay", said.run);
  assert.match(
    workspace.expect(2, "run", "exitByArguments", ...Array.from({ length: 11 }, () => ["--arg", long]).flat()).stderr,
    /--stdin/,
  );
});
