import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evolve, MemoryRows, readLatestTime } from "#state";
import { anyEvent, anyEventOf, EVENT_KINDS } from "./any-event.test.ts";

test("the latest time is that of the last entry, whatever kind each one is", () => {
  assert.equal(readLatestTime(new MemoryRows()), undefined);
  fc.assert(
    fc.property(fc.array(anyEvent, { minLength: 1, maxLength: 20 }), (events) => {
      const rows = new MemoryRows();
      const inOrder = events.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
      for (const [index, event] of inOrder.entries()) evolve(rows, event, { index });
      const leaves = inOrder.filter(({ kind }) => !BESIDE_A_DECISION.has(kind));
      assert.equal(readLatestTime(rows) ?? "", leaves.at(-1)?.at ?? "");
    }),
  );
});

/** They are recorded in one append with a decision, at its time, and leave none of their own. */
const BESIDE_A_DECISION: ReadonlySet<string> = new Set(["admission", "verification", "intent"]);

for (const kind of EVENT_KINDS.filter((one) => !BESIDE_A_DECISION.has(one))) {
  test(`the time of an entry of the kind ${kind} is found again`, () => {
    fc.assert(
      fc.property(anyEventOf(kind), (event) => {
        const rows = new MemoryRows();
        evolve(rows, event, { index: 0 });
        assert.equal(readLatestTime(rows), event.at);
      }),
    );
  });
}
