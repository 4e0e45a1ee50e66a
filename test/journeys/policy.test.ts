import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Workspace } from "./workspace.ts";

type Version = {
  readonly number: number;
  readonly state: string;
  readonly approvers: readonly string[];
  readonly rollbackOf?: number;
};
type History = { readonly versions: readonly Version[] };

type Simulated = {
  readonly decisions: number;
  readonly flips: readonly {
    readonly tenant: string;
    readonly signer?: string;
    readonly before: string;
    readonly after: string;
    readonly by: readonly string[];
  }[];
};

/** Runs go side by side, so the order of the log is not that of the tenants. */
function sorted(rows: readonly unknown[]): readonly string[] {
  return rows.map((row) => JSON.stringify(row)).toSorted();
}

const FORBID = `@id("no-hello")
@reason("hello is on holiday")
@hint("come back in May")
forbid (principal, action == Action::"run", resource in Tenant::"hello");
`;

function writePolicies(workspace: Workspace, name: string, text: string): void {
  writeFileSync(join(workspace.root, "policies", name), text);
}

test("an edited file changes nothing until it is put in force, and then decides with its author's words", (context) => {
  const workspace = Workspace.make(context);
  workspace.addTenant("hello");
  workspace.signAndTrust("hello");
  writePolicies(workspace, "holiday.cedar", FORBID);
  assert.equal(workspace.runOf("hello").status, "ran");
  assert.match(workspace.nightcore("policy", "diff").stderr, /\+.*no-hello/);
  workspace.expect(0, "policy", "activate", "--unapproved", "--comment", "holidays");
  const denied = workspace.runOf("hello");
  assert.deepEqual(
    denied.reasons.map(({ code, policy, message, hint }) => ({ code, policy, message, hint })),
    [{ code: "guardian/policy-forbids", policy: "no-hello", message: "hello is on holiday", hint: "come back in May" }],
  );
  rmSync(join(workspace.root, "policies"), { recursive: true });
  assert.equal(workspace.runOf("hello").status, "denied", "what is in force lies elsewhere");
  workspace.expect(0, "ledger", "verify");
});

test("policies with problems are refused with all of them, and what was in force stays in force", (context) => {
  const workspace = Workspace.make(context);
  workspace.addTenant("hello");
  workspace.signAndTrust("hello");
  writePolicies(workspace, "a.cedar", 'permit (principal, action, resource) when { context.nothing == 1 };\n@id("x") permit(');
  writePolicies(workspace, "b.cedar", '@id("y") @verdikt("hold") forbid (principal, action, resource);');
  writePolicies(workspace, "hello.json", '{"max_feul":1}');
  writePolicies(workspace, "other.json", "{");
  for (const words of [["check"], ["propose", "--comment", "c"], ["activate", "--unapproved", "--comment", "c"]]) {
    const { exit, stderr } = workspace.nightcore("policy", ...words);
    assert.equal(exit, 2, words.join(" "));
    for (const problem of [/a\.cedar/, /verdikt/, /`max_feul` is unknown/, /`other.json` is not strict JSON/])
      assert.match(stderr, problem);
  }
  assert.equal(workspace.runOf("hello").status, "ran");
  assert.equal(workspace.json<History>("policy", "history").versions.length, 1);
});

