import type { Bytes } from "#core";
import type { WasmMemory } from "../web-assembly.ts";
import { ERRNO, refuse } from "./errno.ts";

const IOVECS_MAX = 1024; // LIMIT: IOV_MAX of every system that guests come from
const IOVEC_BYTES_MAX = 0x7fff_ffff; // LIMIT: the largest count that fits the guest's signed size

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The guest's linear memory as the host sees it. Every access is checked against the memory's present size.
 *
 * INVARIANT: pointers and lengths are made unsigned first and then added as doubles, which are exact far beyond 2^33, so no sum
 * and no product can wrap as it would in 32 bits.
 */
export class GuestMemory {
  readonly #memory: WasmMemory;
  #view: DataView<ArrayBuffer>;
  #bytes: Uint8Array<ArrayBuffer>;

  constructor(memory: WasmMemory) {
    this.#memory = memory;
    this.#view = new DataView(memory.buffer);
    this.#bytes = new Uint8Array(memory.buffer);
  }

  /** The offset, once `length` bytes from there are known to be inside. Growing detaches the old buffer, so views are renewed. */
  #at(pointer: number, length: number): number {
    if (this.#bytes.length === 0 || this.#bytes.buffer !== this.#memory.buffer) {
      this.#view = new DataView(this.#memory.buffer);
      this.#bytes = new Uint8Array(this.#memory.buffer);
    }
    const offset = pointer >>> 0;
    if (offset + length > this.#bytes.length) refuse(ERRNO.fault);
    return offset;
  }

  /** Refuses with EFAULT unless `length` bytes are there; done for every result pointer before a call has effects. */
  check(pointer: number, length: number): void {
    this.#at(pointer, length);
  }

  /** A view that is valid until the guest runs again. */
  slice(pointer: number, length: number): Uint8Array<ArrayBuffer> {
    const size = length >>> 0;
    const offset = this.#at(pointer, size);
    return this.#bytes.subarray(offset, offset + size);
  }

  getU8(pointer: number): number {
    const at = this.#at(pointer, 1); // first, because it may renew the view
    return this.#view.getUint8(at);
  }

  getU16(pointer: number): number {
    const at = this.#at(pointer, 2); // first, because it may renew the view
    return this.#view.getUint16(at, true);
  }

  getU32(pointer: number): number {
    const at = this.#at(pointer, 4); // first, because it may renew the view
    return this.#view.getUint32(at, true);
  }

  getU64(pointer: number): bigint {
    const at = this.#at(pointer, 8); // first, because it may renew the view
    return this.#view.getBigUint64(at, true);
  }

  setU8(pointer: number, value: number): void {
    const at = this.#at(pointer, 1);
    this.#view.setUint8(at, value);
  }

  setU16(pointer: number, value: number): void {
    const at = this.#at(pointer, 2);
    this.#view.setUint16(at, value, true);
  }

  setU32(pointer: number, value: number): void {
    const at = this.#at(pointer, 4);
    this.#view.setUint32(at, value, true);
  }

  setU64(pointer: number, value: bigint): void {
    const at = this.#at(pointer, 8);
    this.#view.setBigUint64(at, value, true);
  }

  setBytes(pointer: number, bytes: Bytes): void {
    const at = this.#at(pointer, bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Strict UTF-8, as preview 1 demands of every path; EILSEQ otherwise, EINVAL for a NUL inside. */
  text(pointer: number, length: number): string {
    const bytes = this.slice(pointer, length);
    if (bytes.includes(0)) refuse(ERRNO.inval);
    try {
      return decoder.decode(bytes);
    } catch {
      return refuse(ERRNO.ilseq);
    }
  }

  /** Views of the buffers that an array of `iovec` or `ciovec` names (8 bytes each: pointer and length). */
  iovecs(pointer: number, count: number): readonly Uint8Array<ArrayBuffer>[] {
    const length = count >>> 0;
    const array = this.#at(pointer, length * 8);
    if (length > IOVECS_MAX) refuse(ERRNO.inval);
    const buffers: Uint8Array<ArrayBuffer>[] = [];
    let total = 0;
    for (let i = 0; i < length; i++) {
      const buffer = this.slice(this.#view.getUint32(array + i * 8, true), this.#view.getUint32(array + i * 8 + 4, true));
      total += buffer.length;
      buffers.push(buffer);
    }
    if (total > IOVEC_BYTES_MAX) refuse(ERRNO.inval);
    return buffers;
  }
}
