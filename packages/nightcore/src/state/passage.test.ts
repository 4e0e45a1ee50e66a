import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { encodeStatement, parseStatement } from "#attest";
import {
  EVENT_TYPES,
  type Event,
  evolve,
  joinSteps,
  MemoryRows,
  readEvent,
  splitPassage,
  type Steps,
  stepsOf,
  TABLES,
  type TableName,
} from "#state";
import { anyEventOf } from "./any-event.test.ts";

/** Steps of one run at one time about one module, as a passage has them. */
const steps: fc.Arbitrary<Steps> = fc
  .tuple(
    anyEventOf("admission"),
    anyEventOf("verification"),
    anyEventOf("decision"),
    fc.option(anyEventOf("intent"), { nil: undefined }),
  )
  .map(([admission, ...others]) => {
    const { run, tenant, at, digest } = admission as Steps["admission"];
    const shared = { run, tenant, at, digest };
    const [verification, decision, intent] = others.map((event) => event && { ...event, ...shared });
    return { admission, verification, decision, intent } as Steps;
  });

function inOrder({ admission, verification, decision, intent }: Steps): readonly Event[] {
  return [admission, verification, decision, ...(intent === undefined ? [] : [intent])];
}

/** The event as the log gives it back. */
function logged({ kind, ...predicate }: Event): Event {
  const subject = [{ name: "x", digest: { sha256: "0".repeat(64) } }];
  const statement = parseStatement(encodeStatement({ subject, predicateType: EVENT_TYPES[kind], predicate }));
  assert.ok(statement.ok);
  return readEvent(statement.value.predicateType, statement.value.predicate) ?? assert.fail(kind);
}

test("what goes into a passage comes out of the log again, step by step", () => {
  fc.assert(
    fc.property(steps, (of) => {
      assert.deepEqual(stepsOf(logged(joinSteps(of))), inOrder(of).map(logged));
    }),
  );
});

test("a passage amounts to what its steps amount to, under one index", () => {
  const dump = (events: readonly (readonly [Event, number])[]) => {
    const rows = new MemoryRows();
    for (const [event, index] of events) evolve(rows, event, { index });
    return (Object.keys(TABLES) as TableName[]).map((table) => rows.scan(table, {}));
  };
  fc.assert(
    fc.property(steps, fc.nat(9), (of, index) => {
      assert.deepEqual(dump([[joinSteps(of), index]]), dump(inOrder(of).map((event) => [event, index] as const)));
    }),
  );
});

test("an event that is no passage is its own only step", () => {
  const event: Event = { kind: "quarantine", at: "", digest: "0".repeat(64) as never, reason: "" };
  assert.deepEqual(stepsOf(event), [event]);
});

test("what a foreign passage has for steps is taken for no more than it is", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom("run", "decision", "intent", "admission", "kind"), fc.jsonValue()), (predicate) => {
      for (const { kind, predicate: step } of splitPassage(predicate as never)) {
        assert.ok(["admission", "decision", "intent"].includes(kind));
        if ("run" in predicate) assert.deepEqual(step["run"], predicate["run"], "a step cannot name another run");
      }
    }),
  );
});
