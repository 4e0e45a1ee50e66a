import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunId } from "#core";
import type { Facts } from "#guardian";
import type { EngineFaultCode, EngineReport } from "#ports";
import { type Event, evolve, MemoryRows } from "#state";
import { assessAgain, assessmentEvents, assessOutcome, processAll } from "#worker";
import { KEY_ID, makeRig, REQUEST, sourceOf } from "./fixture.test.ts";

/** Runs that are alike for the most part; every ninth traps, every seventh tries a way out, every thirty-first burns fuel. */
function reportOfMany(n: number): Partial<EngineReport> {
  const usage = { wallMs: 1, memoryBytes: 0, fuel: n % 31 === 30 ? 900_000_000 : 1_000_000 + n, outputBytes: 0, hostCalls: 0 };
  const refusals = { deniedCalls: n % 7 === 6 ? 2 : 0, escapes: n % 7 === 6 ? 2 : 0, badPointers: 0 };
  const ended = n % 9 === 8 ? ({ exitCode: undefined, fault: { code: "engine/trap", detail: "" } } as const) : {};
  return { usage, ...(n % 7 === 6 ? { refusals } : {}), ...ended };
}

test("every assessment follows from the log: made again from its entries, also where runs overlapped, and where nothing was found", async () => {
  const policy = '{"assessment":{"runs_min":10,"contain":{"escapes":0,"faults":3}}}';
  for (const concurrency of [1, 8]) {
    const { pipeline, log, entries, files } = makeRig({ reportOf: reportOfMany });
    files["t0.json"] = files["t1.json"] = policy;
    const jobs = Array.from({ length: 120 }, (_, n) => ({ source: sourceOf({}, `t${n % 3}`), request: REQUEST }));
    const records = await processAll(pipeline, jobs, { concurrency });
    assert.ok(records.ok);
    const found: string[] = [];
    for (const outcome of entries.filter((event) => event.kind === "outcome")) {
      const rows = new MemoryRows();
      assert.ok(outcome.assessed !== undefined);
      log.slice(0, outcome.assessed.entries).forEach((event, index) => evolve(rows, event, { index }));
      const ofRun = entries.filter((event) => "run" in event && event.run === outcome.run);
      const intent = ofRun.find((event) => event.kind === "intent");
      const decision = ofRun.find((event) => event.kind === "decision");
      assert.ok(intent !== undefined && decision !== undefined);
      const again = assessOutcome({ facts: decision.facts as unknown as Facts, intent, outcome }, rows);
      const events = assessmentEvents(outcome, again, KEY_ID);
      const recorded = ofRun.filter((event) => event.kind === "assessment");
      assert.equal(JSON.stringify(events.slice(0, 1).map(({ event }) => event)), JSON.stringify(recorded));
      found.push(...again.findings.map(({ code }) => code));
    }
    assert.ok(found.includes("guardian/escape-tried") && found.includes("guardian/guest-fault"), `${concurrency} at once`);
    assert.ok(concurrency > 1 || found.includes("guardian/unusual-fuel"));
    assert.ok(found.length < 60, "most have none");
    const executed = entries.filter(({ kind }) => kind === "outcome").length;
    const { runs, unusual, differences } = assessAgain(log);
    assert.deepEqual([runs, differences], [executed, []], "in one pass over the log as well");
    assert.equal(unusual, entries.filter(({ kind }) => kind === "assessment").length);
  }
});

test("an assessment that does not follow from the log is found: one that is gone, was made milder, was invented, or rests on other figures", async () => {
  const { pipeline, log: entries } = makeRig({ reportOf: reportOfMany });
  for (let n = 0; n < 20; n++) await pipeline.process(sourceOf(), REQUEST);
  const at = entries.findIndex(({ kind }) => kind === "assessment");
  const said = entries[at];
  const outcome = entries[at - 1];
  assert.ok(said?.kind === "assessment" && outcome?.kind === "outcome");
  const calm = entries.findIndex((event, n) => event.kind === "outcome" && entries[n + 1]?.kind !== "assessment");
  const lies: readonly (readonly [what: string, entries: readonly (Event | undefined)[], index: number])[] = [
    ["gone", entries.with(at, undefined as unknown as Event), at - 1],
    ["milder", entries.with(at, { ...said, points: 0, findings: [] }), at - 1],
    ["other figures", entries.with(at - 1, { ...outcome, refusals: { deniedCalls: 9, escapes: 9, badPointers: 0 } }), at - 1],
    ["invented", entries.with(calm + 1, { ...said, run: "x" as RunId }), calm + 1],
    ["a grant that is gone", entries.with(at - 2, undefined as unknown as Event), at - 1],
  ];
  assert.deepEqual(assessAgain(entries).differences, []);
  for (const [what, changed, index] of lies) assert.equal(assessAgain(changed).differences[0]?.index, index, what);
});

