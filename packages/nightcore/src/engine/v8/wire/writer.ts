import { type Bytes, concatBytes, utf8 } from "#core";

const ONE_PIECE_BYTES_MAX = 65_536; // above this, copying costs more than a second write

/** Writes the fields of a message; the counterpart of {@link WireReader}. Large byte strings are kept as they are until the end. */
export class WireWriter {
  readonly #parts: Bytes[] = [];
  #buffer = new Uint8Array(512);
  #view = new DataView(this.#buffer.buffer);
  #from = 0;
  #at = 0;
  #length = 0;

  #take(length: number): number {
    if (this.#at + length > this.#buffer.length) {
      this.#flush();
      this.#buffer = new Uint8Array(Math.max(512, length));
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
    if (bytes.length <= 256) {
      const at = this.#take(bytes.length); // first, because it may renew the buffer
      this.#buffer.set(bytes, at);
    } else {
      this.#flush();
      this.#parts.push(bytes);
      this.#length += bytes.length;
    }
  }

  text(text: string): void {
    this.bytes(utf8(text));
  }

  texts(texts: readonly string[]): void {
    this.u32(texts.length);
    for (const text of texts) this.text(text);
  }

  /** The message with its length in four bytes (little-endian) in front: in one piece when it is small, so that it takes one write. */
  frame(): readonly Bytes[] {
    this.#flush();
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, this.#length, true);
    const parts = [length, ...this.#parts];
    return this.#length > ONE_PIECE_BYTES_MAX ? parts : [concatBytes(parts)];
  }
}
