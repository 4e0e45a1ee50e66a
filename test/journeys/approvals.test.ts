import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { toolEnvironment } from "../../tools/repository.ts";
import { type Approved, type History, InboxWorkspace, offBy, TENANT } from "./inbox-workspace.ts";
import { GREETER, LAUNCHER } from "./workspace.ts";

type Envelope = { payload: string; payloadType: string; signatures: { keyid: string; sig: string }[] };

/** A workspace whose agent's module is signed and waits. */
function waiting(context: Parameters<typeof InboxWorkspace.start>[0]): InboxWorkspace {
  const workspace = InboxWorkspace.start(context);
  workspace.submit();
  workspace.sign();
  return workspace;
}

/** Hands an approval in that was signed elsewhere. */
function handIn(workspace: InboxWorkspace, envelope: string, tenant = TENANT): Approved & { readonly exit: number | null } {
  writeFileSync(join(workspace.root, "approval.json"), envelope);
  return workspace.json<Approved>("inbox", "approve", tenant, "--signed", "approval.json");
}

/** The same envelope with its members in another order. */
function reversed({ payload, payloadType, signatures }: Envelope): string {
  return JSON.stringify({ signatures, payloadType, payload });
}

/** An approval by bob for what lies there now, in a file. */
function signElsewhere(workspace: InboxWorkspace, ...more: readonly string[]): string {
  const key = ["--key", "keys/maintainers/bob.key", "--comment", "read it"];
  workspace.expect(0, "inbox", "approve", TENANT, ...key, "--out", "signed.json", ...more);
  return readFileSync(join(workspace.root, "signed.json"), "utf8");
}

