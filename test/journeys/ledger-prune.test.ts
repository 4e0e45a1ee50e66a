import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { readPrivateKey } from "../../packages/nightcore/src/store/keys/index.ts";
import { openLedgerWriter } from "../../packages/nightcore/src/store/tiles/index.ts";
import { type Spoken, Workspace } from "./workspace.ts";

type Plan = { readonly minimumIndex: number; readonly by: string; readonly pruned: { readonly files: number } | null };
type Verified = {
  readonly sound: boolean;
  readonly verifiedFrom: number;
  readonly pruning: { readonly entry: number; readonly event: { readonly minimumIndex: number } } | null;
  readonly problems: readonly { readonly code: string; readonly where: string }[];
};

const SUBJECT = [{ name: "retention", digest: { sha256: createHash("sha256").update("retention").digest("hex") } }];

const BLOBS = Array.from({ length: 60 }, (_, n) => createHash("sha256").update(`${n}`).digest("hex"));

/** Entries as the workspace's own software writes them, 5 KiB each: so many fill a segment, and older ones are in bundles alone. */
async function fill(workspace: Workspace, count: number): Promise<void> {
  const own = join(workspace.root, ".nightcore");
  const key = readPrivateKey(join(own, "node.key"), () => undefined);
  assert.ok(key.ok);
  const options = { folder: join(own, "ledger"), origin: "test.example/log", key: key.value, thread: false };
  const opened = await openLedgerWriter(options);
  assert.ok(opened.ok);
  const predicate = { at: new Date().toISOString(), policy: { inputsDays: 1, outputsDays: 1 }, blobs: BLOBS };
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: SUBJECT,
    predicateType: "urn:nightcore:deletion:v1",
    predicate,
  };
  const payload = Buffer.from(JSON.stringify(statement));
  for (let n = 0; n < count; n += 50) assert.ok((await opened.value.append(Array.from({ length: 50 }, () => payload))).ok);
  assert.ok((await opened.value.close()).ok);
}

function configure(workspace: Workspace, change: readonly [string, string]): void {
  const path = join(workspace.root, "nightcore.toml");
  const text = readFileSync(path, "utf8");
  assert.ok(text.includes(change[0]));
  writeFileSync(path, text.replace(...change));
}

/** The command two days later, as far as a clock can be moved here: everything recorded until now is older than a day then. */
function later(workspace: Workspace, ...args: readonly string[]): Spoken {
  const path = join(workspace.root, "later.mjs");
  writeFileSync(path, "const now = Date.now; Date.now = () => now() + 2 * 86_400_000;\n");
  return workspace.nightcoreWith({ NODE_OPTIONS: `--import=${path}` }, ...args);
}

/** A workspace with a run in the first bundle and one in the last, 900 entries between them. */
async function makeHistory(context: TestContext) {
  const workspace = Workspace.make(context);
  workspace.addTenant("hello");
  workspace.signAndTrust("hello");
  const { run: old } = workspace.runOf("hello");
  await fill(workspace, 900);
  const { run: young } = workspace.runOf("hello");
  configure(workspace, ["log_days = 0", "log_days = 1"]);
  return { workspace, old, young };
}

const own = (workspace: Workspace, ...path: readonly string[]) => join(workspace.root, ".nightcore", ...path);
const verify = (workspace: Workspace, ...args: readonly string[]) => workspace.json<Verified>("ledger", "verify", ...args);
const OLD_BUNDLE = "ledger/public/tile/entries/000";

function proves(workspace: Workspace, run: string): void {
  writeFileSync(join(workspace.root, "receipt.json"), workspace.expect(0, "receipt", "show", run).stdout);
  writeFileSync(join(workspace.root, "log.vkey"), workspace.expect(0, "ledger", "vkey").stdout);
  workspace.expect(0, "receipt", "verify", "receipt.json", "--log-key", "log.vkey");
}

test("pruning wants a written policy, a time or an index, an archive; and takes nothing that is young", async (context) => {
  const { workspace } = await makeHistory(context);
  const prune = (...args: readonly string[]) => workspace.nightcore("ledger", "prune", ...args);
  configure(workspace, ["log_days = 1", "log_days = 0"]);
  const unset = prune("--before", "512", "--archive", "archive");
  assert.deepEqual(
    [unset.exit, /ledger\/retention-unset/.test(unset.stderr), /log_days = 365/.test(unset.stderr)],
    [2, true, true],
  );
  configure(workspace, ["log_days = 0", "log_days = 1"]);
  assert.match(prune("--archive", "archive").stderr, /`--before` is missing/);
  assert.match(prune("--before", "soon", "--archive", "archive").stderr, /is not a time/);
  assert.match(prune("--before", "512").stderr, /the archive is missing/);
  const young = prune("--before", "512", "--archive", "archive");
  assert.deepEqual([young.exit, /^0 entries .* newer than .* \(log_days = 1\)$/m.test(young.stderr)], [0, true], young.stderr);
  const listed = later(workspace, "ledger", "prune", "--before", "1d", "--archive", "archive", "--list", "--json");
  const { minimumIndex, by, pruned } = JSON.parse(listed.stdout) as Plan;
  assert.deepEqual([minimumIndex % 256, by, pruned], [0, "journal", null]);
  assert.ok(minimumIndex >= 512 && !existsSync(join(workspace.root, "archive")));
  configure(workspace, ['log_archive = ""', 'log_archive = "elsewhere"']);
  assert.match(later(workspace, "ledger", "prune", "--before", "1d", "--archive", "archive").stderr, /names another archive/);
});

