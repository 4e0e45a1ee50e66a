import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  applyChanges,
  decide,
  type Facts,
  findChanges,
  findSmallestChange,
  measureDistance,
  type PolicyEngine,
} from "../packages/nightcore/src/guardian/index.ts";
import { anyFacts } from "./any-facts.ts";

/** A policy as somebody might write it: no permit above a score, and nothing that may write. */
const engineOf = (scoreMax: number, noWriting: boolean): PolicyEngine => ({
  name: "strict/1",
  judge(_, { risk, grant }) {
    const deny = (policy: string) => ({ verdict: "deny", code: "guardian/policy-forbids", message: "no", policy }) as const;
    const reasons = [
      ...(risk.score > scoreMax ? [deny("risk")] : []),
      ...(noWriting && grant.capabilities.includes("fs:write") ? [deny("writing")] : []),
    ];
    return reasons.length > 0 ? { permits: [], reasons } : { permits: ["ok"], reasons };
  },
});
const anyEngine = fc.option(
  fc.tuple(fc.integer({ min: 0, max: 100 }), fc.boolean()).map(([score, writing]) => engineOf(score, writing)),
  { nil: undefined },
);

function* partsOf<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let mask = 0; mask < 2 ** all.length - 1; mask++) yield all.filter((_, n) => (mask & (1 << n)) !== 0);
}

test("the smallest change is enough, and no part of it is", () => {
  let found = 0;
  fc.assert(
    fc.property(anyFacts, anyEngine, (facts, engine) => {
      const changes = findSmallestChange(facts, engine);
      if (changes === undefined) {
        assert.notEqual(decide(applyChanges(facts, findChanges(facts)), engine).verdict, "allow");
        return;
      }
      assert.equal(decide(applyChanges(facts, changes), engine).verdict, "allow");
      for (const part of partsOf(changes)) assert.notEqual(decide(applyChanges(facts, part), engine).verdict, "allow");
      if (changes.length > 0) found++;
    }),
    { numRuns: 200, seed: 7 },
  );
  assert.ok(found > 50, `a control: ${found} denials could be mended`);
});

test("a change that was applied is not offered again", () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      // Bytes that nobody could read have no digest, and an approval is for one.
      if (facts.module.digest === undefined) return;
      for (const change of findChanges(facts)) {
        const again = findChanges(change.apply(facts)).map(({ what }) => what);
        assert.ok(!again.includes(change.what), change.what);
      }
    }),
    { seed: 7 },
  );
});

test("the nearest scores with another verdict are exactly the nearest", () => {
  const engine = engineOf(40, false);
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const decision = decide(facts, engine);
      const { above, below } = measureDistance(facts, decision, engine);
      const judged = facts.module.admitted && facts.signature.trusted && facts.policy.state === "read";
      if (decision.verdict === "allow") assert.deepEqual([above, below], [{ score: 41, verdict: "deny" }, undefined]);
      else if (!judged) assert.deepEqual([above, below], [undefined, undefined]);
      else if (below !== undefined) assert.ok(decision.risk.score > 40 && below.score === 40);
    }),
    { seed: 7 },
  );
});

test("what is allowed needs no change, and what nobody can change is said to be that", () => {
  const facts = fc.sample(anyFacts, { seed: 11, numRuns: 2000 });
  const allowed = facts.find((one) => decide(one).verdict === "allow") ?? assert.fail();
  assert.deepEqual(findSmallestChange(allowed), []);
  const never: PolicyEngine = { name: "never/1", judge: () => ({ permits: [], reasons: [] }) };
  assert.equal(findSmallestChange(allowed, never), undefined);
  const held: Facts = { ...allowed, source: "agent", approvals: { ...allowed.approvals, given: [], submitted: undefined } };
  assert.deepEqual(
    findSmallestChange({ ...held, policy: allowed.policy })?.map(({ what }) => what),
    ["an approval of exactly this by 1 person in the role `approver`"],
  );
});
