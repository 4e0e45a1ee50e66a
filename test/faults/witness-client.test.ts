import assert from "node:assert/strict";
import { test } from "node:test";
import { askWitnesses, explainWitnessFault, submitCheckpoint } from "../../packages/nightcore/src/witness/index.ts";
import { makePauses, type Mood, serveMoody, submissionOf } from "./witness-rig.ts";

const patience = (pauses = makePauses(), waitMs = 30_000) => ({
  ...pauses,
  deadlineMs: pauses.clock() + waitMs,
  signal: new AbortController().signal,
});

type Row = readonly [what: string, moods: readonly Mood[], code: string, slept: readonly number[]];
const ROWS: readonly Row[] = [
  ["a witness that answers", [], "ok", []],
  ["one that hangs up twice", ["hangs up", "hangs up"], "ok", [150, 300]],
  ["one that is overloaded, and says until when", [{ status: 429, retryAfter: "7" }], "ok", [7000]],
  ["one that restarts behind its proxy", [{ status: 503 }, { status: 502 }, { status: 504 }], "ok", [150, 300, 600]],
  ["one that stays away for longer than there is time", [{ status: 503, retryAfter: "31" }], "witness/refused", []],
  [
    "one that never comes back",
    Array.from({ length: 9 }, () => "hangs up" as const),
    "witness/unreachable",
    [150, 300, 600, 1200, 2400],
  ],
  ["a page of somebody else", ["says garbage"], "witness/bad-answer", []],
  [
    "an answer without end",
    Array.from({ length: 9 }, () => "is endless" as const),
    "witness/unreachable",
    [150, 300, 600, 1200, 2400],
  ],
  ["one that does not know the log", [{ status: 404 }], "witness/refused", []],
  ["one that has seen a fork", [{ status: 422 }], "witness/refused", []],
];

for (const [what, moods, code, slept] of ROWS) {
  test(`asked until the deadline: ${what}`, async (context) => {
    const witness = await serveMoody(context, "w1", moods);
    const pauses = makePauses();
    const answer = await submitCheckpoint({ ...submissionOf(9), witness }, patience(pauses));
    assert.equal(answer.ok ? "ok" : answer.fault.code, code);
    assert.deepEqual(pauses.slept, slept);
  });
}

test("a witness that hangs is given up at the deadline", async (context) => {
  const witness = await serveMoody(context, "w1", ["hangs", "hangs"]);
  const answer = await submitCheckpoint({ ...submissionOf(9), witness }, patience(makePauses(), 200));
  assert.match(answer.ok || answer.fault.code !== "witness/unreachable" ? "" : answer.fault.detail, /no answer for/);
});

test("the size that a witness names is where the proof begins, and a larger one is a rollback", async (context) => {
  const witness = await serveMoody(context, "w1", []);
  for (const size of [5, 9, 9]) assert.ok((await submitCheckpoint({ ...submissionOf(size), witness }, patience())).ok, `${size}`);
  const behind = await submitCheckpoint({ ...submissionOf(6), witness }, patience());
  assert.deepEqual(behind.ok ? behind : behind.fault, { code: "witness/ahead", witness: "w1", size: 9, ours: 6 });
});

test("there is enough when the quorum has cosigned, whatever the others do", async (context) => {
  const [first, second, third] = [
    await serveMoody(context, "w1", [{ status: 503 }]),
    await serveMoody(
      context,
      "w2",
      Array.from({ length: 9 }, () => "hangs" as const),
    ),
    await serveMoody(context, "w3", ["hangs up"]),
  ];
  const asking = { ...submissionOf(9), witnesses: [first, second, third], waitMs: 30_000, graceMs: 0 };
  const asked = await askWitnesses({ ...asking, isQuorum: (ids) => ids.size >= 2 }, makePauses());
  assert.equal(asked.met, true);
  const said = asked.answers.map(({ witness, answer }) => `${witness.name} ${answer.ok}`);
  assert.deepEqual(said, ["w1 true", "w3 true"]);
});

test("a quorum that cannot be reached is unmet, and every witness says why", async (context) => {
  const witnesses = [await serveMoody(context, "w1", []), await serveMoody(context, "w2", ["says garbage"])];
  const asking = { ...submissionOf(9), witnesses, waitMs: 30_000, graceMs: 1000 };
  const asked = await askWitnesses({ ...asking, isQuorum: (ids) => ids.size === 2 }, makePauses());
  assert.equal(asked.met, false);
  assert.deepEqual(asked.answers.map(({ answer }) => (answer.ok ? "ok" : answer.fault.code)).toSorted(), [
    "ok",
    "witness/bad-answer",
  ]);
  assert.equal((await askWitnesses({ ...asking, witnesses: [], isQuorum: () => false }, makePauses())).met, false);
});

test("what a witness says cannot move a cursor or forge a line", async (context) => {
  const says = "no\u001b[2J\r\nyes  `w1` has cosigned everything\u202e";
  const witness = await serveMoody(context, "w1", [{ status: 403, says }]);
  const answer = await submitCheckpoint({ ...submissionOf(9), witness }, patience());
  assert.ok(!answer.ok);
  const { message } = explainWitnessFault(answer.fault);
  assert.match(message, /status 403: no\\u\{1b\}\[2J\\u\{d\}\\u\{a\}yes/);
  assert.doesNotMatch(message, /[\p{Cc}\p{Cf}]/u);
});
