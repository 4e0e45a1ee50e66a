import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { type Digest, NO_STRIKES, type RunId, STRIKES_MAX } from "#core";
import {
  type AssessmentEvent,
  type Event,
  evolve,
  MemoryRows,
  type OutcomeEvent,
  readEvidence,
  readSamples,
  readStandingPoints,
  readStrikes,
  SAMPLES_MAX,
} from "#state";
import { Projection } from "#store/sqlite";

const DIGEST = "ab".repeat(32) as Digest;
const OF = { run: "run-0" as RunId, tenant: "hello", at: "2026-01-01T00:00:00.000Z", digest: DIGEST };
const ASSESSED = { rules: "1", entries: 0 };
const usage = (fuel: number) => ({ wallMs: 1.6, fuel, memoryBytes: 65_536, outputBytes: 3, hostCalls: 2 });

function outcome(fuel: number, over: Partial<OutcomeEvent> = {}): Event {
  const end = { status: "ran", exitCode: 0, fault: null, results: [], stdout: null, stderr: null } as const;
  return { kind: "outcome", ...OF, ...end, usage: usage(fuel), assessed: ASSESSED, ...over };
}

function assessment(over: Partial<AssessmentEvent> = {}): Event {
  const finding = { code: "guardian/escape-tried", message: "m", measure: null, observed: 2, points: 7 };
  return {
    kind: "assessment",
    ...OF,
    rules: "1",
    findings: [{ ...finding, usual: null, granted: null }],
    points: 7,
    strikes: { faults: 0, escapes: 2, badPointers: 0 },
    contain: null,
    ...over,
  };
}

function fold(events: readonly Event[]): MemoryRows {
  const rows = new MemoryRows();
  events.forEach((event, index) => evolve(rows, event, { index }));
  return rows;
}

test("the newest samples of a tenant are kept, whatever its modules, and no more than the limit", () => {
  const rows = fold(Array.from({ length: SAMPLES_MAX + 7 }, (_, n) => outcome(n)));
  const samples = readSamples(rows, "hello");
  assert.equal(samples.length, SAMPLES_MAX);
  assert.deepEqual(samples[0]?.fuel, 7);
  const expected = { module: DIGEST.slice(0, 16), fuel: SAMPLES_MAX + 6, memoryBytes: 65_536, wallMs: 2 };
  assert.deepEqual(samples.at(-1), { ...expected, outputBytes: 3, hostCalls: 2, deniedCalls: 0 });
  assert.deepEqual(readSamples(rows, "other"), []);
});

const NO_SAMPLES: readonly (readonly [what: string, over: { readonly [name in keyof OutcomeEvent]?: unknown }])[] = [
  ["a run that nobody assessed: a trial, or one of an older version", { assessed: undefined }],
  ["a run that a fault ended", { fault: { code: "engine/trap", message: "" } }],
  ["a run whose end nobody saw", { usage: null }],
];

for (const [what, over] of NO_SAMPLES) {
  test(`${what} is in no history`, () => {
    assert.deepEqual(readSamples(fold([outcome(1, over as Partial<OutcomeEvent>)]), "hello"), []);
  });
}

test("a finding raises the module and its tenant, and counts against the module under this tenant alone", () => {
  const rows = fold([assessment(), assessment({ tenant: "other" }), outcome(1)]);
  assert.deepEqual(readStandingPoints(rows, { tenant: "hello" }), { points: 7, at: OF.at });
  assert.deepEqual(readStandingPoints(rows, { digest: DIGEST }), { points: 14, at: OF.at });
  assert.equal(readStandingPoints(rows, { tenant: "third" }), undefined);
  assert.deepEqual(readStrikes(rows, "hello", DIGEST), { faults: [], escapes: [[OF.at, 2]], badPointers: [] });
  assert.deepEqual(readStrikes(rows, "third", DIGEST).escapes, []);
  assert.equal(readEvidence(rows, { digest: DIGEST }).length, 2);
});

test("a tenant with samples and no findings has no standing", () => {
  assert.equal(readStandingPoints(fold([outcome(1)]), { tenant: "hello" }), undefined);
});

