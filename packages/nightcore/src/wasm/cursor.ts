import { WasmRefusal } from "./fault.ts";
import type { UnsupportedFeature } from "./feature.ts";

const nameDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads the primitive values of the binary format (core specification 5.2) from a window of the file. Never reads outside
 * the window, and refuses by throwing a WasmRefusal, which does not leave this room.
 */
export class Cursor {
  readonly bytes: Uint8Array;
  at: number;
  end: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  malformed(what: string, offset: number = this.at): never {
    throw new WasmRefusal({ code: "wasm/malformed", offset, what });
  }

  unsupported(feature: UnsupportedFeature, offset: number): never {
    throw new WasmRefusal({ code: "wasm/unsupported", feature, offset });
  }

  u8(): number {
    if (this.at >= this.end) this.malformed("unexpected end");
    return this.bytes[this.at++] as number;
  }

  /** Unsigned LEB128 of 32 bits (5.2.2): at most five bytes, unused bits of the last one zero. */
  u32(): number {
    if (this.at < this.end) {
      const first = this.bytes[this.at] as number;
      if (first < 0x80) {
        this.at++;
        return first;
      }
    }
    return this.#longU32();
  }

  #longU32(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.u8();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    const last = this.u8();
    if (last > 0x0f) this.malformed("integer representation too long or too large", this.at - 1);
    return (value | (last << 28)) >>> 0;
  }

  /** Signed LEB128 of up to 33 bits, as block types use it (5.4.1). */
  s33(): number {
    let value = 0;
    for (let i = 0; i < 5; i++) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (i === 4) {
        // 33 bits: 28 from four bytes, five here, the fifth of which is the sign and fills the unused two
        const sign = byte & 0x70;
        if (byte >= 0x80 || (sign !== 0 && sign !== 0x70)) this.malformed("integer representation too long", this.at - 1);
        return sign === 0 ? value : value - 2 ** 35;
      }
      if (byte < 0x80) return (byte & 0x40) === 0 ? value : value - 2 ** (7 * (i + 1));
    }
    return this.malformed("integer representation too long");
  }

  /** Skips a signed LEB128 of 32 bits: five bytes at the most, the last one sign-extended. */
  skipS32(): void {
    for (let i = 0; i < 4; i++) if (this.u8() < 0x80) return;
    const last = this.u8();
    const sign = last & 0x78;
    if (last >= 0x80 || (sign !== 0 && sign !== 0x78))
      this.malformed("integer representation too long or too large", this.at - 1);
  }

  /** Skips a signed LEB128 of 64 bits: ten bytes at the most, the last one 0 or 0x7f. */
  skipS64(): void {
    for (let i = 0; i < 9; i++) if (this.u8() < 0x80) return;
    const last = this.u8();
    if (last !== 0 && last !== 0x7f) this.malformed("integer representation too long or too large", this.at - 1);
  }

  /** Skips an unsigned LEB128 of 64 bits, at most ten bytes, whose value fits into 32. */
  skipOffset(): void {
    const start = this.at;
    for (let i = 0; i < 10; i++) {
      const byte = this.u8();
      if (i >= 4 && (byte & (i === 4 ? 0x70 : 0x7f)) !== 0) this.malformed("an offset beyond 4 GiB", start);
      if (byte < 0x80) return;
    }
    this.malformed("integer representation too long", start);
  }

  skip(length: number): void {
    if (length > this.end - this.at) this.malformed("unexpected end");
    this.at += length;
  }

  /** A name (5.2.4): a length in bytes and strict UTF-8. */
  name(bytesMax: number): string {
    const length = this.u32();
    const start = this.at;
    if (length > bytesMax)
      throw new WasmRefusal({ code: "wasm/limit", what: "bytes in a name", count: length, countMax: bytesMax });
    this.skip(length);
    try {
      return nameDecoder.decode(this.bytes.subarray(start, this.at));
    } catch {
      return this.malformed("a name is not UTF-8", start);
    }
  }
}
