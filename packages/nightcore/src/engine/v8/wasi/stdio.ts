import type { Bytes } from "#core";

/** Bytes that one stream has been given so far. */
class Stream {
  #bytes = new Uint8Array(1024);
  #length = 0;

  append(bytes: Bytes): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
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
  readonly stdout = new Stream();
  readonly stderr = new Stream();
  readonly #bytesMax: number;
  #used = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get usedBytes(): number {
    return this.#used;
  }

  /** Keeps what fits and says whether that was all of it. */
  write(stream: "stdout" | "stderr", bytes: Bytes): boolean {
    const length = Math.min(bytes.length, this.#bytesMax - this.#used);
    this[stream].append(bytes.subarray(0, length));
    this.#used += length;
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
