import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "#core";
import { BASE_ASSESSMENT, BASE_POLICY, parseTenantPolicy } from "#guardian";

const parse = (assessment: unknown, base = BASE_POLICY) =>
  parseTenantPolicy(utf8(JSON.stringify({ assessment })), "policies/t.json", base);

test("what a policy says about assessments replaces what it was based on, member by member", () => {
  const first = parse({ runs_min: 30, contain: { escapes: 1, revoke_approvals: false } });
  assert.ok(first.ok);
  const contain = { ...BASE_ASSESSMENT.contain, escapes: 1, revokeApprovals: false };
  assert.deepEqual(first.value.assessment, { ...BASE_ASSESSMENT, runsMin: 30, contain });
  const second = parse({ times: 100, deviations: 0, contain: { faults: 0, bad_pointers: 64, within_hours: 1 } }, first.value);
  assert.ok(second.ok);
  assert.deepEqual(second.value.assessment, {
    ...{ runsMin: 30, times: 100, deviations: 0 },
    contain: { ...contain, faults: 0, badPointers: 64, withinHours: 1 },
  });
});

test("a file without it has what it was based on; a recorded policy of an older version has what holds where nothing is said", () => {
  const stated = parse(undefined);
  assert.ok(stated.ok);
  assert.deepEqual(stated.value.assessment, BASE_ASSESSMENT);
  const { assessment: _, ...older } = BASE_POLICY;
  const over = parseTenantPolicy(utf8("{}"), "policies/t.json", older);
  assert.ok(over.ok);
  assert.deepEqual(over.value.assessment, BASE_ASSESSMENT);
});

const REFUSED: readonly (readonly [what: string, assessment: unknown, problem: RegExp])[] = [
  ["no object", 3, /`assessment` is not an object/],
  ["containment as a flag", { contain: true }, /`assessment.contain` is not an object/],
  ["a threshold that no record could reach", { contain: { escapes: 65 } }, /`assessment.contain.escapes` is not a whole number/],
  ["fewer than none", { contain: { faults: -1 } }, /`assessment.contain.faults` is not a whole number/],
  ["half a call", { contain: { bad_pointers: 0.5 } }, /`assessment.contain.bad_pointers` is not a whole number/],
  ["a window of no length", { contain: { within_hours: 0 } }, /`assessment.contain.within_hours` is less than 1/],
  ["a history of one run", { runs_min: 1 }, /`assessment.runs_min` is less than 2/],
  ["more runs than are kept", { runs_min: 51 }, /`assessment.runs_min` is not a whole number/],
  ["everything is unusual", { times: 0 }, /`assessment.times` is less than 1/],
  [
    "a misspelt member, which would be silently without effect",
    { contain: { escape: 1 } },
    /`assessment.contain.escape` is unknown/,
  ],
  ["allowing something", { allow: true }, /`assessment.allow` is unknown/],
];

for (const [what, assessment, problem] of REFUSED) {
  test(`a policy is refused whole: ${what}`, () => {
    const read = parse(assessment);
    assert.ok(!read.ok && read.fault.code === "guardian/policy-refused");
    assert.equal(read.fault.problems.length, 1);
    assert.match(read.fault.problems[0] ?? "", problem);
  });
}
