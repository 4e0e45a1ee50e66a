import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Digest, KeyId } from "#core";
import {
  type ApprovalFacts,
  type ApprovalPolicy,
  type ApprovalStatement,
  BASE_APPROVALS,
  BASE_POLICY,
  decide,
  type Facts,
  NO_APPROVALS,
  type RecordedApproval,
  weighApprovals,
} from "#guardian";

const digestOf = (letter: string) => letter.repeat(64) as Digest;
const keyOf = (letter: string) => letter.repeat(64) as KeyId;
const DIGEST = digestOf("a");
const POLICY = digestOf("b");
const LOG = "example.com/log";
const DAY = "2026-06-02T00:00:00.000Z";

const STATEMENT: ApprovalStatement = {
  act: "approval",
  log: LOG,
  tenant: "tenant-agent-x",
  digest: DIGEST,
  entry: "_start",
  capabilities: ["stdout"],
  budgets: { ...BASE_POLICY.limits, fuel: 1000 },
  policy: POLICY,
  keyId: keyOf("1"),
  givenAt: "2026-06-01T00:00:00.000Z",
  expires: "2026-06-08T00:00:00.000Z",
  comment: "looked at it",
};

const trusted = (role = "approver") => ({ role, finding: undefined });
const ended = (role = "approver") => ({ role, finding: { code: "trust/key-expired", message: "its trust has ended" } });

let next = 100;
function given(change: Partial<RecordedApproval> = {}, said: Partial<ApprovalStatement> = {}): RecordedApproval {
  const statement = { ...STATEMENT, ...said };
  return {
    id: digestOf("e"),
    index: next++,
    recordedAt: "2026-06-01T00:00:01.000Z",
    statement,
    finding: undefined,
    person: "bob",
    standings: [trusted()],
    revoked: undefined,
    seenLater: undefined,
    ...change,
  };
}
/** An approval by somebody, with a key of that person's own. */
const by = (person: string, key: string, ...roles: readonly string[]) =>
  given({ person, standings: roles.map((role) => trusted(role)) }, { keyId: keyOf(key) });

const GOOD: Facts = {
  tenant: "tenant-agent-x",
  at: DAY,
  mode: "run",
  backend: "wasm",
  isolation: ["process"],
  module: { admitted: true, digest: DIGEST, sizeBytes: 100, imports: [], features: [] },
  signature: { trusted: true, keyId: keyOf("9"), keyName: "alice", form: "dsse", manifestSigned: true },
  manifest: {
    ...{ state: "read", digest: DIGEST, form: "nightcore/v1", tenant: undefined },
    ...{ capabilities: ["stdout"], budgets: { fuel: 1000 } },
  },
  entry: { name: "_start", present: true },
  source: "agent",
  operatorGrants: [],
  trustStore: DIGEST,
  policy: { state: "read", digest: POLICY, policy: BASE_POLICY },
  quarantine: undefined,
  history: { firstSeenAt: undefined, previousDigest: undefined, manifestWasSigned: false },
  approvals: { ...NO_APPROVALS, log: LOG, submitted: true, submitters: ["agent-7"], signerPerson: "alice", given: [given()] },
};

const withApprovals = (change: Partial<ApprovalFacts>): Facts => ({ ...GOOD, approvals: { ...GOOD.approvals, ...change } });
const withGiven = (...list: readonly RecordedApproval[]): Facts => withApprovals({ given: list });
const requiring = (require: ApprovalPolicy["require"], ...list: readonly RecordedApproval[]): Facts => ({
  ...withGiven(...list),
  policy: { state: "read", digest: POLICY, policy: { ...BASE_POLICY, approvals: { ...BASE_APPROVALS, require } } },
});
const asking = (change: object): Facts => ({ ...GOOD, manifest: { ...GOOD.manifest, ...change } });
const GLASS = given(
  { standings: [trusted("break-glass")] },
  { act: "break-glass", expires: "2026-06-02T00:30:00.000Z", givenAt: DAY },
);

test("an approval that fits lets an agent's module run, as often as it fits", () => {
  assert.equal(decide(GOOD).verdict, "allow");
  assert.equal(decide({ ...GOOD, at: "2026-06-07T23:59:59.999Z" }).verdict, "allow");
  assert.equal(decide(asking({ budgets: { fuel: 999 }, capabilities: [] })).verdict, "allow", "less than was approved");
});

