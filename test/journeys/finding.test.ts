import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { Workspace } from "./workspace.ts";

type Found = {
  readonly published: number;
  readonly entries: readonly { readonly index: number; readonly kind: string; readonly tenant?: string }[];
};

/** Two tenants that ran and one that nobody signed. */
function makeHistory(context: TestContext): Workspace {
  const workspace = Workspace.make(context);
  for (const name of ["one", "two", "unsigned"]) workspace.addTenant(name);
  workspace.signAndTrust("one", "two");
  workspace.expect(3, "run", "--all");
  return workspace;
}

test("entries are found by tenant, verdict, kind and signer, and proved with the log's key alone", (context) => {
  const workspace = makeHistory(context);
  const find = (...args: readonly string[]) => workspace.json<Found>("ledger", "find", ...args);
  assert.deepEqual(
    find("--tenant", "one").entries.map(({ kind }) => kind),
    ["admission", "verification", "decision", "intent", "outcome"],
  );
  assert.deepEqual(
    find("--verdict", "deny").entries.map(({ tenant, kind }) => `${tenant} ${kind}`),
    ["unsigned admission", "unsigned verification", "unsigned decision"],
  );
  assert.deepEqual(
    find("--kind", "outcome")
      .entries.map(({ tenant }) => tenant ?? "")
      .toSorted((a, b) => (a < b ? -1 : 1)),
    ["one", "two"],
  );
  const { keys } = workspace.json<{ readonly keys: readonly { readonly keyId: string }[] }>("trust", "list");
  const signer = keys[0]?.keyId ?? "";
  assert.equal(find("--signer", signer.slice(0, 8), "--kind", "decision").entries.length, 2);
  assert.equal(find("--signer", signer, "--kind", "trust").entries.length, 1);
  assert.equal(find("--until", "2020-01-01").entries.length, 0);
  assert.ok(find("--since", "1d").entries.length > 10);

  workspace.expect(0, "ledger", "find", "--tenant", "two", "--proofs", "proofs");
  writeFileSync(join(workspace.root, "log.vkey"), workspace.expect(0, "ledger", "vkey").stdout);
  const { index } = find("--tenant", "two", "--kind", "outcome").entries[0] ?? { index: -1 };
  const files = [`proofs/${index}.json`, `proofs/${index}.tlog-proof`] as const;
  const checked = workspace.json<{ readonly verified: boolean; readonly index: number }>(
    "ledger",
    "check",
    ...files,
    "--log-key",
    "log.vkey",
  );
  assert.deepEqual([checked.exit, checked.verified, checked.index], [0, true, index]);

  const entry = readFileSync(join(workspace.root, files[0]), "utf8");
  const proof = readFileSync(join(workspace.root, files[1]), "utf8");
  const attacks: readonly (readonly [attack: string, entry: string, proof: string])[] = [
    ["an entry with another payload", entry.replace(/"payload":"../, '"payload":"AA'), proof],
    ["a proof of another index", entry, proof.replace(/^index \d+$/m, "index 0")],
    ["a proof whose checkpoint has another size", entry, proof.replace(/(test\.example\/log\n)\d+/, "$1999")],
    ["no proof at all", entry, "nothing"],
  ];
  for (const [attack, changedEntry, changedProof] of attacks) {
    writeFileSync(join(workspace.root, files[0]), changedEntry);
    writeFileSync(join(workspace.root, files[1]), changedProof);
    assert.equal(workspace.nightcore("ledger", "check", ...files, "--log-key", "log.vkey").exit, 4, attack);
  }
});

test("what cannot be asked for is refused with what can", (context) => {
  const workspace = Workspace.make(context);
  const refused: readonly (readonly [args: readonly string[], word: RegExp])[] = [
    [["--verdict", "perhaps"], /one of allow, hold, deny, quarantine/],
    [["--kind", "gossip"], /one of workspace, trust/],
    [["--digest", "12"], /not a SHA-256/],
    [["--signer", "12"], /8 characters/],
    [["--since", "soon"], /not a time/],
    [["--limit", "0"], /not a number from 1/],
  ];
  for (const [args, word] of refused) {
    const { exit, stderr } = workspace.nightcore("ledger", "find", ...args);
    assert.equal(exit, 2, args.join(" "));
    assert.match(stderr, word);
  }
});

test("retention deletes what is too old, records it first, and a replay says so", (context) => {
  const workspace = makeHistory(context);
  const config = join(workspace.root, "nightcore.toml");
  assert.match(workspace.expect(0, "retention", "apply").stderr, /0 blobs .* keeps everything/);
  writeFileSync(config, readFileSync(config, "utf8").replace("inputs_days = 0", "inputs_days = 1"));
  assert.match(workspace.expect(0, "retention", "apply").stderr, /^0 blobs/);
  const { run } = workspace.runOf("one");
  // Two days later, as far as this clock can be moved: the blobs of the past are older than a day then.
  const later = { NODE_OPTIONS: `--import=${writeLaterClock(workspace)}` };
  const dry = workspace.nightcoreWith(later, "retention", "apply", "--dry-run");
  assert.match(dry.stderr, /[1-9]\d* blobs would be deleted/);
  assert.equal(workspace.expect(0, "replay", run).exit, 0);
  const applied = workspace.nightcoreWith(later, "retention", "apply");
  assert.match(applied.stderr, /[1-9]\d* blobs of \d+ bytes deleted/);
  assert.equal(workspace.json<Found>("ledger", "find", "--kind", "deletion").entries.length, 1);
  assert.match(workspace.expect(5, "replay", run).stderr, /deleted under the retention policy at .* \(entry \d+\)/);
  assert.match(workspace.nightcoreWith(later, "retention", "apply").stderr, /^0 blobs/);
  workspace.expect(0, "ledger", "verify");
  workspace.expect(0, "state", "rebuild");
  assert.match(workspace.expect(5, "replay", run).stderr, /deleted under the retention policy/);
});

function writeLaterClock(workspace: Workspace): string {
  const path = join(workspace.root, "later.mjs");
  writeFileSync(path, "const now = Date.now; Date.now = () => now() + 2 * 86_400_000;\n");
  return path;
}
