import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { limitPruning, type PruningBounds } from "./log-pruning.ts";

const FREE: PruningBounds = { asked: 1e9, unpublished: 1e9, journal: 1e9, uncosigned: 1e9, open: 1e9 };
/** One entry in a second, from the epoch on. */
const timeOf = (index: number) => index * 1000;
const limit = (bounds: Partial<PruningBounds>, beforeMs = 1e12, from = 0) =>
  limitPruning({ bounds: { ...FREE, ...bounds }, beforeMs, from, bundleWidth: 256, timeOf });

const ROWS: readonly (readonly [what: string, found: ReturnType<typeof limit>, minimumIndex: number, by: string])[] = [
  ["an index inside of a bundle", limit({ asked: 700 }), 512, "asked"],
  ["an index that is a bundle's end", limit({ asked: 768 }), 768, "asked"],
  ["less than a bundle", limit({ asked: 255 }), 0, "asked"],
  ["what is not published", limit({ unpublished: 300 }), 256, "unpublished"],
  ["what the journal holds", limit({ asked: 700, journal: 511 }), 256, "journal"],
  ["what nobody has cosigned", limit({ asked: 700, uncosigned: 260 }), 256, "uncosigned"],
  ["a run without an outcome", limit({ asked: 700, open: 3 }), 0, "open"],
  ["entries that are too young", limit({ asked: 700 }, 300_000), 256, "young"],
  ["the last entry of a bundle is as old as is kept", limit({ asked: 700 }, 255_000), 0, "young"],
  ["the last entry of a bundle is older than that", limit({ asked: 700 }, 255_001), 256, "young"],
  ["an index below what is pruned already", limit({ asked: 10 }, 1e12, 512), 512, "asked"],
  ["an older time than what is pruned already", limit({ asked: 900 }, 1000, 512), 512, "young"],
];

test("pruning stops at the first entry that somebody needs, at whole bundles, and says why", () => {
  for (const [what, found, minimumIndex, by] of ROWS) assert.deepEqual(found, { minimumIndex, by }, what);
});

test("an entry that says no time is not taken for old", () => {
  const bounds = { ...FREE, asked: 600 };
  const found = limitPruning({ bounds, beforeMs: 1e12, from: 0, bundleWidth: 256, timeOf: () => undefined });
  assert.deepEqual(found, { minimumIndex: 0, by: "young" });
});

test("whatever the times and bounds are, what stays is everything that is bound or young", () => {
  const numbers = fc.record({
    asked: fc.nat(60),
    open: fc.nat(60),
    from: fc.nat(10),
    beforeMs: fc.nat(30),
    gaps: fc.array(fc.nat(2)),
  });
  fc.assert(
    fc.property(numbers, ({ asked, open, from, beforeMs, gaps }) => {
      const times: number[] = [];
      for (let n = 0, at = 0; n < 60; n++) times.push((at += gaps[n % Math.max(1, gaps.length)] ?? 1));
      const bounds = { ...FREE, unpublished: times.length, asked, open };
      const bundleWidth = 4;
      const start = from * bundleWidth;
      const { minimumIndex } = limitPruning({ bounds, beforeMs, from: start, bundleWidth, timeOf: (index) => times[index] });
      const may = (end: number) => end <= Math.min(asked, open, times.length) && (times[end - 1] ?? Infinity) < beforeMs;
      const ends = Array.from({ length: times.length / bundleWidth }, (_, n) => (n + 1) * bundleWidth).filter(may);
      assert.equal(minimumIndex, Math.max(start, ...ends));
    }),
  );
});
