import { readSync, writeSync } from "node:fs";
import type { Bytes } from "#core";

const CHANNEL_FD = 3;
const LENGTH_BYTES = 4;
const CHUNK_BYTES = 65_536; // what one read takes; most jobs are shorter

const chunk = new Uint8Array(CHUNK_BYTES);
let chunkStart = 0;
let chunkEnd = 0;

/** Waits for a whole frame and returns its message, or undefined when the worker is gone. No event loop: one thing at a time. */
export function receiveMessage(messageBytesMax: number): Bytes | undefined {
  const head = receive(LENGTH_BYTES);
  if (head === undefined) return undefined;
  const length = new DataView(head.buffer, head.byteOffset, LENGTH_BYTES).getUint32(0, true);
  return length > messageBytesMax ? undefined : receive(length);
}

/** Takes what has been read ahead first; the rest of a long message is read straight to where it belongs. */
function receive(length: number): Uint8Array | undefined {
  const bytes = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    if (chunkStart === chunkEnd && length - at >= CHUNK_BYTES) {
      const count = readSync(CHANNEL_FD, bytes, at, length - at, null);
      if (count === 0) return undefined;
      at += count;
      continue;
    }
    if (chunkStart === chunkEnd) {
      chunkStart = 0;
      chunkEnd = readSync(CHANNEL_FD, chunk, 0, CHUNK_BYTES, null);
      if (chunkEnd === 0) return undefined;
    }
    const count = Math.min(length - at, chunkEnd - chunkStart);
    bytes.set(chunk.subarray(chunkStart, chunkStart + count), at);
    chunkStart += count;
    at += count;
  }
  return bytes;
}

/** Writes a frame to its last byte. Throws when the worker is gone, which ends the process. */
export function sendFrame(parts: readonly Bytes[]): void {
  for (const part of parts) {
    let at = 0;
    while (at < part.length) at += writeSync(CHANNEL_FD, part, at, part.length - at);
  }
}
