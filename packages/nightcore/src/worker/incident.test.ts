import assert from "node:assert/strict";
import { test } from "node:test";
import type { Digest, RunId } from "#core";
import { type ApprovalStatement, BASE_POLICY, decide, type Facts, NO_APPROVALS, type RecordedApproval } from "#guardian";
import { consentOf, incidentEvents } from "./incident.ts";

const DIGEST = "a".repeat(64) as Digest;
const RUN = "01999c3e-0000-7000-8000-000000000000" as RunId;

const SAID: ApprovalStatement = {
  ...{ act: "break-glass", log: "l", tenant: "hello", digest: DIGEST, entry: "_start", capabilities: [] },
  ...{ budgets: BASE_POLICY.limits, policy: DIGEST, keyId: "b".repeat(64) as never, comment: "the outage" },
  ...{ givenAt: "2026-06-01T00:00:00.000Z", expires: "2026-06-01T00:30:00.000Z" },
};
const GLASS: RecordedApproval = {
  ...{ id: DIGEST, index: 1, recordedAt: SAID.givenAt, statement: SAID, finding: undefined, person: "carol" },
  ...{ standings: [{ role: "break-glass", finding: undefined }], revoked: undefined, seenLater: undefined },
};

function facts(source: Facts["source"], given: readonly RecordedApproval[]): Facts {
  return {
    ...{ tenant: "hello", at: "2026-06-01T00:10:00.000Z", mode: "run", backend: "wasm", isolation: [] },
    module: { admitted: true, digest: DIGEST, sizeBytes: 8, imports: [], features: [] },
    signature: { trusted: true, keyId: "9".repeat(64) as never, keyName: "alice", form: "dsse", manifestSigned: true },
    manifest: { state: "read", digest: DIGEST, form: "nightcore/v1", tenant: undefined, capabilities: [], budgets: {} },
    entry: { name: "_start", present: true },
    ...{ source, operatorGrants: [], trustStore: DIGEST, blocks: [] },
    policy: { state: "read", digest: DIGEST, policy: BASE_POLICY },
    history: { firstSeenAt: undefined, previousDigest: undefined, manifestWasSigned: false },
    approvals: { ...NO_APPROVALS, log: "l", given },
  };
}

const incidentsOf = (one: Facts) => incidentEvents({ run: RUN, facts: one }, decide(one)).map(({ code }) => code);

test("a run behind which stands nothing but broken glass is an incident, wherever its module came from", () => {
  for (const source of ["agent", "import", "human"] as const) {
    const broken = facts(source, [GLASS]);
    assert.deepEqual(incidentsOf(broken), ["guardian/break-glass-used"], source);
    assert.deepEqual(consentOf(broken, decide(broken)), { persons: ["carol"], breakGlass: true });
  }
  const ordinary = {
    ...GLASS,
    person: "bob",
    statement: { ...SAID, act: "approval" },
    standings: [{ role: "approver", finding: undefined }],
  } as const;
  const both = facts("agent", [ordinary, GLASS]);
  assert.deepEqual(incidentsOf(both), [], "with the consent that is asked for, nobody had to break anything");
  assert.deepEqual(consentOf(both, decide(both)), { persons: ["bob"], breakGlass: false });
  assert.equal(consentOf(facts("human", []), decide(facts("human", []))), undefined);
});

test("attacks on what was approved are incidents beside the deny, and an ordinary hold is none", () => {
  const forged = { ...GLASS, statement: undefined, finding: { code: "guardian/approval-forged", message: "m" } };
  assert.deepEqual(incidentsOf(facts("agent", [forged])), ["guardian/approval-forged"]);
  assert.deepEqual(incidentsOf(facts("agent", [])), []);
  const swapped = facts("agent", []);
  const approvals = { ...swapped.approvals, submitted: false, otherApproved: "c".repeat(64) as Digest };
  assert.deepEqual(incidentsOf({ ...swapped, approvals }), ["guardian/approved-bytes-swapped"]);
});
