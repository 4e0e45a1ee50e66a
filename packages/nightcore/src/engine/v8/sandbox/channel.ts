import { readSync, writeSync } from "node:fs";
import type { Bytes } from "#core";

const CHANNEL_FD = 3;
const LENGTH_BYTES = 4;
const CHUNK_BYTES = 65_536; // what one read takes; most jobs are shorter

let chunk = new Uint8Array(CHUNK_BYTES);
let view = new DataView(chunk.buffer);
let chunkStart = 0;
let chunkEnd = 0;

/**
 * Waits for a whole frame and returns its message, or undefined when the worker is gone. No event loop: one thing at a time. The
 * message is a view that the next one writes over, unless that is received with `keepsLast`.
 */
export function receiveMessage(messageBytesMax: number, { keepsLast = false } = {}): Bytes | undefined {
  if (keepsLast) moveOn();
  const at = receive(LENGTH_BYTES);
  if (at === undefined) return undefined;
  const length = view.getUint32(at, true);
  if (length > messageBytesMax) return undefined;
  if (length > CHUNK_BYTES) return receiveLong(length);
  const from = receive(length);
  return from === undefined ? undefined : chunk.subarray(from, from + length);
}

/** Has `length` bytes in one piece in the chunk, and returns where they begin. */
function receive(length: number): number | undefined {
  if (chunkStart + length > CHUNK_BYTES || chunkStart === chunkEnd) {
    chunk.copyWithin(0, chunkStart, chunkEnd);
    chunkEnd -= chunkStart;
    chunkStart = 0;
  }
  while (chunkEnd - chunkStart < length) {
    const count = readSync(CHANNEL_FD, chunk, chunkEnd, CHUNK_BYTES - chunkEnd, null);
    if (count === 0) return undefined;
    chunkEnd += count;
  }
  chunkStart += length;
  return chunkStart - length;
}

/** A message of its own memory: what has been read ahead first, the rest straight to where it belongs. */
function receiveLong(length: number): Bytes | undefined {
  const bytes = new Uint8Array(length);
  bytes.set(chunk.subarray(chunkStart, chunkEnd));
  let at = chunkEnd - chunkStart;
  chunkStart = chunkEnd;
  while (at < length) {
    const count = readSync(CHANNEL_FD, bytes, at, length - at, null);
    if (count === 0) return undefined;
    at += count;
  }
  return bytes;
}

/** Leaves the chunk to those who have views of it. */
function moveOn(): void {
  const left = chunk.subarray(chunkStart, chunkEnd);
  chunk = new Uint8Array(CHUNK_BYTES);
  view = new DataView(chunk.buffer);
  chunk.set(left);
  chunkStart = 0;
  chunkEnd = left.length;
}

/** Writes a frame to its last byte. Throws when the worker is gone, which ends the process. */
export function sendFrame(parts: readonly Bytes[]): void {
  for (const part of parts) {
    let at = 0;
    while (at < part.length) at += writeSync(CHANNEL_FD, part, at, part.length - at);
  }
}
