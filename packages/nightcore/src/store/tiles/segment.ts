import { type Bytes, equalBytes } from "#core";
import { sha256 } from "#store/keys";
import { type Frame, frameHolds, frameMark, NONCE_BYTES, parseFrame } from "./frame.ts";

/**
 * A segment is a preallocated file: a header, then frames one after the other, then whatever was there before.
 *
 *   "NCSEGv1\n" | number u64 | file length u64 | nonce 16 | SHA-256 of all before | zeros to byte 128 | frames
 *
 * The header is durable before the first frame is written. It states the file's length, so a cut file is seen even where
 * no frame stood.
 */
export const FRAMES_AT = 128;
/** LIMIT: small enough to read whole at every opening (about a millisecond), large enough to change rarely. */
export const SEGMENT_BYTES = 4 * 1024 * 1024;
/** The number of a segment that holds nothing of the log any more. Segments in use count from 1. */
export const FREE_NUMBER = 0;
const MAGIC = Buffer.from("NCSEGv1\n", "latin1");
const HEADER_BYTES = 8 + 8 + 8 + NONCE_BYTES;

/** The first bytes of a segment: its place in the order of segments, its length, its nonce. */
export type SegmentHeader = { readonly number: number; readonly length: number; readonly nonce: Bytes };

/** The header with its own hash, padded to where frames begin. */
export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(FRAMES_AT);
  bytes.set(MAGIC, 0);
  bytes.writeBigUInt64BE(BigInt(header.number), 8);
  bytes.writeBigUInt64BE(BigInt(header.length), 16);
  bytes.set(header.nonce, 24);
  bytes.set(sha256(bytes.subarray(0, HEADER_BYTES)), HEADER_BYTES);
  return bytes;
}

/** Undefined when the header is torn or damaged. */
export function parseSegmentHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < FRAMES_AT) return undefined;
  const header = {
    number: Number(bytes.readBigUInt64BE(8)),
    length: Number(bytes.readBigUInt64BE(16)),
    nonce: bytes.subarray(24, HEADER_BYTES),
  };
  const sound = Number.isSafeInteger(header.number) && Number.isSafeInteger(header.length);
  return sound && equalBytes(encodeSegmentHeader(header), bytes.subarray(0, FRAMES_AT)) ? header : undefined;
}

/**
 * What a segment holds. `tornBytes`: an unfinished frame at `end`, which was never acknowledged. `damagedAt`: the offset of a
 * frame that is bad although a later one is good, so it was durable once.
 */
export type SegmentScan = {
  readonly frames: readonly Frame[];
  readonly end: number;
  readonly tornBytes: number;
  readonly damagedAt: number | undefined;
};

/**
 * Walks the frames of a segment. Those that end at or below `trustedSize` entries are walked over without hashing: bundles
 * hold their entries already. Pass 0 to check every one.
 */
export function scanSegment(bytes: Buffer, nonce: Bytes, trustedSize: number): SegmentScan {
  const mark = frameMark(nonce);
  const frames: Frame[] = [];
  let at = FRAMES_AT;
  for (;;) {
    const frame = parseFrame(bytes, at, mark);
    const previous = frames.at(-1);
    const follows = frame !== undefined && (previous === undefined || frame.firstIndex === previous.firstIndex + previous.count);
    const trusted = follows && frame.firstIndex + frame.count <= trustedSize;
    if (!follows || !(trusted || frameHolds(bytes, frame))) break;
    frames.push(frame);
    at = frame.end;
  }
  if (hasLaterFrame(bytes, at, mark)) return { frames, end: at, tornBytes: 0, damagedAt: at };
  const begun = bytes.length >= at + mark.length && bytes.compare(mark, 0, mark.length, at, at + mark.length) === 0;
  return { frames, end: at, tornBytes: begun ? tornLength(bytes, at) : 0, damagedAt: undefined };
}

function hasLaterFrame(bytes: Buffer, from: number, mark: Buffer): boolean {
  for (let at = bytes.indexOf(mark, from); at >= 0; at = bytes.indexOf(mark, at + 1)) {
    const frame = parseFrame(bytes, at, mark);
    if (frame !== undefined && frameHolds(bytes, frame)) return true;
  }
  return false;
}

/** Bytes of an unfinished frame: what it says of itself, within the segment. */
function tornLength(bytes: Buffer, at: number): number {
  const said = at + 36 <= bytes.length ? 36 + bytes.readUInt32BE(at + 32) + 32 : 36;
  return Math.min(said, bytes.length - at);
}

/** Whether any frame of whatever nonce in these bytes holds and reaches beyond `size`: a damaged header must not hide one. */
export function hasFrameBeyond(bytes: Buffer, size: number): boolean {
  const magic = Buffer.from("NCFR", "latin1");
  for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 1)) {
    const frame = parseFrame(bytes, at, bytes.subarray(at, at + 4 + NONCE_BYTES));
    if (frame !== undefined && frame.firstIndex + frame.count > size && frameHolds(bytes, frame)) return true;
  }
  return false;
}
