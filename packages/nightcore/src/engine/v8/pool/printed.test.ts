import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Bytes } from "#core";
import type { PrintedStream } from "#ports";
import { PieceSender } from "../sandbox/piece-sender.ts";
import { decodeAnswer } from "../wire/answer.ts";
import { LARGE_PIECE_BYTES, SMALL_PIECES_MAX } from "../wire/piece.ts";
import { WireError, WireReader } from "../wire/reader.ts";
import { Printed } from "./printed.ts";

const EMPTY = new Uint8Array(0);
const BUDGETS = { wallMs: 1, memoryBytes: 0, fuel: 0, outputBytes: 1 << 20 };

/** Both ends of the way, joined: a sender whose frames are read as the worker reads them. */
function joinEnds(printed: Printed): PieceSender {
  return new PieceSender((frame) => {
    const answer = decodeAnswer(new WireReader(Buffer.concat(frame).subarray(4)), { budgets: BUDGETS, capabilities: [] });
    assert.ok(answer.kind === "piece");
    printed.take(answer);
  });
}

const writes = fc.array(fc.tuple(fc.constantFrom<PrintedStream>("stdout", "stderr"), fc.uint8Array({ maxLength: 20 })));

test("what is sent is heard once and in order, also when the guest is repeated from the beginning", () => {
  fc.assert(
    fc.property(writes, fc.nat({ max: 20 }), (all, stop) => {
      const heard = { stdout: [] as number[], stderr: [] as number[] };
      const printed = new Printed((stream, bytes) => heard[stream].push(...bytes), BUDGETS.outputBytes);
      const sender = joinEnds(printed);
      let whole = { stdout: EMPTY as Bytes, stderr: EMPTY as Bytes };
      for (const pass of [all.slice(0, stop), all]) {
        whole = { stdout: EMPTY, stderr: EMPTY };
        for (const [stream, bytes] of pass) {
          whole[stream] = Buffer.concat([whole[stream], bytes]);
          sender.tell(stream, whole[stream]);
        }
      }
      assert.deepEqual(heard, { stdout: [...whole.stdout], stderr: [...whole.stderr] });
      printed.compare(whole);
    }),
  );
});

test("a guest that prints byte by byte is heard in large pieces after ten thousand small ones", () => {
  let pieces = 0;
  const printed = new Printed(() => pieces++, BUDGETS.outputBytes);
  const sender = joinEnds(printed);
  const whole = new Uint8Array(SMALL_PIECES_MAX + 2 * LARGE_PIECE_BYTES + 1);
  for (let length = 1; length <= whole.length; length++) sender.tell("stdout", whole.subarray(0, length));
  assert.equal(pieces, SMALL_PIECES_MAX + 2);
  printed.compare({ stdout: whole, stderr: EMPTY });
});

test("more small pieces than a sandbox sends are refused", () => {
  const printed = new Printed(() => undefined, BUDGETS.outputBytes);
  const one = { kind: "piece", stream: "stdout", bytes: new Uint8Array(1) } as const;
  for (let n = 0; n < SMALL_PIECES_MAX; n++) printed.take(one);
  assert.throws(() => printed.take(one), new WireError("too many small pieces"));
});
