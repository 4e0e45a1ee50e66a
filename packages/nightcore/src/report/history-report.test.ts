import assert from "node:assert/strict";
import { test } from "node:test";
import { compareEntries, compareHistory, type HistoryEntry, type ImportedClaim, type WitnessedRun } from "./history-report.ts";

const RUN: WitnessedRun = {
  kind: "witnessed",
  at: "2026-01-01T00:00:00.000Z",
  run: "r",
  status: "ran",
  digest: "aa",
  sizeBytes: 100,
  wallMs: 10,
  verified: true,
  logIndexes: [1],
};
const CLAIM: ImportedClaim = {
  kind: "imported",
  at: RUN.at,
  source: "s",
  claim: "ok",
  digest: "aa",
  sizeBytes: 100,
  wallMs: 10,
  verified: true,
};

test("a change is what two entries both say, differently", () => {
  const same = {
    wallMsDelta: 0,
    sizeBytesDelta: 0,
    digestChanged: false,
    verificationChanged: false,
    rests: "on what was witnessed",
  } as const;
  const rows: readonly (readonly [name: string, before: HistoryEntry, after: HistoryEntry, change: object])[] = [
    ["nothing", RUN, RUN, same],
    ["time", RUN, { ...RUN, wallMs: 4 }, { ...same, wallMsDelta: -6 }],
    ["size and digest", RUN, { ...RUN, sizeBytes: 140, digest: "bb" }, { ...same, sizeBytesDelta: 40, digestChanged: true }],
    ["verification", RUN, { ...RUN, verified: false }, { ...same, verificationChanged: true }],
    ["denied, so no time", RUN, { ...RUN, wallMs: undefined }, { ...same, wallMsDelta: undefined }],
    ["a claim before a run", CLAIM, RUN, { ...same, rests: "on a claim" }],
    ["a claim that is silent on verification", { ...CLAIM, verified: undefined }, RUN, { ...same, rests: "on a claim" }],
  ];
  for (const [name, before, after, change] of rows) assert.deepEqual(compareEntries(before, after), change, name);
});

test("the first entry of a history has nothing to differ from", () => {
  assert.deepEqual(compareHistory([]), []);
  const [first, second] = compareHistory([RUN, { ...RUN, digest: "bb" }]);
  assert.equal(first?.change, undefined);
  assert.equal(second?.change?.digestChanged, true);
});
