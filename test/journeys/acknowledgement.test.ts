import assert from "node:assert/strict";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { end, serve, type Served, writePolicy } from "./witnesses.ts";
import { type RunSaid, Workspace } from "./workspace.ts";

type Batch = {
  readonly runs: readonly RunSaid[];
  readonly acknowledged: { readonly asked: string; readonly reached: string };
  readonly error?: { readonly code: string; readonly message: string };
};

function makeWorld(context: TestContext): { readonly workspace: Workspace; readonly vkey: string } {
  const workspace = Workspace.make(context);
  for (const tenant of ["hello", "world"]) workspace.addTenant(tenant);
  workspace.signAndTrust("hello", "world");
  workspace.expect(0, "generate-keys", "--out-dir", "keys", "--name", "w1", "--name", "w2");
  return { workspace, vkey: workspace.expect(0, "ledger", "vkey").stdout.trim() };
}

/** Chooses what is waited for, as its operator would: in nightcore.toml. */
function choose(workspace: Workspace, level: string, unreached = "fail_closed"): void {
  const file = join(workspace.root, "nightcore.toml");
  const text = readFileSync(file, "utf8")
    .replace(/^level = .*$/m, `level = "${level}"`)
    .replace(/^policy = .*$/m, 'policy = "witness.policy"')
    .replace(/^wait_seconds = .*$/m, "wait_seconds = 1")
    .replace(/^unreached = .*$/m, `unreached = "${unreached}"`);
  writeFileSync(file, text);
}

/** The receipt of a run, what it claims, and how it is judged by one who knows the log and the policy. */
function judge(workspace: Workspace, run: string, vkey: string) {
  const text = workspace.expect(0, "receipt", "show", run).stdout;
  writeFileSync(join(workspace.root, "receipt.json"), text);
  const verify = ["receipt", "verify", "receipt.json", "--log-key", vkey, "--policy", "witness.policy"];
  const { checks, exit } = workspace.json<{ checks: readonly { name: string; outcome: string; why: string }[] }>(...verify);
  const of = (name: string) => checks.find((check) => check.name === name);
  const { acknowledged } = JSON.parse(text) as { acknowledged?: string };
  return { acknowledged, exit, level: of("acknowledged as it says"), witnesses: of("witness cosignatures") };
}

async function serveBoth(context: TestContext, workspace: Workspace, vkey: string): Promise<readonly [Served, Served]> {
  const served = [await serve(context, workspace, "w1", [vkey]), await serve(context, workspace, "w2", [vkey])] as const;
  writePolicy(workspace, vkey, served);
  return served;
}

test("witnessed: a run is told once both witnesses have cosigned it, and its receipt shows that at once", async (context) => {
  const { workspace, vkey } = makeWorld(context);
  await serveBoth(context, workspace, vkey);
  choose(workspace, "witnessed");
  const { runs, acknowledged, exit } = workspace.json<Batch>("run", "hello");
  assert.deepEqual([exit, runs[0]?.status, acknowledged], [0, "ran", { asked: "witnessed", reached: "witnessed" }]);
  const judged = judge(workspace, runs[0]?.run ?? "", vkey);
  assert.equal(judged.acknowledged, "witnessed");
  assert.deepEqual([judged.exit, judged.level?.outcome, judged.witnesses?.outcome], [0, "ok", "ok"]);
  assert.match(judged.level?.why ?? "", /^witnessed: w1\.example\/witness at .*w2\.example\/witness at /);

  const batch = workspace.json<Batch>("run", "--all");
  assert.deepEqual([batch.exit, batch.runs.length, batch.acknowledged.reached], [0, 2, "witnessed"]);
  for (const { run } of batch.runs) assert.equal(judge(workspace, run, vkey).level?.outcome, "ok");

  // Who claims more than the cosignatures bear out is seen, and who asks for no witnesses is told that he did not.
  const claimed = JSON.parse(readFileSync(join(workspace.root, "receipt.json"), "utf8")) as { entries: { proof: string }[] };
  for (const entry of claimed.entries) entry.proof = entry.proof.replace(/^— w2\.example.*\n/m, "");
  writeFileSync(join(workspace.root, "less.json"), JSON.stringify(claimed));
  const less = ["receipt", "verify", "less.json", "--log-key", vkey];
  assert.match(workspace.expect(4, ...less, "--policy", "witness.policy").stdout, /acknowledged as it says.*claims witnessed/);
  assert.match(workspace.expect(0, ...less).stdout, /not there +acknowledged as it says/);
});