test("an approval that was signed elsewhere counts; one that was tampered with, replayed or made up is refused, recorded and denies", (context) => {
  const workspace = waiting(context);
  const good = signElsewhere(workspace);
  const envelope = JSON.parse(good) as Envelope;
  const statement = Buffer.from(envelope.payload, "base64").toString("utf8");
  const forge = (text: string) => JSON.stringify({ ...envelope, payload: Buffer.from(text).toString("base64") });
  const tricks: readonly (readonly [what: string, envelope: string, code: string])[] = [
    ["more fuel than was signed", forge(statement.replace(/"fuel":\d+/, '"fuel":9000000000000')), "guardian/approval-forged"],
    ["another signature", good.replace(/"sig":"..../, '"sig":"AAAA'), "guardian/approval-forged"],
    ["no envelope", "approved: true", "guardian/approval-malformed"],
    ["a megabyte", " ".repeat(1_000_000), "guardian/approval-malformed"],
    ["another order of members", reversed(envelope), "guardian/approval-malformed"],
    [
      "a signature twice",
      JSON.stringify({ ...envelope, signatures: [...envelope.signatures, ...envelope.signatures] }),
      "guardian/approval-malformed",
    ],
    ["white space in the statement", forge(` ${statement}`), "guardian/approval-malformed"],
  ];
  for (const [what, forged, code] of tricks) {
    const said = handIn(workspace, forged);
    assert.deepEqual([said.exit, said.counts, said.finding?.code], [3, false, code], what);
  }
  const codes = workspace.codes();
  assert.ok(codes.includes("guardian/approval-forged") && codes.includes("guardian/approval-malformed"), codes.join());
  assert.ok(workspace.incidents().includes("guardian/approval-forged"));
  assert.equal(handIn(workspace, good).satisfied, true);
  assert.deepEqual(workspace.codes(), [], "what was refused does not stand in the way of what counts");

  // The same consent for another tenant, for other bytes, and a second time after it was revoked.
  workspace.submit(GREETER, "other.wasm");
  assert.equal(handIn(workspace, good, "tenant-agent-other").finding?.code, "guardian/approval-other-tenant");
  const { history } = workspace.json<History>("approvals", "history", "tenant-agent-other");
  assert.match(history.at(-1)?.why ?? "", /was given for tenant/);
  workspace.expect(0, "approvals", "revoke", idOf(workspace, good), "--reason", "r");
  workspace.expect(2, "inbox", "approve", TENANT, "--signed", "approval.json");
  assert.deepEqual(workspace.codes().slice(0, 1), ["guardian/approval-revoked"]);
  workspace.submit(GREETER.replace("hello", "jello"));
  workspace.sign();
  assert.equal(handIn(workspace, good).finding?.code, "guardian/approval-other-digest");
  assert.ok(workspace.codes().includes("guardian/approval-other-digest"));
});

/** The identifier of an approval that was handed in. */
function idOf(workspace: InboxWorkspace, envelope: string): string {
  const { stdout } = workspace.expect(0, "ledger", "find", "--kind", "approval");
  assert.ok(envelope.length > 0);
  const counted = stdout.split("\n").find((line) => line.includes("until") && !line.includes("does not count"));
  return /approval ([0-9a-f]{64})/.exec(counted ?? "")?.[1] ?? "";
}

test("who may approve: never the submitter, the signer, a stranger, or somebody whose role ended", (context) => {
  const workspace = waiting(context);
  // Alice signs modules, and has a second key as an approver; root is the account that the file belongs to.
  workspace.addKey("alice2", "approver", "--person", "Alice");
  assert.equal(workspace.approve("alice2").finding?.code, "guardian/approval-by-signer");
  workspace.expect(0, "generate-keys", "--out-dir", "keys", "--name", "stranger");
  assert.equal(workspace.approve("stranger").finding?.code, "guardian/approver-unknown");
  workspace.addKey("dave", "approver", "--to", "2026-01-01");
  assert.equal(workspace.approve("dave").finding?.code, "guardian/approval-role-ended");
  workspace.addKey("erin", "approver");
  assert.equal(workspace.approve("erin").satisfied, true);
  assert.deepEqual(workspace.codes(), []);
  // A role that ends takes with it what was approved in it.
  const listed = workspace.json<{ readonly keys: readonly { readonly keyId: string; readonly name: string }[] }>("trust", "list");
  const erin = listed.keys.find(({ name }) => name === "erin")?.keyId ?? "";
  workspace.expect(0, "trust", "revoke", erin, "--reason", "she left");
  assert.deepEqual(workspace.codes(), ["guardian/approval-role-ended", ...workspace.codes().slice(1)]);
  assert.equal(workspace.approve("bob").satisfied, true, "somebody else approves it then");
  assert.deepEqual(workspace.codes(), []);
});

test("the clock: an approval expires, and does not come back when the clock is put back", (context) => {
  const workspace = waiting(context);
  assert.equal(workspace.approve("bob", "--expires", "2d").satisfied, true);
  assert.deepEqual(workspace.codesAfter(1), []);
  assert.deepEqual(workspace.codesAfter(3).slice(0, 1), ["guardian/approval-expired"]);
  assert.deepEqual(workspace.codes().slice(0, 1), ["guardian/approval-clock-moved"], "the log has seen a time after this one");
  assert.ok(workspace.incidents().includes("guardian/approval-clock-moved"));
  assert.deepEqual(workspace.codesAfter(-1).slice(0, 1), ["guardian/approval-clock-moved"]);
});

test("break-glass is loud, short, and the last one until another person has looked at it", (context) => {
  const workspace = waiting(context);
  workspace.addKey("carol", "break-glass");
  assert.equal(workspace.approve("carol").finding?.code, "guardian/approval-role-ended", "not for ordinary approvals");
  assert.equal(workspace.approve("bob", "--break-glass").finding?.code, "guardian/approval-role-ended");
  assert.equal(workspace.approve("carol", "--break-glass", "--expires", "2h").finding?.code, "guardian/approval-too-long");
  const glass = workspace.approve("carol", "--break-glass");
  assert.equal(glass.counts, true);
  assert.deepEqual(workspace.codes(), []);
  const incidents = workspace.incidents();
  assert.ok(
    incidents.includes("guardian/break-glass-given") && incidents.includes("guardian/break-glass-used"),
    incidents.join(),
  );
  assert.match(workspace.expect(0, "inbox", "list").stdout, /break-glass .*\n[^]*carol broke the glass/);

  const review = ["inbox", "review", glass.id.slice(0, 12), "--comment", "the outage was real", "--key"];
  workspace.expect(3, ...review, "keys/maintainers/carol.key");
  assert.deepEqual(workspace.codesAfter(0.1).slice(0, 1), ["guardian/approval-expired"]);
  const again = [
    "inbox",
    "approve",
    TENANT,
    "--key",
    "keys/maintainers/carol.key",
    "--comment",
    "again",
    "--break-glass",
    "--json",
  ];
  const second = workspace.nightcoreWith(offBy(2), ...again);
  assert.equal((JSON.parse(second.stdout) as Approved).finding?.code, "guardian/break-glass-unreviewed");
  workspace.expect(0, ...review, "keys/maintainers/bob.key");
  workspace.expect(2, ...review, "keys/maintainers/bob.key");
  const third = workspace.nightcoreWith(offBy(2), ...again);
  assert.equal((JSON.parse(third.stdout) as Approved).counts, true);
  assert.ok(
    workspace.json<History>("approvals", "history", TENANT).history.some(({ what, by }) => what === "reviewed" && by === "bob"),
  );
});

test("n of m across roles: each person fills one place, two approvers at once both count, and a person with two keys is one", async (context) => {
  const workspace = waiting(context);
  const require = [
    { role: "approver:team", count: 1 },
    { role: "approver:security", count: 1 },
  ];
  workspace.writePolicy(TENANT, { approvals: { require } });
  assert.equal(workspace.approve("bob").finding?.code, "guardian/approval-role-ended", "`approver` is not asked for here");
  for (const role of ["approver:team", "approver:security"]) workspace.addKey(`dana-${role.slice(9)}`, role, "--person", "Dana");
  assert.equal(workspace.approve("dana-team").missing, "1 as approver:security");
  const twice = workspace.approve("dana-security");
  assert.deepEqual([twice.counts, twice.finding?.code], [false, "guardian/approval-same-person"]);
  const codes = workspace.codes();
  assert.ok(codes.includes("guardian/approval-same-person") && codes.includes("guardian/approval-missing"), codes.join());

  workspace.addKey("erin", "approver:security");
  workspace.addKey("frank", "approver:team");
  const both = await Promise.all(["erin", "frank"].map((who) => approveBeside(workspace, who)));
  assert.deepEqual(both, [0, 0], "one waits for the other");
  assert.deepEqual(workspace.codes(), []);
  const { candidates } = workspace.json<History>("approvals", "history", TENANT);
  assert.deepEqual(
    candidates
      .filter(({ approved }) => approved)
      .map(({ person }) => person)
      .toSorted((a, b) => a.localeCompare(b)),
    ["Dana", "Dana", "erin", "frank"],
  );

  // A policy that changes ends what was approved under the one before.
  workspace.writePolicy(TENANT, { approvals: { require }, max_fuel: 1_000_000 });
  assert.equal(workspace.codes()[0], "guardian/approval-other-policy");
});

/** An approval in a process of its own; resolves to its exit code. */
async function approveBeside(workspace: InboxWorkspace, who: string): Promise<number | null> {
  const { env } = toolEnvironment();
  const words = ["inbox", "approve", TENANT, "--key", `keys/maintainers/${who}.key`, "--comment", "read it"];
  const child = spawn(process.execPath, [LAUNCHER, ...words], { env, cwd: workspace.root, stdio: "ignore" });
  const [exit] = (await once(child, "exit")) as [number | null];
  return exit;
}
