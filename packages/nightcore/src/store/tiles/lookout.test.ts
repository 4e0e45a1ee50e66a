import assert from "node:assert/strict";
import { test } from "node:test";
import { Lookout } from "./lookout.ts";

/** A clock that goes on by ten microseconds each time it is read. */
function makeClock(): () => number {
  let ms = 0;
  return () => (ms += 0.01);
}

/** A queue whose messages come when they are looked for so many times; what is taken is answered at once. */
function rig(comesAtLook: number) {
  const taken: number[] = [];
  let [looks, sent] = [0, 0];
  const lookout = new Lookout<number>(
    () => (++looks % comesAtLook === 0 ? ++sent : undefined),
    (message) => {
      taken.push(message);
      if (taken.length < 40) lookout.begin();
    },
    makeClock(),
  );
  return { lookout, taken, looks: () => looks };
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test("nobody looks out before a message has come soon after an answer", () => {
  const { lookout, looks } = rig(1);
  lookout.begin();
  assert.equal(looks(), 0);
});

test("messages that come soon are taken without sleeping, and the event loop has its turn every few", async () => {
  const { lookout, taken } = rig(1);
  lookout.begin();
  lookout.hear();
  lookout.begin();
  const before = taken.length;
  assert.ok(before >= 1 && before < 40, `${before} in one turn`);
  while (taken.length < 40) {
    const had = taken.length;
    await nextTurn();
    assert.ok(taken.length > had, "it went on after the turn");
    assert.ok(taken.length - had <= 8);
  }
  assert.deepEqual(
    taken,
    taken.map((_, i) => i + 1),
  );
});

test("where nothing comes it gives up, until a message comes soon again", () => {
  const { lookout, taken, looks } = rig(Infinity);
  lookout.begin();
  lookout.hear();
  lookout.begin();
  const once = looks();
  assert.ok(once > 0);
  lookout.begin();
  assert.equal(looks(), once, "it does not look a second time");
  assert.equal(taken.length, 0);
});
