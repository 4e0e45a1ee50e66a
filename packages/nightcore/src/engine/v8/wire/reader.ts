import { type Bytes, parseUtf8 } from "#core";

/** What a reader throws when the bytes are not what they must be. */
export class WireError extends Error {}

/**
 * Reads the fields of a message (docs: wire/message.ts draws it). Every length is checked against what is there and against a
 * bound before anything is allocated; what is left over at the end is an error.
 */
export class WireReader {
  readonly #bytes: Bytes;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  #take(length: number): number {
    if (length > this.#bytes.length - this.#at) throw new WireError("the message is too short");
    const at = this.#at;
    this.#at += length;
    return at;
  }

  u8(max = 0xff): number {
    const value = this.#view.getUint8(this.#take(1));
    if (value > max) throw new WireError("a number is too large");
    return value;
  }

  flag(): boolean {
    return this.u8(1) === 1;
  }

  u32(max = 0xffff_ffff): number {
    const value = this.#view.getUint32(this.#take(4), true);
    if (value > max) throw new WireError("a number is too large");
    return value;
  }

  /** A non-negative integer that a double holds exactly. */
  integer(max: number): number {
    const value = this.#view.getFloat64(this.#take(8), true);
    if (!Number.isSafeInteger(value) || value < 0 || value > max || Object.is(value, -0))
      throw new WireError("not a number in bounds");
    return value;
  }

  /** A view into the message. */
  bytes(max: number): Bytes {
    const length = this.u32(max);
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  text(max: number): string {
    const text = parseUtf8(this.bytes(max));
    if (!text.ok) throw new WireError("text is not UTF-8");
    return text.value;
  }

  texts(countMax: number, bytesMax: number): string[] {
    const count = this.u32(countMax);
    const texts: string[] = [];
    for (let i = 0; i < count; i++) texts.push(this.text(bytesMax));
    return texts;
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new WireError("the message is too long");
  }
}
