import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decayStanding, encodeTime, raiseStanding, STANDING_POINTS_MAX } from "#core";

const HOUR_MS = 3_600_000;
const START_MS = Date.parse("2026-01-01T00:00:00Z");
const AT = encodeTime(START_MS);
const after = (hours: number): string => encodeTime(START_MS + hours * HOUR_MS);

const DECAYS: readonly (readonly [what: string, points: number, later: string, left: number])[] = [
  ["at once, all of it is there", 10, AT, 10],
  ["short of six hours too", 10, after(5.99), 10],
  ["one point goes with each whole six hours", 10, after(6), 9],
  ["four with a day", 10, after(24), 6],
  ["all with enough days", 100, after(25 * 24), 0],
  ["never below nothing", 10, after(9_999), 0],
  ["a clock that was set back takes nothing away", 10, after(-9_999), 10],
  ["nor does a time that is none", 10, "tomorrow", 10],
];

for (const [what, points, later, left] of DECAYS) {
  test(`standing: ${what}`, () => assert.equal(decayStanding({ points, at: AT }, later), left));
}

test("more points never leave less, more time never leaves more, and the sum is bounded", () => {
  const points = fc.nat(STANDING_POINTS_MAX);
  const hours = fc.nat(2_000);
  fc.assert(
    fc.property(points, points, hours, hours, (before, added, first, second) => {
      const raised = raiseStanding({ points: before, at: AT }, added, after(first));
      assert.ok(raised.points >= decayStanding({ points: before, at: AT }, after(first)));
      assert.ok(raised.points <= STANDING_POINTS_MAX);
      assert.ok(decayStanding(raised, after(first + second)) <= raised.points);
      const more = raiseStanding({ points: before, at: AT }, added + 1, after(first));
      assert.ok(more.points >= raised.points);
    }),
  );
});

test("points that somebody would take away by adding less than nothing stay", () => {
  assert.equal(raiseStanding({ points: 10, at: AT }, -5, AT).points, 10);
});