/** Each attack on the consent of one person, and the code that it is refused with. */
const REFUSED: readonly (readonly [what: string, facts: Facts, verdict: string, code: string])[] = [
  ["nobody approved", withGiven(), "hold", "guardian/approval-missing"],
  [
    "an approval that cannot be read",
    withGiven(given({ statement: undefined, finding: { code: "guardian/approval-malformed", message: "m" } })),
    ...(["deny", "guardian/approval-malformed"] as const),
  ],
  ["one for another log", withGiven(given({}, { log: "other" })), "deny", "guardian/approval-other-log"],
  ["one for another tenant", withGiven(given({}, { tenant: "tenant-agent-y" })), "deny", "guardian/approval-other-tenant"],
  ["one for other bytes", withGiven(given({}, { digest: digestOf("c") })), "deny", "guardian/approval-other-digest"],
  ["one for another entry", withGiven(given({}, { entry: "other" })), "deny", "guardian/approval-other-entry"],
  ["one under another policy", withGiven(given({}, { policy: digestOf("c") })), "deny", "guardian/approval-other-policy"],
  ["a new capability", asking({ capabilities: ["stdout", "fs:read"] }), "deny", "guardian/approval-capability-new"],
  [
    "a capability that the operator adds",
    { ...GOOD, operatorGrants: ["fs:read"] },
    ...(["deny", "guardian/approval-capability-new"] as const),
  ],
  ["more fuel", asking({ budgets: { fuel: 1001 } }), "deny", "guardian/approval-budget-raised"],
  ["the moment of its end", { ...GOOD, at: STATEMENT.expires }, "deny", "guardian/approval-expired"],
  ["an end that is none", withGiven(given({}, { expires: "never" })), "deny", "guardian/approval-expired"],
  [
    "longer than the policy lets it hold",
    withGiven(given({}, { expires: "2027-06-01T00:00:00.000Z" })),
    ...(["deny", "guardian/approval-too-long"] as const),
  ],
  [
    "an approval from the future",
    withGiven(given({}, { givenAt: "2026-06-02T00:05:00.001Z" })),
    ...(["deny", "guardian/approval-clock-moved"] as const),
  ],
  [
    "a clock behind what the log has seen",
    withGiven(given({ seenLater: "2026-06-05T00:00:00.000Z" })),
    ...(["deny", "guardian/approval-clock-moved"] as const),
  ],
  [
    "one that was taken back",
    withGiven(given({ revoked: { at: DAY, reason: "r" } })),
    ...(["deny", "guardian/approval-revoked"] as const),
  ],
  [
    "bytes that were rejected after it",
    withApprovals({ rejected: { index: 10_000, at: DAY, by: "carol", reason: "r" } }),
    ...(["deny", "guardian/approval-rejected"] as const),
  ],
  [
    "bytes that were rejected, and nobody approved",
    withApprovals({ given: [], rejected: { index: 3, at: DAY, by: "carol", reason: "r" } }),
    ...(["deny", "guardian/approval-rejected"] as const),
  ],
  ["the submitter's own", withGiven(by("Agent-7", "1", "approver")), "deny", "guardian/approval-by-submitter"],
  ["the signer's own, with the signing key", withGiven(by("x", "9", "approver")), "deny", "guardian/approval-by-signer"],
  ["the signer's own, with another key", withGiven(by(" ALICE ", "1", "approver")), "deny", "guardian/approval-by-signer"],
  ["a role that ended", withGiven(given({ standings: [ended()] })), "deny", "guardian/approval-role-ended"],
  ["a role that nobody asks for", withGiven(by("bob", "1", "approver:team")), "deny", "guardian/approval-role-ended"],
  [
    "the file swapped after approval",
    withApprovals({ given: [], submitted: false, otherApproved: digestOf("c") }),
    ...(["deny", "guardian/approved-bytes-swapped"] as const),
  ],
  [
    "bytes that never came through the inbox",
    withApprovals({ given: [], submitted: false }),
    ...(["deny", "guardian/bytes-not-submitted"] as const),
  ],
];

for (const [what, facts, verdict, code] of REFUSED) {
  test(`${what}: ${code}`, () => {
    const decision = decide(facts);
    assert.equal(decision.verdict, verdict);
    assert.equal(decision.reasons[0]?.code, code);
    assert.equal(weighApprovals(facts).satisfied, false);
  });
}

const TWO = [{ role: "approver", count: 2 }];
const BOTH = [
  { role: "approver:team", count: 1 },
  { role: "approver:security", count: 1 },
];

