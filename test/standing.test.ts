import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Digest, encodeTime } from "../packages/nightcore/src/core/index.ts";
import { decide, type Standing, weighStanding } from "../packages/nightcore/src/guardian/index.ts";
import { anyFacts } from "./any-facts.ts";

const AT = "2026-06-01T00:00:00.000Z";
const hoursAgo = (hours: number): string => encodeTime(Date.parse(AT) - hours * 3_600_000);

const WEIGHED: readonly (readonly [what: string, standing: Standing | undefined, points: number])[] = [
  ["no finding was ever made", undefined, 0],
  ["the tenant's alone", { tenant: { points: 30, at: AT }, evidence: [] }, 30],
  ["the module's alone", { digest: { points: 40, at: AT }, evidence: [] }, 40],
  ["the larger counts, and not both", { tenant: { points: 30, at: AT }, digest: { points: 40, at: AT }, evidence: [] }, 40],
  ["as of the decision, a day later", { tenant: { points: 30, at: hoursAgo(24) }, evidence: [] }, 26],
  [
    "each since its own newest finding",
    { tenant: { points: 40, at: hoursAgo(240) }, digest: { points: 10, at: AT }, evidence: [] },
    10,
  ],
  ["long ago", { digest: { points: 100, at: hoursAgo(9_999) }, evidence: [] }, 0],
];

for (const [what, standing, points] of WEIGHED) {
  test(`what is left of a standing: ${what}`, () => {
    assert.equal(weighStanding({ at: AT, ...(standing === undefined ? {} : { standing }) }).points, points);
  });
}

const WEIGHT = { allow: 0, hold: 1, deny: 2, quarantine: 3 } as const;

test("a standing never lowers a risk, and never makes a verdict kinder", () => {
  const points = fc.record({ points: fc.nat(100), at: fc.constant(AT) });
  const evidence = {
    at: AT,
    run: "r",
    digest: "ab".repeat(32) as Digest,
    code: "guardian/escape-tried",
    message: "m",
    points: 1,
  };
  const standing = fc.record({ tenant: points, digest: points, evidence: fc.constantFrom([], [evidence]) });
  fc.assert(
    fc.property(anyFacts, standing, (facts, earlier) => {
      const { standing: _none, ...without } = facts;
      const before = decide(without);
      const after = decide({ ...without, standing: earlier });
      assert.ok(after.risk.score >= before.risk.score);
      assert.ok(WEIGHT[after.verdict] >= WEIGHT[before.verdict]);
    }),
  );
});
