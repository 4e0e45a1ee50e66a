import type { Bytes } from "#core";

const SHORT_COPY_BYTES = 48; // below this a loop beats making a view

/** A growing buffer that writes the primitive values of the binary format (core specification 5.2). */
export class Output {
  #bytes: Uint8Array<ArrayBuffer>;
  length = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(Math.max(capacity, 64));
  }

  /** A view of what has been written; it stays valid until the next write. */
  get written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.length);
  }

  #reserve(length: number): void {
    const needed = this.length + length;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, Math.ceil(this.#bytes.length * 1.5)));
    grown.set(this.written);
    this.#bytes = grown;
  }

  u8(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.length++] = byte;
  }

  all(...bytes: readonly number[]): void {
    for (const byte of bytes) this.u8(byte);
  }

  u32(value: number): void {
    this.#reserve(5);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.length++] = rest;
  }

  /** Signed LEB128 of up to 64 bits. */
  s64(value: number | bigint): void {
    this.#reserve(10);
    if (typeof value === "number" && value >= 0 && value < 0x4000_0000) return this.#shortS64(value);
    let rest = BigInt(value);
    for (;;) {
      const byte = Number(rest & 0x7fn);
      rest >>= 7n;
      const last = rest === ((byte & 0x40) === 0 ? 0n : -1n);
      this.#bytes[this.length++] = last ? byte : byte | 0x80;
      if (last) return;
    }
  }

  #shortS64(value: number): void {
    let rest = value;
    while (rest >= 0x40) {
      this.#bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.length++] = rest;
  }

  /** Leaves five bytes for a size that is not known yet, to be given to {@link patchSize}. */
  reserveSize(): number {
    this.#reserve(5);
    this.length += 5;
    return this.length;
  }

  /** Writes the number of bytes since `start` into the five bytes before it. */
  patchSize(start: number): void {
    let rest = this.length - start;
    for (let i = 5; i > 1; i--) {
      this.#bytes[start - i] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[start - 1] = rest;
  }

  copy(source: Bytes, from: number, to: number): void {
    const length = to - from;
    this.#reserve(length);
    if (length > SHORT_COPY_BYTES) this.#bytes.set(source.subarray(from, to), this.length);
    else for (let i = 0; i < length; i++) this.#bytes[this.length + i] = source[from + i] as number;
    this.length += length;
  }

  text(text: Bytes): void {
    this.u32(text.length);
    this.copy(text, 0, text.length);
  }
}
