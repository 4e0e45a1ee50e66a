import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import fc from "fast-check";
import type { Digest, RunId } from "#core";
import { type Event, evolve, MemoryRows, readEvent, EVENT_TYPES, TABLES, type TableName } from "#state";
import { Projection } from "#store/sqlite";

const digestArbitrary = fc.integer({ min: 0, max: 5 }).map((n) => `${n}`.repeat(64) as Digest);
const base = fc.record({
  run: fc.integer({ min: 0, max: 9 }).map((n) => `run-${n}` as RunId),
  tenant: fc.constantFrom("a", "b", "<script>"),
  at: fc.constantFrom("2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"),
  digest: digestArbitrary,
});

/** Events as the log may hold them, in any order: also an outcome without its intent, which no writer of ours makes. */
const eventArbitrary: fc.Arbitrary<Event> = fc.oneof(
  base.map((of): Event => ({ kind: "admission", ...of, sizeBytes: 8, admitted: true, finding: null, shape: null })),
  fc.tuple(base, fc.boolean()).map(([of, manifestSigned]): Event => {
    return {
      kind: "verification",
      ...of,
      trusted: true,
      keyId: "k",
      form: "dsse",
      manifestSigned,
      finding: null,
      trustStore: of.digest,
    };
  }),
  fc
    .tuple(base, fc.constantFrom("allow", "hold", "deny", "quarantine"), fc.constantFrom("run", "proof"))
    .map(([of, verdict, mode]): Event => {
      return { kind: "decision", ...of, mode, verdict, reasons: [], grant: null, facts: null, engine: "e" };
    }),
  base.map((of): Event => {
    const usage = { wallMs: 1.5, fuel: 7, memoryBytes: 0, outputBytes: 0, hostCalls: 0 };
    return { kind: "outcome", ...of, status: "ran", exitCode: 0, fault: null, results: [], stdout: null, stderr: null, usage };
  }),
  base.map(({ at, digest }): Event => ({ kind: "quarantine", at, digest, reason: "r" })),
  base.map(({ at, digest }): Event => ({ kind: "trust", at, change: "key-trusted", record: null, store: digest })),
  base.map(({ at, digest, tenant }): Event => {
    const records = [{ tenant, digest: null, sizeBytes: null, verified: null, status: "ok", wallMs: 2, at }];
    return { kind: "import", at, source: "f", sourceDigest: digest, form: "v39 report", part: 0, records };
  }),
);

function workspace(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-state-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "state.db");
}

test("folding does not care where it was stopped and restarted, and SQLite keeps the rows that memory keeps", (t) => {
  const file = workspace(t);
  fc.assert(
    fc.property(fc.array(eventArbitrary, { maxLength: 40 }), fc.array(fc.nat(40), { maxLength: 5 }), (events, stops) => {
      Projection.remove(file);
      const whole = new MemoryRows();
      events.forEach((event, index) => evolve(whole, event, { index }));
      let projection = Projection.open(file).projection;
      events.forEach((event, index) => {
        evolve(projection, event, { index });
        if (!stops.includes(index)) return;
        projection.commit(index + 1);
        projection.close();
        projection = Projection.open(file).projection;
        assert.equal(projection.applied, index + 1);
      });
      projection.commit(events.length);
      for (const table of Object.keys(TABLES) as TableName[]) {
        const plain = projection.scan(table, {}).map((row) => ({ ...row }));
        assert.deepEqual(plain, whole.scan(table, {}), table);
      }
      projection.close();
    }),
    { numRuns: 30 },
  );
});

test("a decision alone is never an execution, and a denial never counts as one", () => {
  const rows = new MemoryRows();
  const of = { run: "r" as RunId, tenant: "a", at: "t", digest: "0".repeat(64) as Digest };
  evolve(
    rows,
    { kind: "decision", ...of, mode: "run", verdict: "deny", reasons: [], grant: null, facts: null, engine: "e" },
    { index: 0 },
  );
  assert.equal(rows.get("tenants", "a")?.executions, 0);
  assert.equal(rows.get("tenants", "a")?.last_ran_digest, null);
  assert.equal(rows.get("runs", "r")?.status, "denied");
});

test("two processes that fold at once: the later one notices and writes nothing twice", (t) => {
  const file = workspace(t);
  const first = Projection.open(file).projection;
  const second = Projection.open(file).projection;
  const event = { kind: "quarantine", at: "t", digest: "0".repeat(64) as Digest, reason: "r" } as const;
  for (const projection of [first, second]) evolve(projection, event, { index: 0 });
  assert.equal(first.commit(1), true);
  assert.equal(second.commit(1), false);
  assert.equal(second.applied, 1);
  first.close();
  second.close();
});

test("a database that is no database, or of another schema, is made anew", (t) => {
  const file = workspace(t);
  writeFileSync(
    file,
    "this is not SQLite, and it is long enough to have a header of a hundred bytes, or so one would think: yes",
  );
  const { projection, rebuilt } = Projection.open(file);
  assert.equal(rebuilt, true);
  assert.equal(projection.applied, 0);
  projection.close();
});

test("a predicate type that this version does not know is passed over", () => {
  assert.equal(readEvent("urn:nightcore:outcome:v9", {}), undefined);
  assert.equal(readEvent(EVENT_TYPES.quarantine, { digest: "x" })?.kind, "quarantine");
});
