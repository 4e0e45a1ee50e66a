import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { deviationsAbove, secondLargest, spreadOf } from "./robust-statistics.ts";

const SPREADS: readonly (readonly [figures: readonly number[], median: number, deviation: number])[] = [
  [[], 0, 0],
  [[7], 7, 0],
  [[1, 3], 2, 1],
  [[5, 1, 3], 3, 2],
  [[1, 1, 2, 2, 4, 6, 9], 2, 1], // the example of the textbooks
  [[10, 9, 2], 9, 1], // by number, not by text
  [[1, 1, 1, 1e9], 1, 0], // one that lies far off moves neither
];

test("median and median deviation of known figures", () => {
  for (const [figures, median, deviation] of SPREADS) assert.deepEqual(spreadOf(figures), { median, deviation }, String(figures));
});

test("fewer than half of the figures, whatever they are, move neither out of where the others lie", () => {
  const honest = fc.array(fc.integer({ min: 1_000, max: 2_000 }), { minLength: 11, maxLength: 30 });
  const strange = fc.array(fc.double({ min: 0, max: 1e15, noNaN: true }), { maxLength: 10 });
  fc.assert(
    fc.property(honest, strange, (those, these) => {
      const { median, deviation } = spreadOf([...these, ...those]);
      assert.ok(median >= 1_000 && median <= 2_000);
      assert.ok(deviation <= 1_000);
    }),
  );
});

test("deviations above the middle: none below, by the scale of a normal spread, and endless where there is none", () => {
  assert.equal(deviationsAbove(5, { median: 10, deviation: 1 }), 0);
  assert.ok(Math.abs(deviationsAbove(14.826, { median: 0, deviation: 1 }) - 10) < 1e-9);
  assert.equal(deviationsAbove(11, { median: 10, deviation: 0 }), Infinity);
  assert.equal(deviationsAbove(10, { median: 10, deviation: 0 }), 0);
});

test("the second largest is what sorting would find", () => {
  fc.assert(
    fc.property(fc.array(fc.nat()), (figures) => {
      assert.equal(secondLargest(figures), figures.toSorted((a, b) => b - a)[1] ?? 0);
    }),
  );
});
