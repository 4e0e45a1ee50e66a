import type { Bytes } from "#core";
import type { PrintedStream } from "#ports";

/** Told after each write, with all that the stream has been given so far. */
export type TellWritten = (stream: PrintedStream, written: Bytes) => void;

const NOTHING = new Uint8Array(0);
const FIRST_BYTES = 1024;

/** Bytes that one stream has been given so far. Most runs give one of their two streams nothing. */
export class GrowingBytes {
  #bytes = NOTHING;
  #length = 0;

  append(bytes: Bytes): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2, FIRST_BYTES));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = needed;
  }

  get written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** Standard output and standard error of a run, which share one budget of bytes. */
export class Output {
  readonly stdout = new GrowingBytes();
  readonly stderr = new GrowingBytes();
  readonly #bytesMax: number;
  readonly #tell: TellWritten | undefined;
  #used = 0;

  constructor(bytesMax: number, tell?: TellWritten) {
    this.#bytesMax = bytesMax;
    this.#tell = tell;
  }

  get usedBytes(): number {
    return this.#used;
  }

  /** Keeps what fits and says whether that was all of it. */
  write(stream: PrintedStream, bytes: Bytes): boolean {
    const length = Math.min(bytes.length, this.#bytesMax - this.#used);
    this[stream].append(bytes.subarray(0, length));
    this.#used += length;
    this.#tell?.(stream, this[stream].written);
    return length === bytes.length;
  }
}

/** Standard input of a run: bytes that are there from the beginning, so that no read waits. */
export class Input {
  readonly #bytes: Bytes;
  #at = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  get leftBytes(): number {
    return this.#bytes.length - this.#at;
  }

  read(target: Uint8Array): number {
    const length = Math.min(target.length, this.leftBytes);
    target.set(this.#bytes.subarray(this.#at, this.#at + length));
    this.#at += length;
    return length;
  }
}
