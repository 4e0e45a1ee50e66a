import { type Bytes, concatBytes } from "#core";

const LENGTH_BYTES = 4;

/**
 * Cuts a stream of bytes into frames: four bytes of length, little-endian, and as many bytes of message. The bound is that of
 * the answer that is being waited for, so a sandbox cannot make the worker keep more than that.
 */
export class FrameSplitter {
  #parts: Bytes[] = [];
  #length = 0;

  /** Bytes of a frame that has not ended. */
  get pending(): number {
    return this.#length;
  }

  /** The messages that are complete now; undefined when a frame is longer than `messageBytesMax`. */
  push(chunk: Bytes, messageBytesMax: number): readonly Bytes[] | undefined {
    this.#parts.push(chunk);
    this.#length += chunk.length;
    const messages: Bytes[] = [];
    while (this.#length >= LENGTH_BYTES) {
      const size = this.#peekSize();
      if (size > messageBytesMax) return undefined;
      if (this.#length < LENGTH_BYTES + size) break;
      const all = this.#parts.length === 1 ? (this.#parts[0] as Bytes) : concatBytes(this.#parts);
      messages.push(all.subarray(LENGTH_BYTES, LENGTH_BYTES + size));
      const rest = all.subarray(LENGTH_BYTES + size);
      this.#parts = rest.length === 0 ? [] : [rest];
      this.#length = rest.length;
    }
    return messages;
  }

  #peekSize(): number {
    const first = this.#parts[0] as Bytes;
    if (first.length < LENGTH_BYTES) this.#parts = [concatBytes(this.#parts)];
    const head = this.#parts[0] as Bytes;
    return new DataView(head.buffer, head.byteOffset, LENGTH_BYTES).getUint32(0, true);
  }
}
