import { type Bytes, concatBytes, utf8 } from "#core";

const ONE_PIECE_BYTES_MAX = 65_536; // above this, copying costs more than a second write
const SMALL_BYTES_MAX = 256; // what is copied at once instead of being kept as it is
const LENGTH_BYTES = 4;
const LENT_BYTES = 4096;
const OWN_BYTES = 512;

// Most messages are small, and are written one at a time: a buffer of its own would cost each more than its fields.
let lendable: Uint8Array<ArrayBuffer> | undefined = new Uint8Array(LENT_BYTES);

/** Writes the fields of a message; the counterpart of {@link WireReader}. Large byte strings are kept as they are until the end. */
export class WireWriter {
  readonly #parts: Bytes[] = [];
  #buffer: Uint8Array<ArrayBuffer>;
  readonly #first: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #from = LENGTH_BYTES;
  #at = LENGTH_BYTES;
  #length = 0;
  /** The buffer that it was lent and gives back; undefined when that was somebody else's turn. */
  readonly #lent = lendable;

  constructor() {
    lendable = undefined;
    this.#buffer = this.#lent ?? new Uint8Array(OWN_BYTES);
    this.#first = this.#buffer;
    this.#view = new DataView(this.#buffer.buffer);
  }

  #take(length: number): number {
    if (this.#at + length > this.#buffer.length) {
      this.#flush();
      this.#buffer = new Uint8Array(Math.max(OWN_BYTES, length));
      this.#view = new DataView(this.#buffer.buffer);
      this.#from = 0;
      this.#at = 0;
    }
    const at = this.#at;
    this.#at += length;
    this.#length += length;
    return at;
  }

  #flush(): void {
    if (this.#at > this.#from) this.#parts.push(this.#buffer.subarray(this.#from, this.#at));
    this.#from = this.#at;
  }

  u8(value: number): void {
    const at = this.#take(1); // first, because it may renew the view
    this.#view.setUint8(at, value);
  }

  flag(value: boolean): void {
    this.u8(value ? 1 : 0);
  }

  u32(value: number): void {
    const at = this.#take(4); // first, because it may renew the view
    this.#view.setUint32(at, value, true);
  }

  integer(value: number): void {
    const at = this.#take(8); // first, because it may renew the view
    this.#view.setFloat64(at, value, true);
  }

  bytes(bytes: Bytes): void {
    this.u32(bytes.length);
    if (bytes.length <= SMALL_BYTES_MAX) {
      const at = this.#take(bytes.length); // first, because it may renew the buffer
      this.#buffer.set(bytes, at);
    } else {
      this.#flush();
      this.#parts.push(bytes);
      this.#length += bytes.length;
    }
  }

  text(text: string): void {
    if (text.length > SMALL_BYTES_MAX || !this.#ascii(text)) this.bytes(utf8(text));
  }

  /** Most texts are short and of one byte for each letter; the encoder costs more than the loop. */
  #ascii(text: string): boolean {
    for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return false;
    this.u32(text.length);
    const at = this.#take(text.length);
    for (let i = 0; i < text.length; i++) this.#buffer[at + i] = text.charCodeAt(i);
    return true;
  }

  texts(texts: readonly string[]): void {
    this.u32(texts.length);
    for (const text of texts) this.text(text);
  }

  /** The message with its length in four bytes (little-endian) in front: in one piece when it is small, so that it takes one write. */
  frame(): readonly Bytes[] {
    const inOne = this.#parts.length === 0 && this.#buffer === this.#first;
    const length = inOne ? this.#first.subarray(0, LENGTH_BYTES) : new Uint8Array(LENGTH_BYTES);
    new DataView(length.buffer).setUint32(0, this.#length, true);
    if (inOne) {
      const frame = this.#first.slice(0, this.#at);
      lendable = this.#lent ?? lendable;
      return [frame];
    }
    this.#flush();
    const parts = [length, ...this.#parts];
    if (this.#length > ONE_PIECE_BYTES_MAX) {
      lendable ??= new Uint8Array(LENT_BYTES); // a part of the frame may be what was lent
      return parts;
    }
    lendable = this.#lent ?? lendable;
    return [concatBytes(parts)];
  }
}
