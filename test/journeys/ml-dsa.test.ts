import assert from "node:assert/strict";
import { readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { serve, writePolicy } from "./witnesses.ts";
import { Workspace } from "./workspace.ts";

const CHECK = "ML-DSA-44 checkpoint signature";

type Checks = { readonly checks: readonly { readonly name: string; readonly outcome: string; readonly why: string }[] };

/** How one check of a receipt comes out for somebody who has these keys. */
function judge(workspace: Workspace, file: string, keys: string): string {
  writeFileSync(join(workspace.root, "judge.vkey"), keys);
  const { checks, exit } = workspace.json<Checks>("receipt", "verify", file, "--log-key", "judge.vkey");
  return `${exit} ${checks.find(({ name }) => name === CHECK)?.outcome}`;
}

function makeWorld(context: TestContext, ...init: readonly string[]): Workspace {
  const workspace = Workspace.make(context, ...init);
  workspace.addTenant("hello");
  workspace.signAndTrust("hello");
  return workspace;
}

test("a workspace that is made with it: checkpoints, the ledger and receipts verify under both keys", (context) => {
  const workspace = makeWorld(context, "--ml-dsa-44");
  const { run } = workspace.runOf("hello");
  const keys = workspace.expect(0, "ledger", "vkey").stdout;
  const [first = "", second = ""] = keys.split("\n");
  assert.match(second, /^test\.example\/log\+[0-9a-f]{8}\+B.{1751}$/);
  assert.equal(statSync(join(workspace.root, ".nightcore/node-ml-dsa.key")).mode & 0o777, 0o600);
  const checkpoint = readFileSync(join(workspace.root, ".nightcore/ledger/public/checkpoint"), "utf8");
  assert.equal(checkpoint.split("\n— test.example/log ").length, 3);
  assert.match(workspace.expect(0, "ledger", "verify").stderr, /^sound: .*checkpoint signed with ML-DSA-44 too/m);
  writeFileSync(join(workspace.root, "log.vkey"), keys);
  assert.match(workspace.expect(0, "ledger", "verify", "--log-key", "log.vkey").stderr, /ML-DSA-44 too/);
  assert.doesNotMatch(workspace.expect(0, "ledger", "verify", "--log-key", first).stderr, /ML-DSA-44/);

  const receipt = workspace.expect(0, "receipt", "show", run).stdout;
  writeFileSync(join(workspace.root, "receipt.json"), receipt);
  assert.equal(judge(workspace, "receipt.json", keys), "0 ok");
  assert.equal(judge(workspace, "receipt.json", first), "0 absent", "whoever has not got the second key is told so");
  const { entries } = JSON.parse(receipt) as { readonly entries: readonly { readonly proof: string }[] };
  const lines = entries[0]?.proof.trimEnd().split("\n") ?? [];
  const spoil = (text: string) => text.replaceAll((lines.at(-1) ?? "").slice(60, 90), "A".repeat(30));
  writeFileSync(join(workspace.root, "spoiled.json"), spoil(receipt));
  assert.equal(judge(workspace, "spoiled.json", keys), "4 failed");
  assert.equal(judge(workspace, "spoiled.json", first), "0 absent");
  const without = JSON.parse(receipt) as { entries: { proof: string }[] };
  for (const entry of without.entries) entry.proof = `${entry.proof.trimEnd().split("\n").slice(0, -1).join("\n")}\n`;
  writeFileSync(join(workspace.root, "without.json"), JSON.stringify(without));
  assert.equal(judge(workspace, "without.json", keys), "4 failed", "what was left out is missed");

  const proofs = workspace.expect(0, "ledger", "find", "--run", run, "--kind", "outcome", "--proofs", "proofs");
  const index = /^ *(\d+)/.exec(proofs.stdout)?.[1];
  const check = ["ledger", "check", `proofs/${index}.json`, `proofs/${index}.tlog-proof`, "--log-key"] as const;
  workspace.expect(0, ...check, "log.vkey");
  writeFileSync(join(workspace.root, "other.vkey"), `${first}\n${second.replace(/\+([0-9a-f]{8})\+/, "+00000000+")}\n`);
  assert.match(workspace.expect(4, ...check, "other.vkey").stderr, /ledger\/vkey-id-mismatch/);
});

test("a workspace that has been there gets the key by a command, and says what is missing until then", (context) => {
  const workspace = makeWorld(context);
  workspace.expect(0, "run", "hello");
  const toml = join(workspace.root, "nightcore.toml");
  writeFileSync(toml, readFileSync(toml, "utf8").replace("ml_dsa_44 = false", "ml_dsa_44 = true"));
  const refused = workspace.expect(5, "run", "hello").stderr;
  assert.match(refused, /node-ml-dsa\.key.*\n.*nightcore ledger ml-dsa-key/);
  const made = workspace.json<{ readonly logKey: string; readonly mlDsaKey: string }>("ledger", "ml-dsa-key");
  const known = workspace.json<{ readonly logKey: string; readonly mlDsaKey: string }>("ledger", "vkey");
  assert.deepEqual(made, known);
  assert.match(workspace.expect(2, "ledger", "ml-dsa-key").stderr, /never overwritten/);
  assert.match(workspace.expect(4, "ledger", "verify").stderr, /it is not signed by the log's ML-DSA-44 key/);
  workspace.expect(0, "run", "hello");
  assert.match(workspace.expect(0, "ledger", "verify").stderr, /ML-DSA-44 too/);
  renameSync(join(workspace.root, ".nightcore/node.key"), join(workspace.root, ".nightcore/node-ml-dsa.key"));
  assert.match(workspace.expect(5, "run", "hello").stderr, /node\.key/);
});

test("witnesses cosign a checkpoint that is signed twice, and take a file with both keys", async (context) => {
  const workspace = makeWorld(context, "--ml-dsa-44");
  workspace.expect(0, "generate-keys", "--out-dir", "keys", "--name", "w1");
  const { run } = workspace.runOf("hello");
  const keys = workspace.expect(0, "ledger", "vkey").stdout;
  writeFileSync(join(workspace.root, "log.vkey"), keys);
  const served = await serve(context, workspace, "w1", ["log.vkey"]);
  writePolicy(workspace, keys.split("\n")[0] ?? "", [served]);
  workspace.expect(0, "witness", "submit", "--policy", "witness.policy");
  writeFileSync(join(workspace.root, "receipt.json"), workspace.expect(0, "receipt", "show", run).stdout);
  const verify = ["receipt", "verify", "receipt.json", "--log-key", "log.vkey", "--policy", "witness.policy"];
  const { checks, exit } = workspace.json<Checks>(...verify);
  const outcomes = ["checkpoint signature and origin", CHECK, "witness cosignatures"].map(
    (wanted) => checks.find(({ name }) => name === wanted)?.outcome,
  );
  assert.deepEqual([exit, ...outcomes], [0, "ok", "ok", "ok"]);
});
