import type { Bytes } from "#core";
import type { WasmMemory } from "../web-assembly.ts";
import type { CallRecorder } from "./call-recorder.ts";
import { ERRNO, refuse } from "./errno.ts";

const IOVECS_MAX = 1024; // LIMIT: IOV_MAX of every system that guests come from
const IOVEC_BYTES_MAX = 0x7fff_ffff; // LIMIT: the largest count that fits the guest's signed size

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The guest's linear memory as the host sees it. Every access is checked against the memory's present size, and what is read or
 * put goes into the digest of the call; of a slice, what {@link GuestMemory.note} is told of.
 *
 * INVARIANT: pointers and lengths are made unsigned first and then added as doubles, which are exact far beyond 2^33, so no sum
 * and no product can wrap as it would in 32 bits.
 */
export class GuestMemory {
  readonly #memory: WasmMemory;
  #view: DataView<ArrayBuffer>;
  #bytes: Uint8Array<ArrayBuffer>;
  readonly #calls: CallRecorder;

  constructor(memory: WasmMemory, calls: CallRecorder) {
    this.#memory = memory;
    this.#calls = calls;
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

  /** What a call has read from a slice of this memory, or put there. */
  note(part: Uint8Array<ArrayBuffer>): void {
    this.#calls.absorbBytes(this.#view, part.byteOffset, part.length);
  }

  getU8(pointer: number): number {
    const at = this.#at(pointer, 1); // first, because it may renew the view
    const value = this.#view.getUint8(at);
    this.#calls.absorb(value);
    return value;
  }

  getU16(pointer: number): number {
    const at = this.#at(pointer, 2); // first, because it may renew the view
    const value = this.#view.getUint16(at, true);
    this.#calls.absorb(value);
    return value;
  }

  getU32(pointer: number): number {
    const at = this.#at(pointer, 4); // first, because it may renew the view
    const value = this.#view.getUint32(at, true);
    this.#calls.absorb(value);
    return value;
  }

  getU64(pointer: number): bigint {
    const at = this.#at(pointer, 8); // first, because it may renew the view
    this.#calls.absorbBytes(this.#view, at, 8);
    return this.#view.getBigUint64(at, true);
  }

  setU8(pointer: number, value: number): void {
    const at = this.#at(pointer, 1);
    this.#view.setUint8(at, value);
    this.#calls.absorb(value);
  }

  setU16(pointer: number, value: number): void {
    const at = this.#at(pointer, 2);
    this.#view.setUint16(at, value, true);
    this.#calls.absorb(value);
  }

  setU32(pointer: number, value: number): void {
    const at = this.#at(pointer, 4);
    this.#view.setUint32(at, value, true);
    this.#calls.absorb(value);
  }

  setU64(pointer: number, value: bigint): void {
    const at = this.#at(pointer, 8);
    this.#view.setBigUint64(at, value, true);
    this.#calls.absorbBytes(this.#view, at, 8);
  }

  setBytes(pointer: number, bytes: Bytes): void {
    const at = this.#at(pointer, bytes.length);
    this.#bytes.set(bytes, at);
    this.#calls.absorbBytes(this.#view, at, bytes.length);
  }

  /** Strict UTF-8, as preview 1 demands of every path; EILSEQ otherwise, EINVAL for a NUL inside. */
  text(pointer: number, length: number): string {
    const bytes = this.slice(pointer, length);
    this.note(bytes);
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
      const buffer = this.slice(this.getU32(array + i * 8), this.getU32(array + i * 8 + 4));
      total += buffer.length;
      buffers.push(buffer);
    }
    if (total > IOVEC_BYTES_MAX) refuse(ERRNO.inval);
    return buffers;
  }
}
