import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import fc from "fast-check";
import type { Digest, RunId } from "#core";
import { evolve, MemoryRows, readEvent, EVENT_TYPES, type Row, TABLES, type TableName } from "#state";
import { Projection } from "#store/sqlite";
import { anyEvent } from "./any-event.test.ts";

/** What SQLite keeps of a text is its UTF-8, and half of a surrogate pair has none. */
function asUtf8(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, typeof value === "string" ? value.toWellFormed() : value]),
  );
}

function workspace(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-state-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "state.db");
}

test("folding does not care where it was stopped and restarted, and SQLite keeps the rows that memory keeps", (t) => {
  const file = workspace(t);
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 40 }), fc.array(fc.nat(40), { maxLength: 5 }), (events, stops) => {
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
        assert.deepEqual(plain, whole.scan(table, {}).map(asUtf8), table);
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
