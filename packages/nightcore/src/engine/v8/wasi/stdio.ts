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

/** Waits for the next piece of the input, and returns it; an empty one is the end. */
export type AskInput = () => Bytes;

/** Standard input of a run: bytes that are there from the beginning, and where more comes, what is waited for. */
export class Input {
  #bytes: Bytes;
  #at = 0;
  #ask: AskInput | undefined;

  constructor(bytes: Bytes, ask?: AskInput) {
    this.#bytes = bytes;
    this.#ask = ask;
  }

  /** What can be read without waiting. */
  get leftBytes(): number {
    return this.#bytes.length - this.#at;
  }

  /** Fills the buffers with what is there, and waits only when that is nothing: like a pipe, it returns less than would fit. */
  read(buffers: readonly Uint8Array[]): number {
    if (this.leftBytes === 0 && buffers.some(({ length }) => length > 0)) this.#fill();
    let done = 0;
    for (const buffer of buffers) {
      const length = Math.min(buffer.length, this.leftBytes);
      buffer.set(this.#bytes.subarray(this.#at, this.#at + length));
      this.#at += length;
      done += length;
    }
    return done;
  }

  #fill(): void {
    if (this.#ask === undefined) return;
    this.#bytes = this.#ask();
    this.#at = 0;
    if (this.#bytes.length === 0) this.#ask = undefined;
  }
}
