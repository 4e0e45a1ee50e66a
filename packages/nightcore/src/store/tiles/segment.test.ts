import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { draftFrame, frameEntries, sealFrame } from "./frame.ts";
import { encodeSegmentHeader, FRAMES_AT, hasFrameBeyond, parseSegmentHeader, scanSegment } from "./segment.ts";
import { packRequests, unpackRequests } from "./thread-protocol.ts";

const NONCE = Buffer.alloc(16, 7);
const OTHER_NONCE = Buffer.alloc(16, 8);

function frameOf(nonce: Buffer, firstIndex: number, entries: readonly Uint8Array[]): Buffer {
  const draft = draftFrame(
    entries.map((entry) => entry.length),
    (i, bytes, at) => bytes.set(entries[i] ?? [], at),
  );
  return sealFrame(draft, nonce, firstIndex);
}

/** A segment of frames with these entries, and room behind them. */
function segmentOf(batches: readonly (readonly Uint8Array[])[], { first = 0, room = 300, nonce = NONCE } = {}): Buffer {
  const frames: Buffer[] = [];
  let index = first;
  for (const batch of batches) {
    frames.push(frameOf(nonce, index, batch));
    index += batch.length;
  }
  const length = FRAMES_AT + frames.reduce((sum, frame) => sum + frame.length, 0) + room;
  return Buffer.concat([encodeSegmentHeader({ number: 1, length, nonce }), ...frames, Buffer.alloc(room)]);
}

const batches = fc.array(fc.array(fc.uint8Array({ maxLength: 30 }), { minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 5,
});

test("property: a segment gives back what was written, and knows its header", () => {
  fc.assert(
    fc.property(batches, fc.nat(1000), (written, first) => {
      const bytes = segmentOf(written, { first });
      assert.equal(parseSegmentHeader(bytes)?.length, bytes.length);
      const scan = scanSegment(bytes, NONCE, 0);
      assert.deepEqual([scan.tornBytes, scan.damagedAt, scan.frames.length], [0, undefined, written.length]);
      const read = scan.frames.flatMap((frame) => [...frameEntries(bytes, frame)].map((entry) => Buffer.from(entry)));
      assert.deepEqual(
        read,
        written.flat().map((entry) => Buffer.from(entry)),
      );
      assert.deepEqual(scanSegment(bytes, OTHER_NONCE, 0).frames, [], "frames of an earlier life do not count");
    }),
  );
});

test("property: a flipped bit in any frame costs that frame and is called damage, unless it was the last", () => {
  fc.assert(
    fc.property(batches, fc.nat(100_000), fc.nat(7), (written, where, bit) => {
      const bytes = segmentOf(written);
      const whole = scanSegment(bytes, NONCE, 0);
      const at = FRAMES_AT + (where % (whole.end - FRAMES_AT));
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
      const hit = whole.frames.findIndex((frame) => at >= frame.at && at < frame.end);
      const scan = scanSegment(bytes, NONCE, 0);
      assert.equal(scan.frames.length, hit);
      const last = hit === whole.frames.length - 1;
      assert.equal(scan.damagedAt, last ? undefined : whole.frames[hit]?.at);
    }),
  );
});

test("property: a frame cut anywhere at the tail leaves the ones before it, and no damage", () => {
  fc.assert(
    fc.property(batches, fc.nat(100_000), (written, where) => {
      const bytes = segmentOf(written);
      const last = scanSegment(bytes, NONCE, 0).frames.at(-1);
      assert.ok(last !== undefined);
      bytes.fill(0, last.at + (where % (last.end - last.at)));
      const scan = scanSegment(bytes, NONCE, 0);
      // A cut of zeros that were zeros before changes nothing.
      assert.ok(scan.frames.length >= written.length - 1);
      assert.equal(scan.damagedAt, undefined);
    }),
  );
});

test("property: scanning arbitrary bytes never throws and finds nothing", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (noise) => {
      const bytes = Buffer.concat([Buffer.alloc(FRAMES_AT), Buffer.from("NCFR"), NONCE, noise]);
      assert.equal(parseSegmentHeader(bytes), undefined);
      assert.deepEqual(scanSegment(bytes, NONCE, 0).frames, []);
      assert.equal(hasFrameBeyond(bytes, 0), false);
    }),
  );
});

test("a frame behind a damaged header is found whatever its nonce", () => {
  const bytes = segmentOf([[Buffer.from("entry")]], { first: 5, nonce: OTHER_NONCE });
  bytes.fill(0, 0, FRAMES_AT);
  assert.equal(hasFrameBeyond(bytes, 5), true);
  assert.equal(hasFrameBeyond(bytes, 6), false);
});

test("property: requests cross to the thread and back unchanged", () => {
  const requests = fc.array(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 4 }), { maxLength: 6 });
  fc.assert(
    fc.property(requests, (sent) => {
      const received = unpackRequests(packRequests(sent));
      assert.deepEqual(
        received.map((payloads) => payloads.map((payload) => Buffer.from(payload))),
        sent.map((payloads) => payloads.map((payload) => Buffer.from(payload))),
      );
    }),
  );
});