test("n of m: each person fills one place, and all roles have to be filled", () => {
  const rows: readonly (readonly [what: string, facts: Facts, verdict: string, code: string | undefined])[] = [
    ["two of two", requiring(TWO, by("bob", "1", "approver"), by("carol", "2", "approver")), "allow", undefined],
    ["one of two", requiring(TWO, by("bob", "1", "approver")), "hold", "guardian/approval-missing"],
    [
      "one person under two keys",
      requiring(TWO, by("bob", "1", "approver"), by("BOB", "2", "approver")),
      ...(["deny", "guardian/approval-same-person"] as const),
    ],
    [
      "one key twice",
      requiring(TWO, by("bob", "1", "approver"), by("bob", "1", "approver")),
      "hold",
      "guardian/approval-missing",
    ],
    ["both roles", requiring(BOTH, by("bob", "1", "approver:team"), by("carol", "2", "approver:security")), "allow", undefined],
    [
      "two of one role",
      requiring(BOTH, by("bob", "1", "approver:team"), by("carol", "2", "approver:team")),
      ...(["hold", "guardian/approval-missing"] as const),
    ],
    [
      "one person in both roles",
      requiring(BOTH, by("bob", "1", "approver:team", "approver:security")),
      ...(["hold", "guardian/approval-missing"] as const),
    ],
    // Whoever may fill either place makes room for the one who may fill only one of them.
    [
      "a person in both roles beside one in the first",
      requiring(BOTH, by("bob", "1", "approver:team", "approver:security"), by("carol", "2", "approver:team")),
      ...(["allow", undefined] as const),
    ],
  ];
  for (const [what, facts, verdict, code] of rows) {
    const decision = decide(facts);
    assert.deepEqual([decision.verdict, decision.reasons[0]?.code], [verdict, code], what);
  }
});

test("break-glass is one person, short, and the last one until the one before was reviewed", () => {
  const open = { id: digestOf("d"), person: "bob", due: "2026-06-01T12:00:00.000Z" };
  assert.equal(decide(withGiven(GLASS)).verdict, "allow");
  assert.equal(weighApprovals(withGiven(GLASS)).breakGlass, GLASS);
  const rows: readonly (readonly [what: string, facts: Facts, code: string])[] = [
    ["not in that role", withGiven({ ...GLASS, standings: [trusted()] }), "guardian/approval-role-ended"],
    ["over", { ...withGiven(GLASS), at: "2026-06-02T00:30:00.000Z" }, "guardian/approval-expired"],
    [
      "for a day",
      withGiven({ ...GLASS, statement: { ...STATEMENT, act: "break-glass", givenAt: DAY, expires: "2026-06-03T00:00:00.000Z" } }),
      "guardian/approval-too-long",
    ],
    [
      "before the last one was reviewed",
      withApprovals({ given: [GLASS], openReviews: [open] }),
      "guardian/break-glass-unreviewed",
    ],
  ];
  for (const [what, facts, code] of rows) {
    const decision = decide(facts);
    assert.deepEqual([decision.verdict, decision.reasons[0]?.code], ["deny", code], what);
  }
  const approved = withApprovals({ given: [given()], openReviews: [open] });
  assert.equal(decide(approved).verdict, "allow", "what is approved in the ordinary way does not wait for a review");
  const soon = withApprovals({ given: [GLASS], openReviews: [{ ...open, due: "2026-06-02T12:00:00.000Z" }] });
  assert.equal(decide(soon).verdict, "allow", "there is time until then");
});

test("facts from before there were approvals decide as they did", () => {
  const old = { ...GOOD, approvals: [] as unknown as ApprovalFacts };
  assert.deepEqual([decide(old).verdict, decide(old).reasons[0]?.code], ["hold", "guardian/approval-missing"]);
  assert.equal(decide({ ...old, source: "human" }).verdict, "allow");
});

test("whatever lies in the record: no more persons than places are counted, and none twice", () => {
  const person = fc.constantFrom("bob", "BOB", "carol", "dave", "alice", "agent-7");
  const approval = fc
    .record({ person, key: fc.constantFrom("1", "2", "3"), roles: fc.subarray(["approver:team", "approver:security"]) })
    .map(({ person: name, key, roles }) => by(name, key, ...roles));
  fc.assert(
    fc.property(fc.array(approval, { maxLength: 6 }), (list) => {
      const { satisfied, approvals } = weighApprovals(requiring(BOTH, ...list));
      const counted = approvals.filter(({ counts }) => counts).map(({ approval: one }) => (one.person ?? "").toLowerCase());
      assert.equal(new Set(counted).size, counted.length);
      assert.ok(!counted.includes("alice") && !counted.includes("agent-7"));
      // A second opinion: some two different persons, one in each role.
      const able = (role: string) =>
        approvals
          .filter(({ counts, approval: one }) => counts && one.standings.some((standing) => standing.role === role))
          .map(({ approval: one }) => one.person);
      const possible = able("approver:team").some((one) => able("approver:security").some((other) => other !== one));
      assert.equal(satisfied, possible);
    }),
  );
});