test("a pruned log is verified, proved and folded with its archive, and says what is missing without", async (context) => {
  const { workspace, old, young } = await makeHistory(context);
  const archive = join(workspace.root, "archive");
  const pruned = later(workspace, "ledger", "prune", "--before", "600", "--archive", "archive");
  assert.deepEqual(
    [pruned.exit, /^512 entries went into .* 4 files .* no more was asked for$/m.test(pruned.stderr)],
    [0, true],
    pruned.stderr,
  );
  assert.ok(!existsSync(own(workspace, OLD_BUNDLE)) && existsSync(join(archive, "public/tile/entries/000")));
  const find = workspace.expect(0, "ledger", "find", "--kind", "pruning");
  assert.match(find.stdout, /entries before 512 are in the archive `archive`, by/);

  // With the archive all is as before.
  const whole = verify(workspace);
  assert.deepEqual([whole.exit, whole.verifiedFrom, whole.pruning?.event.minimumIndex], [0, 0, 512]);
  assert.match(
    workspace.expect(0, "ledger", "verify").stderr,
    /were pruned \(entry \d+, .*\) into `archive`, and verified there/,
  );
  for (const run of [old, young]) proves(workspace, run);
  for (const words of ["state rebuild", "ledger fsck", `replay ${old}`, `explain ${old}`, "ledger export --out all.jsonl"])
    workspace.expect(0, ...words.split(" "));
  workspace.expect(0, "ledger", "backup", "backup", "--verify");
  assert.match(
    later(workspace, "ledger", "prune", "--before", "600").stderr,
    /^0 entries went .* 0 files/m,
    "nothing is left to do",
  );

  // Without it what is old cannot be read, and everything else can.
  renameSync(archive, join(workspace.root, "moved"));
  const alone = verify(workspace);
  assert.deepEqual([alone.exit, alone.sound, alone.verifiedFrom], [0, true, 512]);
  const words = workspace.expect(0, "ledger", "verify").stderr;
  assert.match(words, /sound from entry 512 on/);
  assert.match(words, /which is not here: the bytes of entries 0 to 511 were not verified/);
  assert.match(workspace.expect(0, "ledger", "fsck").stderr, /the projection was not compared/);
  proves(workspace, young);
  for (const args of [
    ["receipt", "show", old],
    ["state", "rebuild"],
    ["ledger", "export", "--out", "more.jsonl"],
    ["retention", "apply"],
    ["standing", "--again"],
    ["ledger", "backup", "other"],
  ]) {
    const { exit, stderr } = workspace.nightcore(...args);
    assert.equal(exit, 5, args.join(" "));
    assert.match(stderr, /entry \d+ took the entries before 512 into `archive`.*ledger\/pruned/, args.join(" "));
    assert.match(stderr, /log_archive/, args.join(" "));
  }
  // The projection is still there: nothing that looks to the future needs what is old.
  workspace.expect(0, "run", "hello");
  workspace.expect(0, "ledger", "backup", "backup");

  // It may be named anew.
  assert.equal(verify(workspace, "--archive", "moved").verifiedFrom, 0);
  configure(workspace, ['log_archive = ""', 'log_archive = "moved"']);
  workspace.expect(0, "state", "rebuild");
  proves(workspace, old);
  workspace.expect(0, "ledger", "fsck");
});

test("damage of a pruned log stays damage, and a backup brings back the whole", async (context) => {
  const { workspace } = await makeHistory(context);
  workspace.expect(0, "ledger", "backup", "backup");
  const unpruned = readFileSync(own(workspace, OLD_BUNDLE));
  rmSync(own(workspace, OLD_BUNDLE));
  const missing = verify(workspace);
  assert.deepEqual(
    [missing.exit, missing.problems[0]?.code, missing.problems[0]?.where],
    [4, "ledger/missing-tile", "public/tile/entries/000"],
  );
  writeFileSync(own(workspace, OLD_BUNDLE), unpruned);

  // A whole backup holds all that an archive needs.
  assert.equal(later(workspace, "ledger", "prune", "--before", "512", "--archive", "backup").exit, 0);
  assert.equal(verify(workspace).verifiedFrom, 0);
  const bundle = own(workspace, "ledger/public/tile/entries/002");
  const bytes = readFileSync(bundle);
  rmSync(bundle);
  assert.deepEqual(
    verify(workspace).problems.map(({ code }) => code),
    ["ledger/missing-tile"],
  );
  assert.equal(workspace.nightcore("ledger", "fsck").exit, 4);
  writeFileSync(bundle, bytes);
  workspace.expect(0, "ledger", "backup", "backup");
  cpSync(join(workspace.root, "backup"), join(workspace.root, "kept"), { recursive: true });
  rmSync(own(workspace, "ledger"), { recursive: true });
  workspace.expect(0, "ledger", "restore", "kept");
  const restored = verify(workspace);
  assert.deepEqual([restored.exit, restored.verifiedFrom, restored.pruning], [0, 0, null]);
});
