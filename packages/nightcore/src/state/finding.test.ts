import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeTime } from "#core";
import { type EntryQuestion, findEntries } from "./finding.ts";
import { MemoryRows, type Row, type Rows } from "./rows.ts";

const STATUSES = { ran: "allow", failed: "allow", verified: "allow", held: "hold", denied: "deny", quarantined: "quarantine" };

type Entry = {
  readonly index: number;
  readonly tenant: string;
  readonly digest: string;
  readonly signer: string;
  readonly at: string;
  readonly verdict: string;
};

/** A log of runs with two entries each and, between them, notices with one; what each entry is about, beside the rows. */
function build(choices: readonly number[]): { readonly rows: Rows; readonly entries: readonly Entry[] } {
  const rows = new MemoryRows();
  const entries: Entry[] = [];
  choices.forEach((choice, n) => {
    const about = { tenant: `t${choice % 3}`, digest: `d${choice % 5}`, signer: `k${choice % 2}`, at: encodeTime(n * 1000) };
    const index = entries.length;
    if (choice % 7 === 0) {
      const { tenant, digest, signer, at } = about;
      rows.put("notices", { log_index: index, kind: "replay", at, run: null, tenant, digest, key_id: signer });
      entries.push({ index, ...about, verdict: "none" });
      return;
    }
    const status = Object.keys(STATUSES)[choice % 6] as keyof typeof STATUSES;
    const { tenant, digest, signer, at } = about;
    const row: Row = { run: `r${n}`, tenant, digest, key_id: signer, status, decided_at: at, indexes: `${index},${index + 1}` };
    rows.put("runs", row);
    for (const each of [index, index + 1]) entries.push({ index: each, ...about, verdict: STATUSES[status] });
  });
  return { rows, entries };
}

test("what is found is what a walk through all entries finds, in the order of the log", () => {
  const question = fc.record(
    {
      tenant: fc.constantFrom("t0", "t1", "t9"),
      digest: fc.constantFrom("d0", "d4"),
      signer: fc.constantFrom("k0", "k1"),
      verdict: fc.constantFrom("allow", "hold", "deny", "quarantine"),
      since: fc.nat(30).map((n) => encodeTime(n * 1000)),
      until: fc.nat(30).map((n) => encodeTime(n * 1000)),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.array(fc.nat(1000), { maxLength: 30 }), question, (choices, asked) => {
      const { rows, entries } = build(choices);
      const expected = entries.filter(
        (entry) =>
          (asked.tenant ?? entry.tenant) === entry.tenant &&
          (asked.digest ?? entry.digest) === entry.digest &&
          (asked.signer ?? entry.signer) === entry.signer &&
          (asked.verdict ?? entry.verdict) === entry.verdict &&
          (asked.since ?? "") <= entry.at &&
          (asked.until ?? "9") >= entry.at,
      );
      assert.deepEqual(
        findEntries(rows, { ...asked, limit: 1000 }),
        expected.map(({ index }) => index),
      );
    }),
  );
});

test("a limit keeps the newest runs and events, each whole", () => {
  const { rows } = build([1, 2, 7, 3]);
  const find = (question: Partial<EntryQuestion>) => findEntries(rows, { limit: 50, ...question });
  assert.deepEqual(find({ limit: 1 }), [5, 6]);
  assert.deepEqual(find({ limit: 2 }), [4, 5, 6]);
  assert.deepEqual(find({ run: "r0" }), [0, 1]);
});

test("an imported record leads to the entry that brought it in", () => {
  const rows = new MemoryRows();
  rows.put("imported", { id: "ab/0/3", tenant: "old", digest: "dd" });
  rows.put("notices", { log_index: 9, kind: "import", digest: "ab" });
  assert.deepEqual(findEntries(rows, { tenant: "old", limit: 5 }), [9]);
  assert.deepEqual(findEntries(rows, { digest: "dd", limit: 5 }), [9]);
});
