import { equalBytes, type Bytes } from "#core";
import { sha256 } from "#store/keys";

/**
 * A frame is what one flush makes durable:
 *
 *   "NCFR" | nonce 16 | first index u64 | count u32 | length u32 | count × (u16 length ‖ entry) | SHA-256 of all before
 *
 * Integers are big-endian. `nonce` is the segment's: frames of an earlier life of a recycled file do not match it.
 */
export const FRAME_HEADER_BYTES = 36;
const HASH_BYTES = 32;
const MAGIC = Buffer.from("NCFR", "latin1");
/** Random bytes that tell the frames of one life of a segment from those of another. */
export const NONCE_BYTES = 16;

/** A frame found in a segment: where it begins and ends, and where its length-prefixed entries stand. */
export type Frame = {
  readonly at: number;
  readonly end: number;
  readonly firstIndex: number;
  readonly count: number;
  readonly entriesAt: number;
  readonly entriesEnd: number;
};

/**
 * A frame in the making: room for its header and hash, and the entries in their place. What stands in `entries` shares the
 * frame's memory, so an entry is written once and then hashed, journaled and published from there.
 */
export type FrameDraft = { readonly bytes: Buffer; readonly entries: readonly Bytes[] };

/** Lays out entries of known lengths; `write` puts entry i at an offset of the frame. */
export function draftFrame(lengths: readonly number[], write: (i: number, bytes: Buffer, at: number) => void): FrameDraft {
  let total = FRAME_HEADER_BYTES + HASH_BYTES;
  for (const length of lengths) total += 2 + length;
  const bytes = Buffer.allocUnsafeSlow(total);
  const entries: Bytes[] = [];
  let at = FRAME_HEADER_BYTES;
  for (const [i, length] of lengths.entries()) {
    bytes.writeUInt16BE(length, at);
    write(i, bytes, at + 2);
    entries.push(bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return { bytes, entries };
}

/** Completes a draft as the frame of these entries in the segment of this nonce. */
export function sealFrame(draft: FrameDraft, nonce: Bytes, firstIndex: number): Buffer {
  const { bytes, entries } = draft;
  bytes.set(MAGIC, 0);
  bytes.set(nonce, 4);
  bytes.writeBigUInt64BE(BigInt(firstIndex), 20);
  bytes.writeUInt32BE(entries.length, 28);
  bytes.writeUInt32BE(bytes.length - FRAME_HEADER_BYTES - HASH_BYTES, 32);
  const hashAt = bytes.length - HASH_BYTES;
  bytes.set(sha256(bytes.subarray(0, hashAt)), hashAt);
  return bytes;
}

/** The bytes by which a frame of a segment begins. */
export function frameMark(nonce: Bytes): Buffer {
  return Buffer.concat([MAGIC, nonce]);
}

/** Reads a frame's header at `at`. Undefined when no frame with this mark stands there or it would leave the segment. */
export function parseFrame(bytes: Buffer, at: number, mark: Buffer): Frame | undefined {
  if (at + FRAME_HEADER_BYTES + HASH_BYTES > bytes.length) return undefined;
  if (bytes.compare(mark, 0, mark.length, at, at + mark.length) !== 0) return undefined;
  const firstIndex = Number(bytes.readBigUInt64BE(at + 20));
  const count = bytes.readUInt32BE(at + 28);
  const entriesAt = at + FRAME_HEADER_BYTES;
  const entriesEnd = entriesAt + bytes.readUInt32BE(at + 32);
  const end = entriesEnd + HASH_BYTES;
  if (end > bytes.length || count === 0 || !Number.isSafeInteger(firstIndex + count)) return undefined;
  return { at, end, firstIndex, count, entriesAt, entriesEnd };
}

/** Whether the frame's hash is right and its entries fill it exactly. */
export function frameHolds(bytes: Buffer, frame: Frame): boolean {
  if (!equalBytes(sha256(bytes.subarray(frame.at, frame.entriesEnd)), bytes.subarray(frame.entriesEnd, frame.end))) return false;
  let at = frame.entriesAt;
  let count = 0;
  while (at + 2 <= frame.entriesEnd) {
    at += 2 + bytes.readUInt16BE(at);
    count++;
  }
  return at === frame.entriesEnd && count === frame.count;
}

/** The entries of a frame that holds, sharing the segment's memory. */
export function* frameEntries(bytes: Buffer, frame: Frame): Generator<Buffer> {
  for (let at = frame.entriesAt; at < frame.entriesEnd;) {
    const end = at + 2 + bytes.readUInt16BE(at);
    yield bytes.subarray(at + 2, end);
    at = end;
  }
}
