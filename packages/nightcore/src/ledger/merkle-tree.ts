import { assert, type Bytes, type Sha256 } from "#core";

/** Length of a SHA-256, and so of every hash in a tile. */
export const HASH_BYTES = 32;
/** Hashes in a full tile, and entries in a full bundle (tlog-tiles: height 8). */
export const TILE_WIDTH = 256;
/** LIMIT: the longest audit path of a tree whose size is an exact integer (2^53 leaves); tlog-witness allows 63 lines. */
export const PROOF_HASHES_MAX = 63;

/** The three hashes of RFC 6962 section 2.1. What `leaf` and `node` return belongs to the caller. */
export type TreeHash = {
  /** MTH of the empty tree: SHA-256 of nothing. */
  readonly empty: Bytes;
  leaf(entry: Bytes): Bytes;
  node(left: Bytes, right: Bytes): Bytes;
  /** `node(hashes[at], hashes[at + 1])` of hashes that lie side by side, `at` in bytes. */
  nodeAt(hashes: Bytes, at: number): Bytes;
};

/** Builds the tree's hashes over one SHA-256. Buffers are reused between calls, never handed out. */
export function makeTreeHash(sha256: Sha256): TreeHash {
  const pair = new Uint8Array(1 + 2 * HASH_BYTES);
  pair[0] = 0x01; // RFC 6962 2.1: interior nodes are prefixed, so that no entry can pose as one
  let prefixed = new Uint8Array(2048); // byte 0 stays 0x00, the prefix of a leaf
  return {
    empty: sha256(new Uint8Array(0)),
    leaf(entry) {
      if (prefixed.length <= entry.length) prefixed = new Uint8Array(entry.length + 1);
      prefixed.set(entry, 1);
      return sha256(prefixed.subarray(0, entry.length + 1));
    },
    node(left, right) {
      pair.set(left, 1);
      pair.set(right, 1 + HASH_BYTES);
      return sha256(pair);
    },
    nodeAt(hashes, at) {
      pair.set(hashes.subarray(at, at + 2 * HASH_BYTES), 1);
      return sha256(pair);
    },
  };
}

/** The root over `count` hashes (a power of two) that lie side by side from byte `at`; `hashes` is left as it was. */
export function perfectRoot(hash: TreeHash, hashes: Bytes, at: number, count: number): Bytes {
  // Copied by a constructor: what calls itself `slice` is a view when the bytes are a Node buffer.
  const row = new Uint8Array(hashes.subarray(at, at + count * HASH_BYTES));
  for (let width = count; width > 1; width /= 2) {
    for (let i = 0; i < width; i += 2) row.set(hash.nodeAt(row, i * HASH_BYTES), (i / 2) * HASH_BYTES);
  }
  return row.subarray(0, HASH_BYTES);
}

/** Called with every hash that belongs into a tile, in order: `level` is the tile level, 0 for leaves. */
export type EmitHash = (level: number, hash: Bytes) => void;

/**
 * The right edge of an append-only tree: one hash, or none, per bit of its size. Appending costs two hashes on average, and
 * each time a subtree of 256^level leaves is complete its hash is emitted, which is all that a writer of tiles needs.
 */
export class Frontier {
  readonly #hash: TreeHash;
  readonly #slots: (Bytes | undefined)[] = [];
  #size = 0;

  constructor(hash: TreeHash) {
    this.#hash = hash;
  }

  get size(): number {
    return this.#size;
  }

  append(leaf: Bytes, emit?: EmitHash): void {
    let hash = leaf;
    let k = 0;
    emit?.(0, hash);
    for (let full = this.#slots[k]; full !== undefined; full = this.#slots[k]) {
      hash = this.#hash.node(full, hash);
      this.#slots[k] = undefined;
      k++;
      if (k % 8 === 0) emit?.(k / 8, hash); // a full tile one level down has just become this hash
    }
    this.#slots[k] = hash;
    this.#size++;
  }

  /** MTH of everything appended so far. */
  root(): Bytes {
    let root: Bytes | undefined;
    for (const slot of this.#slots) {
      if (slot !== undefined) root = root === undefined ? slot : this.#hash.node(slot, root);
    }
    return root ?? this.#hash.empty;
  }

  /** Resumes a tree of `size` leaves from the tiles at its right edge: `edge(level)` holds the hashes of the partial tile. */
  static resume(hash: TreeHash, size: number, edge: (level: number) => Bytes): Frontier {
    const frontier = new Frontier(hash);
    frontier.#size = size;
    for (let level = 0, rest = size; rest > 0; level++, rest = Math.floor(rest / TILE_WIDTH)) {
      const width = rest % TILE_WIDTH;
      const hashes = width === 0 ? new Uint8Array(0) : edge(level);
      assert(hashes.length === width * HASH_BYTES, "an edge tile has the width that the size demands");
      let at = 0;
      for (let bit = 7; bit >= 0; bit--) {
        const full = (width & (1 << bit)) !== 0;
        frontier.#slots[level * 8 + bit] = full ? perfectRoot(hash, hashes, at, 1 << bit) : undefined;
        if (full) at += HASH_BYTES << bit;
      }
    }
    return frontier;
  }
}
