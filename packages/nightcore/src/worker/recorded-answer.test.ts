import assert from "node:assert/strict";
import { test } from "node:test";
import type { Digest, RunId } from "#core";
import { nameRules } from "#guardian";
import type { DecisionEvent, Event } from "#state";
import { takeAnswer } from "#worker";

const QUESTION = "ab".repeat(32) as Digest;
const ENGINE = { name: "cedar/1" };
const ALLOW: Event & DecisionEvent = {
  kind: "decision",
  run: "r" as RunId,
  tenant: "hello",
  at: "2026-06-01T00:00:00.000Z",
  digest: null,
  mode: "run",
  verdict: "allow",
  reasons: [],
  grant: null,
  permits: ["signed", "known"],
  facts: null,
  engine: nameRules(ENGINE),
  question: QUESTION,
};
const REASON = { verdict: "deny", code: "guardian/policy-forbids", message: "no" };

const take = (...events: readonly Event[]) => takeAnswer(events, 7, { question: QUESTION, engine: ENGINE });

test("an allow of exactly this question is the answer, with the policies that permit it and the entry that says so", () => {
  const answer = { permits: ["signed", "known"], reasons: [], asked: { question: QUESTION, answeredBy: 7 } };
  assert.deepEqual(take(ALLOW), answer);
  const other: Event = { kind: "quarantine", at: ALLOW.at, digest: QUESTION, reason: "" };
  assert.deepEqual(take(other, ALLOW), answer, "an entry that says more than one thing");
});

const { question: _, ...unasked } = ALLOW;
const NO_ANSWERS: readonly (readonly [what: string, event: Event | undefined])[] = [
  ["nothing that this version can read", undefined],
  ["another kind of entry with the same members", { ...ALLOW, kind: "admission" } as unknown as Event],
  ["a decision from before questions were recorded", unasked],
  ["the answer to another question", { ...ALLOW, question: "cd".repeat(32) as Digest }],
  ["a deny", { ...ALLOW, verdict: "deny", reasons: [REASON] }],
  ["a hold", { ...ALLOW, verdict: "hold", reasons: [{ ...REASON, verdict: "hold" }] }],
  ["a quarantine", { ...ALLOW, verdict: "quarantine", reasons: [{ ...REASON, verdict: "quarantine" }] }],
  ["an allow with a reason against it", { ...ALLOW, reasons: [REASON] }],
  ["an allow that no policy permits", { ...ALLOW, permits: [] }],
  ["another version of Cedar", { ...ALLOW, engine: nameRules({ name: "cedar/2" }) }],
  ["the rules without an engine", { ...ALLOW, engine: nameRules(undefined) }],
  ["other rules", { ...ALLOW, engine: "nightcore-rules/1+cedar/1" }],
  ["what was itself taken from the log", { ...ALLOW, answeredBy: 3 }],
];

for (const [what, event] of NO_ANSWERS)
  test(`no answer is taken from ${what}`, () => {
    assert.equal(take(...(event === undefined ? [] : [event])), undefined);
  });
