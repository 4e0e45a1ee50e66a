import type { Bytes } from "#core";

const LENGTH_BYTES = 4;
const EMPTY = new Uint8Array(0);

/**
 * Cuts a stream of bytes into frames: four bytes of length, little-endian, and as many bytes of message. The bound is that of
 * the answer that is being waited for, so a sandbox cannot make the worker keep more than that: what is incomplete is kept in one
 * buffer of at most twice its length, because a chunk of one byte costs its reader a hundred.
 */
export class FrameSplitter {
  #kept = EMPTY;
  #length = 0;

  /** Bytes of a frame that has not ended. */
  get pending(): number {
    return this.#length;
  }

  /** The messages that are complete now; undefined when a frame is longer than `messageBytesMax`. */
  push(chunk: Bytes, messageBytesMax: number): readonly Bytes[] | undefined {
    const all = this.#length === 0 ? chunk : this.#keep(chunk);
    const messages: Bytes[] = [];
    let at = 0;
    while (all.length - at >= LENGTH_BYTES) {
      const size = new DataView(all.buffer, all.byteOffset + at, LENGTH_BYTES).getUint32(0, true);
      if (size > messageBytesMax) return undefined;
      if (all.length - at < LENGTH_BYTES + size) break;
      messages.push(all.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + size));
      at += LENGTH_BYTES + size;
    }
    if (at > 0 || all === chunk) {
      // The messages are views of what was kept: what is left over gets a buffer of its own.
      this.#kept = EMPTY;
      this.#length = 0;
      if (at < all.length) this.#keep(all.subarray(at));
    }
    return messages;
  }

  /** Puts a copy of `chunk` behind what is kept, and returns all of it. */
  #keep(chunk: Bytes): Bytes {
    const needed = this.#length + chunk.length;
    if (needed > this.#kept.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#kept.length));
      grown.set(this.#kept.subarray(0, this.#length));
      this.#kept = grown;
    }
    this.#kept.set(chunk, this.#length);
    this.#length = needed;
    return this.#kept.subarray(0, needed);
  }
}
