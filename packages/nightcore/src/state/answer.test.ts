import assert from "node:assert/strict";
import { test } from "node:test";
import type { Digest, RunId } from "#core";
import { type Event, evolve, MemoryRows, readAnswerIndex, readExpectedAnswer } from "#state";

const QUESTION = "ab".repeat(32) as Digest;
const SAME_SLOT = `abab${"0".repeat(60)}` as Digest;
const VERSION = "11".repeat(32) as Digest;

type Said = Partial<Omit<Extract<Event, { kind: "decision" }>, "kind">>;

function decision(said: Said = {}): Event {
  return {
    ...{ kind: "decision", run: "r" as RunId, tenant: "t", at: "2026-01-01T00:00:00.000Z", digest: null, mode: "run" },
    ...{ verdict: "allow", reasons: [], grant: null, permits: ["p"], engine: "e", question: QUESTION },
    facts: { policyVersion: { number: 1, digest: VERSION } },
    ...said,
  };
}

function fold(...events: readonly Event[]): MemoryRows {
  const rows = new MemoryRows();
  for (const [index, event] of events.entries()) evolve(rows, event, { index });
  return rows;
}

const { question: _, ...unasked } = decision() as Extract<Event, { kind: "decision" }>;

for (const [what, events, index] of [
  ["an allow of Cedar's", [decision()], 0],
  ["the newest of two", [decision(), decision()], 1],
  ["not one that was taken from the log", [decision(), decision({ answeredBy: 0 })], 0],
  ["not one that was taken from the log, also where it stands alone", [decision({ answeredBy: 0 })], undefined],
  ["a deny is none", [decision({ verdict: "deny" })], undefined],
  ["a hold is none", [decision({ verdict: "hold" })], undefined],
  ["a quarantine is none", [decision({ verdict: "quarantine" })], undefined],
  ["an allow that was not asked about is none", [unasked], undefined],
  ["another question in the same row puts it out", [decision(), decision({ question: SAME_SLOT })], undefined],
] as const)
  test(`where the answer stands: ${what}`, () => {
    assert.equal(readAnswerIndex(fold(...events), QUESTION), index);
  });

test("a row that says no index leads nowhere", () => {
  for (const log_index of [-1, 0.5, 2 ** 60, null, "x"]) {
    const rows = fold(decision());
    rows.put("answers", { slot: QUESTION.slice(0, 3), question: QUESTION, log_index });
    assert.equal(readAnswerIndex(rows, QUESTION), undefined, String(log_index));
  }
});

test("an answer is expected from where the newest decision under the version has it, if that came from the log", () => {
  const other = { facts: { policyVersion: { number: 2, digest: QUESTION } } };
  for (const [events, expected] of [
    [[], undefined],
    [[decision()], undefined],
    [[decision(), decision({ answeredBy: 0 })], 0],
    [[decision({ answeredBy: 3 }), unasked], 3],
    [[decision({ answeredBy: 0 }), decision({ verdict: "deny" })], undefined],
    [[decision({ answeredBy: 0 }), decision({ ...other, answeredBy: 0 })], undefined],
    [[decision({ answeredBy: 0, facts: null })], undefined],
  ] as const)
    assert.equal(readExpectedAnswer(fold(...events), VERSION), expected, JSON.stringify(events));
});