test("points add up to a hundred and no further; strikes and evidence are the newest", () => {
  const many = Array.from({ length: STRIKES_MAX + 10 }, (_, n) =>
    assessment({ strikes: { faults: 1, escapes: 0, badPointers: n + 1 } }),
  );
  const rows = fold(many);
  assert.equal(readStandingPoints(rows, { tenant: "hello" })?.points, 100);
  const strikes = readStrikes(rows, "hello", DIGEST);
  assert.equal(strikes.faults.length, STRIKES_MAX);
  assert.equal(strikes.badPointers.at(-1)?.[1], STRIKES_MAX + 10);
  assert.equal(readEvidence(rows, { tenant: "hello" }).length, 8);
});

test("whoever is contained begins anew: what led to it is not counted again, and its points stay", () => {
  const contain = { trigger: "escapes", seen: 4, threshold: 4, withinHours: 24, revokeApprovals: true, message: "m" } as const;
  const rows = fold([assessment(), assessment({ contain })]);
  assert.deepEqual(readStrikes(rows, "hello", DIGEST), NO_STRIKES);
  assert.equal(readStandingPoints(rows, { digest: DIGEST })?.points, 14);
  evolve(rows, assessment(), { index: 2 });
  assert.deepEqual(readStrikes(rows, "hello", DIGEST).escapes, [[OF.at, 2]]);
});

test("containing a module ends what was approved of it for this tenant, where the policy says so, and nothing else", () => {
  const approval = (tenant: string, digest: Digest, id: string): Event => ({
    kind: "approval",
    ...{ at: OF.at, id: id.repeat(64) as Digest, tenant, digest, manifest: null, signer: null, act: "approval" },
    ...{
      keyId: "k",
      person: "bob",
      expires: null,
      envelope: "{}",
      finding: null,
      complete: true,
      reviewDue: null,
      candidates: [],
    },
  });
  const other = "cd".repeat(32) as Digest;
  const given = [approval("hello", DIGEST, "1"), approval("hello", other, "2"), approval("other", DIGEST, "3")];
  const said = { trigger: "escapes", seen: 4, threshold: 4, withinHours: 24, message: "4 escapes" } as const;
  const endsIn = (revokeApprovals: boolean) =>
    fold([...given, assessment({ contain: { ...said, revokeApprovals } })])
      .scan("approvals", { orderBy: "id" })
      .map((row) => [row["revoked_by"], row["revoked_reason"]]);
  const stands = [null, null];
  assert.deepEqual(endsIn(true), [["containment", "4 escapes"], stands, stands]);
  assert.deepEqual(endsIn(false), [stands, stands, stands]);
});

test("a run that came to its end ends a row of faults, and nothing else that was seen", () => {
  const strikes = { faults: 1, escapes: 1, badPointers: 0 };
  const rows = fold([assessment({ strikes }), outcome(1, { tenant: "other" })]);
  assert.equal(readStrikes(rows, "hello", DIGEST).faults.length, 1);
  evolve(rows, outcome(1), { index: 2 });
  assert.deepEqual(readStrikes(rows, "hello", DIGEST), { ...NO_STRIKES, escapes: [[OF.at, 1]] });
});

test("the rows are the same wherever the fold was stopped and restarted, in memory and in SQLite", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-standing-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "state.db");
  const tenant = fc.constantFrom("a", "b", "<script>");
  const event = fc.oneof(
    fc.tuple(tenant, fc.nat(1e9)).map(([of, fuel]) => outcome(fuel, { tenant: of })),
    fc.tuple(tenant, fc.nat(20)).map(([of, points]) => assessment({ tenant: of, points })),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 120 }), fc.array(fc.nat(120), { maxLength: 5 }), (events, stops) => {
      Projection.remove(file);
      let projection = Projection.open(file).projection;
      events.forEach((one, index) => {
        evolve(projection, one, { index });
        if (!stops.includes(index)) return;
        projection.commit(index + 1);
        projection.close();
        projection = Projection.open(file).projection;
      });
      projection.commit(events.length);
      const plain = projection.scan("standing", {}).map((row) => ({ ...row }));
      projection.close();
      assert.deepEqual(plain, fold(events).scan("standing", {}));
    }),
    { numRuns: 30 },
  );
});