test("who is an approver decides: two persons, none of them the proposer, none of them twice", (context) => {
  const workspace = Workspace.make(context);
  workspace.expect(0, "generate-keys", "--out-dir", "keys", ...["ann", "bob", "eve"].flatMap((name) => ["--name", name]));
  const trust = (name: string, ...more: readonly string[]) =>
    workspace.expect(0, "trust", "add", `keys/maintainers/${name}.pub`, "--tenant", "*", "--role", "approver", ...more);
  const say = (word: string, number: number, name: string) =>
    workspace.nightcore("policy", word, String(number), "--key", `keys/maintainers/${name}.key`, "--comment", "as discussed");

  writePolicies(workspace, "_default.json", '{"policy_approvals":[{"role":"approver","count":2}]}');
  workspace.expect(3, "policy", "activate", "--comment", "two persons from now on");
  workspace.expect(0, "policy", "activate", "2", "--unapproved", "--comment", "two persons from now on");

  for (const name of ["ann", "bob"]) trust(name);
  writePolicies(workspace, "holiday.cedar", FORBID);
  workspace.expect(0, "policy", "propose", "--comment", "holidays", "--key", "keys/maintainers/ann.key");
  assert.equal(say("approve", 3, "ann").exit, 3, "she proposed it");
  assert.equal(say("approve", 3, "bob").exit, 0);
  assert.equal(say("approve", 3, "bob").exit, 3, "one person is one person");
  assert.equal(say("approve", 3, "eve").exit, 3, "nobody knows her");
  const refused = workspace.nightcore("policy", "activate", "3", "--comment", "now");
  assert.equal(refused.exit, 3);
  assert.match(refused.stderr, /guardian\/policy-unapproved/);
  assert.match(refused.stderr, /1 more person in the role "?`?approver/);
  assert.equal(
    workspace.nightcore("policy", "activate", "3", "--unapproved", "--comment", "now").exit,
    3,
    "there are approvers now",
  );

  trust("eve", "--person", "Bob");
  assert.equal(say("approve", 3, "eve").exit, 3, "the same person under another key");
  workspace.expect(0, "generate-keys", "--out-dir", "keys", "--name", "carol");
  trust("carol");
  assert.equal(say("approve", 3, "carol").exit, 0);
  workspace.expect(0, "policy", "activate", "3", "--comment", "now");
  const { versions } = workspace.json<History>("policy", "history");
  assert.deepEqual(
    versions.map(({ number, state, approvers }) => [number, state, approvers]),
    [
      [3, "active", ["bob", "carol"]],
      [2, "replaced", []],
      [1, "replaced", []],
    ],
  );
});

test("a rejection by an approver stands in the way, and going back is a version of its own", (context) => {
  const workspace = Workspace.make(context);
  workspace.addTenant("hello");
  workspace.signAndTrust("hello");
  writePolicies(workspace, "holiday.cedar", FORBID);
  workspace.expect(0, "policy", "activate", "--unapproved", "--comment", "holidays");
  assert.equal(workspace.nightcore("policy", "activate", "1", "--unapproved", "--comment", "back").exit, 2);
  workspace.expect(0, "policy", "rollback", "1", "--comment", "holidays are over");
  workspace.expect(0, "trust", "add", "keys/maintainers/alice.pub", "--tenant", "*", "--role", "approver");
  workspace.expect(0, "policy", "reject", "3", "--key", "keys/maintainers/alice.key", "--comment", "not yet");
  const refused = workspace.nightcore("policy", "activate", "3", "--comment", "now");
  assert.match(refused.stderr, /alice.* rejected it/);
  assert.equal(refused.exit, 3);
  workspace.expect(0, "policy", "rollback", "1", "--comment", "holidays are over");
  workspace.expect(0, "policy", "approve", "4", "--key", "keys/maintainers/alice.key", "--comment", "now");
  workspace.expect(0, "policy", "activate", "4", "--comment", "now");
  assert.equal(workspace.json<History>("policy", "history").versions[0]?.rollbackOf, 1);
  assert.equal(workspace.runOf("hello").status, "ran");
  const said = workspace.json<{ readonly digest: string; readonly before: string }>("state", "rebuild");
  assert.equal(said.digest, said.before);
});

test("a version whose bytes are gone or were changed denies everything, by name", (context) => {
  const workspace = Workspace.make(context);
  workspace.addTenant("hello");
  workspace.signAndTrust("hello");
  const folder = join(workspace.root, ".nightcore", "policies");
  const path = join(folder, readdirSync(folder)[0] ?? "");
  const before = readFileSync(path);
  writeFileSync(path, before.toString().replace("10000", "99999"));
  assert.deepEqual(
    workspace.runOf("hello").reasons.map(({ code }) => code),
    ["guardian/policy-gone"],
  );
  rmSync(path);
  assert.deepEqual(
    workspace.runOf("hello").reasons.map(({ code }) => code),
    ["guardian/policy-gone"],
  );
  writeFileSync(path, before);
  assert.equal(workspace.runOf("hello").status, "ran");
});

test("what a candidate would flip is exactly what flips when it is enforced, and a trial has said so before", (context) => {
  const workspace = Workspace.make(context);
  const tenants = ["hello", "other", "third"];
  for (const tenant of tenants) workspace.addTenant(tenant);
  workspace.signAndTrust("hello", "other");
  const all = () => {
    const { runs } = workspace.json<{ readonly runs: readonly { tenant: string; status: string }[] }>("run", "--all", "--proof");
    return Object.fromEntries(runs.map(({ tenant, status }) => [tenant, status]));
  };
  const before = all();
  writePolicies(
    workspace,
    "holiday.cedar",
    FORBID.replace('action == Action::"run"', 'action in [Action::"run", Action::"prove"]'),
  );
  writePolicies(workspace, "other.json", '{"allow_proof_mode":false}');
  const { decisions, flips } = workspace.json<Simulated>("policy", "simulate", "--candidate", "policies", "--since", "1d");
  assert.equal(decisions, 3);
  assert.deepEqual(sorted(flips.map(({ tenant, signer, before: was, after, by }) => [tenant, signer, was, after, by])), [
    '["hello","alice","allow","deny",["no-hello"]]',
    '["other","alice","allow","deny",["guardian/proof-mode-not-allowed"]]',
  ]);
  const one = workspace.json<Simulated>("policy", "simulate", "--candidate", "policies/holiday.cedar");
  assert.deepEqual(
    one.flips.map(({ tenant }) => tenant),
    ["hello"],
    "one file, over those in force",
  );

  workspace.expect(0, "policy", "propose", "--comment", "holidays");
  workspace.expect(0, "policy", "shadow", "2", "--comment", "try it");
  assert.deepEqual(all(), before, "a trial changes nothing");
  const tried = workspace.json<Simulated>("policy", "shadow");
  const named = ({ flips: some }: Simulated) => sorted(some.map(({ tenant, by }) => [tenant, by]));
  assert.deepEqual([tried.decisions, named(tried)], [3, named({ decisions, flips })]);
  workspace.expect(0, "policy", "shadow", "off", "--comment", "seen enough");
  assert.equal(workspace.nightcore("policy", "shadow").exit, 2);

  workspace.expect(0, "policy", "activate", "2", "--unapproved", "--comment", "now");
  const after = all();
  assert.deepEqual(
    tenants.filter((tenant) => before[tenant] !== after[tenant]),
    ["hello", "other"],
  );
  const again = workspace.json<Simulated>("policy", "simulate");
  assert.deepEqual([again.decisions, again.flips, again.exit], [9, [], 0], "each under its own version");
});

test("a decision explains itself, and a dry run explains one that was not made", (context) => {
  const workspace = Workspace.make(context);
  workspace.addTenant("hello", { manifest: { permissions: ["stdout", "clock:real"], timeout_ms: 99_999 } });
  workspace.expect(0, "generate-keys", "--out-dir", "keys", "--name", "alice");
  workspace.expect(0, "sign", "--dir", "modules/hello", "--key", "keys/maintainers/alice.key");
  const size = () => workspace.json<{ readonly entries: number }>("ledger", "verify").entries;
  const before = size();
  const dry = workspace.nightcore("run", "hello", "--dry-run");
  assert.equal(dry.exit, 3);
  for (const words of [/deny/, /trust\/key-untrusted/, /risk \d+ of 100/, /nothing was recorded/, /version 1 of the policies/])
    assert.match(dry.stdout + dry.stderr, words);
  const said = workspace.json<{ readonly decisions: readonly { readonly smallestChange: readonly string[] }[] }>(
    "run",
    "hello",
    "--dry-run",
  );
  assert.deepEqual(said.decisions[0]?.smallestChange, [
    "a signature over module and manifest by a key that is trusted for this tenant",
    "without the capability `clock:real`",
    "at most 10000 of the budget `wallMs`",
  ]);
  assert.equal(size(), before);
  const { run, digest = "" } = workspace.runOf("hello");
  for (const what of [run, run.slice(0, 13), digest]) {
    const { stdout, exit } = workspace.nightcore("explain", what);
    assert.equal(exit, 0);
    assert.match(stdout, /deny.*clock:real.*guardian\/capability-not-granted/);
    assert.match(stdout, /- at most 10000 of the budget `wallMs`/);
  }
  assert.equal(workspace.nightcore("explain", "0".repeat(64)).exit, 2);
});
