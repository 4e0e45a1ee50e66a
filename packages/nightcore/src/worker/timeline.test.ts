import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeTime, fail, ok } from "#core";
import type { LedgerWriter } from "#ports";
import { type Event, MemoryRows, readLatestTime } from "#state";
import { sha256 } from "#store/keys";
import { Recorder } from "./recorder.ts";
import { Timeline } from "./timeline.ts";

const HOUR_MS = 3_600_000;
const NOON_MS = Date.UTC(2026, 0, 1, 12);
const NOON = encodeTime(NOON_MS);

function eventAt(ms: number): Event {
  return { kind: "deletion", at: encodeTime(ms), policy: { inputsDays: 1, outputsDays: 1 }, blobs: [] };
}

type Said = { readonly kind: string; readonly at: string; readonly clock?: string; readonly behindMs?: number };

/** A log in memory that keeps what its entries say, and the clock of its machine, to be set. */
function makeLog(latest: string | undefined, startMs: number) {
  const machine = { ms: startMs, refuses: false };
  const payloads: string[] = [];
  const ledger: LedgerWriter = {
    openedSize: 0,
    recovery: { tornBytes: 0, rewrittenFiles: [], removedFiles: [] },
    append(given) {
      if (machine.refuses) return Promise.resolve(fail({ code: "ledger/entry-too-large", where: "", detail: "" }));
      const first = payloads.length;
      payloads.push(...given.map((bytes) => Buffer.from(bytes).toString()));
      return Promise.resolve(ok(given.map((_, i) => ({ index: first + i, checkpoint: "" }))));
    },
    publish: () => Promise.resolve(ok("")),
    close: () => Promise.resolve(ok("")),
  };
  const timeline = new Timeline(() => machine.ms, latest);
  const rows = new MemoryRows();
  const recorder = new Recorder({ ledger, rows, sha256, timeline }, 0);
  const said = (): readonly Said[] =>
    payloads.map((payload) => {
      const { predicateType, predicate } = JSON.parse(payload) as { readonly predicateType: string; readonly predicate: Said };
      return { ...predicate, kind: predicateType.split(":")[2] ?? "" };
    });
  const record = (...events: readonly Event[]) =>
    recorder.record(events.map((event) => ({ about: { name: "x", digest: null }, event })));
  return { machine, timeline, rows, record, said };
}

test("a clock that was set back changes no time, and the log says once by how much it was behind", async () => {
  const { machine, timeline, record, said } = makeLog(NOON, NOON_MS - HOUR_MS);
  assert.equal(timeline.now(), NOON_MS, "nothing that ended before noon begins again");
  assert.equal(timeline.clock(), NOON_MS - HOUR_MS);
  const first = await record(eventAt(NOON_MS - HOUR_MS), eventAt(timeline.now()));
  assert.deepEqual(first.ok && first.value, [1, 2], "the indexes of what was given, not of the entry about the clock");
  machine.ms += 10;
  await record(eventAt(machine.ms));
  machine.ms = NOON_MS + 5;
  await record(eventAt(timeline.now()));
  machine.ms = NOON_MS;
  await record(eventAt(timeline.now()));
  assert.deepEqual(
    said().map(({ kind, at, behindMs }) => [kind, at, behindMs]),
    [
      ["clock", NOON, HOUR_MS],
      ["deletion", NOON, undefined],
      ["deletion", NOON, undefined],
      ["deletion", NOON, undefined],
      ["deletion", encodeTime(NOON_MS + 5), undefined],
      ["clock", encodeTime(NOON_MS + 5), 5],
      ["deletion", encodeTime(NOON_MS + 5), undefined],
    ],
  );
  assert.deepEqual(said()[0], { kind: "clock", at: NOON, clock: encodeTime(NOON_MS - HOUR_MS), behindMs: HOUR_MS });
});

test("what was said of the clock in an append that was refused is said in the next one", async () => {
  const { machine, record, said } = makeLog(NOON, NOON_MS - 1);
  machine.refuses = true;
  assert.equal((await record(eventAt(NOON_MS))).ok, false);
  machine.refuses = false;
  await record(eventAt(NOON_MS));
  assert.deepEqual(
    said().map(({ kind }) => kind),
    ["clock", "deletion"],
  );
});

test("what overlaps is recorded in the order of the log, and that is no matter of the clock", async () => {
  const { machine, record, said } = makeLog(undefined, NOON_MS);
  machine.ms += 2;
  await Promise.all([record(eventAt(NOON_MS + 1)), record(eventAt(NOON_MS))]);
  assert.deepEqual(
    said().map(({ kind, at }) => [kind, at]),
    [1, 1].map((more) => ["deletion", encodeTime(NOON_MS + more)]),
  );
});

test("however the clock moves, and wherever the process is started again, no entry is earlier than the one before", async () => {
  const move = fc.record({ ms: fc.integer({ min: -HOUR_MS, max: HOUR_MS }), restart: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(move, { maxLength: 30 }), async (moves) => {
      let log = makeLog(undefined, NOON_MS);
      const times: string[] = [];
      let clockMs = NOON_MS;
      for (const { ms, restart } of moves) {
        clockMs += ms;
        if (restart) log = makeLog(times.at(-1), clockMs);
        const before = log.said().length;
        log.machine.ms = clockMs;
        await log.record(eventAt(clockMs), eventAt(log.timeline.now()));
        const added = log.said().slice(before);
        const told = added.filter(({ kind }) => kind === "clock");
        const isBehind = times.length > 0 && encodeTime(clockMs) < (times.at(-1) ?? "");
        assert.ok(told.length <= (isBehind ? 1 : 0), "said only of a clock that is behind");
        if (isBehind && restart) assert.equal(told.length, 1, "every process says it");
        times.push(...added.map(({ at }) => at));
        if (times.length > 0 && !restart) assert.equal(readLatestTime(log.rows), times.at(-1));
      }
      assert.deepEqual(times, times.toSorted());
    }),
    { numRuns: 300 },
  );
});