test("fail_closed: without the quorum no guest starts, nothing is told, and the code is its own", async (context) => {
  const { workspace, vkey } = makeWorld(context);
  const [, second] = await serveBoth(context, workspace, vkey);
  choose(workspace, "witnessed");
  await end(second);
  const { exit, error } = workspace.json<Batch>("run", "hello");
  assert.deepEqual([exit, error?.code], [6, "ledger/not-acknowledged"]);
  assert.match(error?.message ?? "", /the quorum `both` is not met.*`w2` cannot be reached/);
  const spoken = workspace.expect(6, "run", "hello");
  assert.equal(spoken.stdout, "", "the guest did not print its line");
  assert.match(spoken.stderr, /not witnessed.*nothing is told of them \(fail_closed\)/);

  // Both are in the log, with what became of them; they were never executed, and are closed as that.
  const found = workspace.expect(0, "ledger", "find", "--kind", "acknowledgement").stdout;
  assert.match(found, /are published and not witnessed \(fail_closed\)/);
  await serve(context, workspace, "w2", [vkey], Number(new URL(second.url).port));
  const { runs, exit: after } = workspace.json<Batch>("run", "hello");
  assert.deepEqual([after, runs[0]?.status], [0, "ran"]);
  workspace.expect(0, "ledger", "verify");
  workspace.expect(0, "state", "rebuild");
});

test("fail_open: without the quorum the run is told, and its receipt says that it was published only", async (context) => {
  const { workspace, vkey } = makeWorld(context);
  const [first, second] = await serveBoth(context, workspace, vkey);
  choose(workspace, "witnessed", "fail_open");
  await end(second);
  await end(first);
  const { runs, acknowledged, exit } = workspace.json<Batch>("run", "hello");
  assert.deepEqual([exit, runs[0]?.status, acknowledged], [0, "ran", { asked: "witnessed", reached: "published" }]);
  const judged = judge(workspace, runs[0]?.run ?? "", vkey);
  assert.equal(judged.acknowledged, "published");
  assert.deepEqual([judged.level?.outcome, judged.witnesses?.outcome], ["absent", "failed"], "the verifier asked for a quorum");
  assert.match(judged.level?.why ?? "", /published and not witnessed, which was asked for: told all the same \(fail_open\)/);
});

test("an older copy that is put back is noticed before a guest starts, under either rule", async (context) => {
  const { workspace, vkey } = makeWorld(context);
  await serveBoth(context, workspace, vkey);
  choose(workspace, "witnessed", "fail_open");
  const [own, older] = [".nightcore", "older"].map((name) => join(workspace.root, name)) as [string, string];
  cpSync(own, older, { recursive: true });
  for (let runs = 0; runs < 2; runs++) workspace.expect(0, "run", "hello");
  rmSync(own, { recursive: true });
  cpSync(older, own, { recursive: true });
  const { exit, error } = workspace.json<Batch>("run", "hello");
  assert.deepEqual([exit, error?.code], [5, "ledger/rollback"]);
  assert.match(error?.message ?? "", /`w1` has cosigned \d+ entries of this log/);
  // Grown past what the witnesses have seen it is a fork, and that is seen too.
  for (let runs = 0; runs < 3; runs++) assert.equal(workspace.nightcore("run", "hello").exit, 5);
  const { error: forked } = workspace.json<Batch>("run", "hello");
  assert.equal(forked?.code, "ledger/forked");
});

test("published: receipts need no witness, and `durable` receipts say nothing", (context) => {
  const { workspace, vkey } = makeWorld(context);
  const plain = workspace.expect(0, "receipt", "show", workspace.runOf("hello").run).stdout;
  assert.doesNotMatch(plain, /acknowledged/);
  choose(workspace, "published");
  const { runs, acknowledged } = workspace.json<Batch>("run", "hello");
  assert.deepEqual(acknowledged, { asked: "published", reached: "published" });
  const text = workspace.expect(0, "receipt", "show", runs[0]?.run ?? "").stdout;
  assert.match(text, /"acknowledged":"published"/);
  for (const [claim, exit, said] of [
    ["published", 0, /ok +acknowledged as it says +published/],
    ["witnessed", 4, /it claims witnessed, and no more than published was asked for/],
    ["durable", 0, /not there +acknowledged as it says/],
    ["certain", 4, /`acknowledged` is not a level/],
  ] as const) {
    writeFileSync(join(workspace.root, "claim.json"), text.replace('"acknowledged":"published"', `"acknowledged":"${claim}"`));
    const spoken = workspace.expect(exit, "receipt", "verify", "claim.json", "--log-key", vkey);
    assert.match(spoken.stdout + spoken.stderr, said, claim);
  }
});

test("a level that cannot be had is refused before anything is done", (context) => {
  const { workspace, vkey } = makeWorld(context);
  choose(workspace, "witnessed");
  assert.match(workspace.expect(2, "run", "hello").stderr, /witness\.policy.*cannot be read/);
  writeFileSync(join(workspace.root, "witness.policy"), `log ${vkey}\nquorum none\n`);
  assert.match(workspace.expect(2, "run", "hello").stderr, /asks for no witness/);
  choose(workspace, "engraved", "fail_somehow");
  const said = workspace.expect(5, "run", "hello").stderr;
  assert.match(said, /acknowledgement\.level.*durable, published, witnessed.*acknowledgement\.unreached.*fail_closed, fail_open/);
});
