import { closeSync, constants, fstatSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from "node:fs";
import { type Bytes, encodeHex } from "#core";

const HEADER_BYTES = 36;
const CHUNK_BYTES = 1024 * 1024; // LIMIT: what is read at once when the pack is looked through

type Place = { readonly offset: number; readonly length: number };

/**
 * Many small blobs in one file, since a file of its own for each costs a hundred times as much:
 * ```
 * (32 bytes SHA-256 | u32 big-endian length | bytes)*
 * ```
 * It only grows. A record that a crash has cut ends it, and is written over. INVARIANT: one process at a time appends, under
 * the lock of the ledger; readers see whole records, or bytes that do not have their digest. KNOWN: places are held in memory,
 * 150 bytes for each blob; a workspace with a million different small modules feels that.
 */
export class Pack {
  readonly #fd: number;
  readonly #places: Map<string, Place>;
  #end: number;

  private constructor(fd: number, places: Map<string, Place>, end: number) {
    this.#fd = fd;
    this.#places = places;
    this.#end = end;
  }

  /** Opens a pack and looks through it. To read, it has to be there; undefined when it is not. */
  static open(path: string, use: "read" | "append"): Pack | undefined {
    const flags = use === "append" ? constants.O_RDWR | constants.O_CREAT : constants.O_RDONLY;
    let fd: number;
    try {
      fd = openSync(path, flags, 0o600);
    } catch (error) {
      if (use === "read" && error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    }
    const { places, end } = lookThrough(fd);
    return new Pack(fd, places, end);
  }

  /** Whether somebody has appended since it was looked through. */
  get isBehind(): boolean {
    return fstatSync(this.#fd).size > this.#end;
  }

  has(digest: string): boolean {
    return this.#places.has(digest);
  }

  /** The bytes under a digest, as they are in the file; whether they have it is for the caller to check. */
  read(digest: string): Bytes | undefined {
    const place = this.#places.get(digest);
    if (place === undefined) return undefined;
    const bytes = new Uint8Array(place.length);
    return readWhole(this.#fd, bytes, place.offset) === bytes.length ? bytes : undefined;
  }

  append(digest: string, bytes: Bytes): void {
    const record = new Uint8Array(HEADER_BYTES + bytes.length);
    record.set(Uint8Array.fromHex(digest));
    new DataView(record.buffer).setUint32(32, bytes.length);
    record.set(bytes, HEADER_BYTES);
    // What a failure leaves is not counted, and the next record is written over it.
    for (let done = 0; done < record.length;) done += writeSync(this.#fd, record, done, record.length - done, this.#end + done);
    this.#places.set(digest, { offset: this.#end + HEADER_BYTES, length: bytes.length });
    this.#end += record.length;
  }

  /** Every digest that it holds. */
  get digests(): readonly string[] {
    return [...this.#places.keys()];
  }

  flush(): void {
    fsyncSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/**
 * Writes the pack again without some blobs, aside, and puts it in the place of the old one: whoever reads meanwhile sees one
 * of the two, and dying in between leaves the old one. Nothing is written when it holds none of them.
 */
export function rewritePack(path: string, without: ReadonlySet<string>): { readonly blobs: number; readonly bytes: number } {
  const before = Pack.open(path, "read");
  if (before === undefined) return { blobs: 0, bytes: 0 };
  try {
    const gone = before.digests.filter((digest) => without.has(digest));
    if (gone.length === 0) return { blobs: 0, bytes: 0 };
    const aside = `${path}.next`;
    rmSync(aside, { force: true });
    const after = Pack.open(aside, "append");
    if (after === undefined) throw new Error("bug: a pack that is opened to append is made");
    try {
      for (const digest of before.digests) {
        const bytes = without.has(digest) ? undefined : before.read(digest);
        if (bytes !== undefined) after.append(digest, bytes);
      }
      after.flush();
    } finally {
      after.close();
    }
    const bytes = gone.reduce((sum, digest) => sum + (before.read(digest)?.length ?? 0), 0);
    renameSync(aside, path);
    return { blobs: gone.length, bytes };
  } finally {
    before.close();
  }
}

/** Hops from header to header, reading in large pieces; bytes of blobs are looked at only where they come along. */
function lookThrough(fd: number): { places: Map<string, Place>; end: number } {
  const { size } = fstatSync(fd);
  const places = new Map<string, Place>();
  const chunk = new Uint8Array(Math.min(CHUNK_BYTES, size));
  const view = new DataView(chunk.buffer);
  let chunkAt = 0;
  let chunkLength = 0;
  let end = 0;
  while (end + HEADER_BYTES <= size) {
    if (end < chunkAt || end + HEADER_BYTES > chunkAt + chunkLength) {
      chunkAt = end;
      chunkLength = readWhole(fd, chunk, chunkAt);
      if (chunkLength < HEADER_BYTES) break;
    }
    const at = end - chunkAt;
    const length = view.getUint32(at + 32);
    if (end + HEADER_BYTES + length > size) break;
    places.set(encodeHex(chunk.subarray(at, at + 32)), { offset: end + HEADER_BYTES, length });
    end += HEADER_BYTES + length;
  }
  return { places, end };
}

function readWhole(fd: number, target: Uint8Array, offset: number): number {
  let length = 0;
  while (length < target.length) {
    const read = readSync(fd, target, length, target.length - length, offset + length);
    if (read === 0) break;
    length += read;
  }
  return length;
}