/** Every fault of the engine, and whether it is held against the guest: one that is added and stands not here does not compile. */
const BLAMED: Readonly<Record<EngineFaultCode, boolean>> = {
  "engine/invalid-module": false,
  "engine/unsupported-feature": false,
  "engine/unknown-import": false,
  "engine/no-entry": false,
  "engine/bad-argument": false,
  "engine/trap": true,
  "engine/stack-overflow": true,
  "engine/fuel-exhausted": true,
  "engine/memory-exceeded": true,
  "engine/output-exceeded": true,
  "engine/deadline": true,
  "engine/cancelled": false,
  "engine/sandbox-died": true,
  "engine/sandbox-out-of-memory": true,
  "engine/protocol": true,
  "engine/unavailable": false,
  // A canary blocks the bytes by itself; what comes in is somebody else's doing.
  "engine/canary": false,
  "engine/input-exceeded": false,
  "engine/input-failed": false,
};

test("what a guest did is held against it, and what it did not do is not", async () => {
  for (const [code, blamed] of Object.entries(BLAMED) as [EngineFaultCode, boolean][]) {
    const { pipeline } = makeRig({ report: { exitCode: undefined, fault: { code, detail: "" } } });
    const record = await pipeline.process(sourceOf(), REQUEST);
    assert.ok(record.ok);
    assert.equal(record.value.assessment?.strikes.faults, blamed ? 1 : 0, code);
    assert.equal(record.value.assessment?.findings.length, blamed || code === "engine/canary" ? 1 : 0, code);
  }
});

test("a decoy that is touched by a guest that also tries to get out leaves points, and two blocks beside each other", async () => {
  const refusals = { deniedCalls: 10, escapes: 10, badPointers: 0 };
  const fault = { code: "engine/canary", detail: "environment:SECRET" } as const;
  const { pipeline, log, entries, rows } = makeRig({ report: { fault, exitCode: undefined, refusals } });
  const record = await pipeline.process(sourceOf(), REQUEST);
  assert.ok(record.ok);
  assert.deepEqual(
    entries.slice(4).map((event) => (event.kind === "block" ? event.cause : event.kind)),
    ["outcome", "assessment", "containment", "canary"],
  );
  assert.equal(rows.get("standing", "tenant/hello")?.["points"], 50);
  assert.deepEqual(assessAgain(log).differences, []);
});

test("what contains a module is durable with the outcome, blocks it at once, and is no part of the run", async () => {
  const refusals = { deniedCalls: 10, escapes: 10, badPointers: 0 };
  const { pipeline, entries, steps } = makeRig({ report: { refusals } });
  const first = await pipeline.process(sourceOf(), REQUEST);
  assert.ok(first.ok);
  assert.deepEqual(steps, ["append", "run", "append"]);
  assert.deepEqual(
    entries.slice(4).map(({ kind }) => kind),
    ["outcome", "assessment", "block"],
  );
  assert.deepEqual(first.value.indexes, [0, 1]);
  assert.equal(first.value.status, "ran", "how it ended is one thing, what it did another");
  assert.equal(first.value.assessment?.contain?.trigger, "escapes");
  const second = await pipeline.process(sourceOf(), REQUEST);
  assert.ok(second.ok);
  assert.deepEqual([second.value.verdict, second.value.reasons[0]?.code], ["quarantine", "guardian/contained"]);
  const block = entries.find((event) => event.kind === "block");
  assert.deepEqual([block?.cause, block?.causedBy, block?.run], ["containment", KEY_ID, first.value.run]);
});

test("a trial is not assessed, and no history for others", async () => {
  const refusals = { deniedCalls: 10, escapes: 10, badPointers: 0 };
  const { pipeline, entries, rows } = makeRig({ report: { refusals } });
  const trial = { capabilities: [], seed: new Uint8Array(32), budgets: undefined };
  const record = await pipeline.process(sourceOf(), { ...REQUEST, trial });
  assert.ok(record.ok);
  assert.equal(record.value.assessment, undefined);
  const last = entries.at(-1);
  assert.ok(last?.kind === "outcome" && last.assessed === undefined);
  assert.deepEqual({ ...last.refusals }, refusals);
  assert.deepEqual(rows.scan("standing", {}), []);
});
