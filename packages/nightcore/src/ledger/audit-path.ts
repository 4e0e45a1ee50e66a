import { assert, type Bytes, equalBytes, fail, ok, type Result } from "#core";
import { HASH_BYTES, PROOF_HASHES_MAX, type TreeHash } from "./merkle-tree.ts";

/** MTH(D[index·2^level : (index+1)·2^level]), a subtree that is complete in the tree at hand. */
export type SubtreeHash = (level: number, index: number) => Bytes;

export type PathFault =
  | { readonly code: "ledger/index-outside-tree"; readonly index: number; readonly size: number }
  | { readonly code: "ledger/path-wrong-length"; readonly hashes: number }
  | { readonly code: "ledger/path-mismatch" };

/** The largest power of two below `n`, for n > 1. */
function splitPoint(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

function isPowerOfTwo(n: number): boolean {
  while (n % 2 === 0) n /= 2;
  return n === 1;
}

/** MTH(D[from:to]) where `from` is a multiple of the power of two that covers the range. */
function rangeRoot(hash: TreeHash, from: number, to: number, subtree: SubtreeHash): Bytes {
  const n = to - from;
  if (n === 1 || isPowerOfTwo(n)) return subtree(Math.log2(n), from / n);
  const k = splitPoint(n);
  return hash.node(rangeRoot(hash, from, from + k, subtree), rangeRoot(hash, from + k, to, subtree));
}

/** MTH of the first `size` leaves of a tree, from its complete subtrees. */
export function rootOf(hash: TreeHash, size: number, subtree: SubtreeHash): Bytes {
  return size === 0 ? hash.empty : rangeRoot(hash, 0, size, subtree);
}

/** The audit path of leaf `index` in the tree of `size` leaves, the leaf's sibling first (RFC 6962 section 2.1.1). */
export function inclusionPath(
  hash: TreeHash,
  place: { readonly index: number; readonly size: number },
  subtree: SubtreeHash,
): readonly Bytes[] {
  assert(place.index >= 0 && place.index < place.size, "the leaf is in the tree");
  const path: Bytes[] = [];
  let from = 0;
  let to = place.size;
  while (to - from > 1) {
    const middle = from + splitPoint(to - from);
    if (place.index < middle) {
      path.push(rangeRoot(hash, middle, to, subtree));
      to = middle;
    } else {
      path.push(rangeRoot(hash, from, middle, subtree));
      from = middle;
    }
  }
  return path.reverse();
}

/** The consistency proof between the trees of `from` and `to` leaves, 0 < from <= to (RFC 6962 section 2.1.2). */
export function consistencyPath(
  hash: TreeHash,
  sizes: { readonly from: number; readonly to: number },
  subtree: SubtreeHash,
): readonly Bytes[] {
  assert(sizes.from > 0 && sizes.from <= sizes.to, "the first tree is a prefix of the second and is not empty");
  const path: Bytes[] = [];
  let start = 0;
  let end = sizes.to;
  // Descends as SUBPROOF does; `whole` stays true while the old tree is exactly the left part seen so far.
  let whole = true;
  while (sizes.from !== end) {
    const middle = start + splitPoint(end - start);
    if (sizes.from <= middle) {
      path.push(rangeRoot(hash, middle, end, subtree));
      end = middle;
    } else {
      path.push(rangeRoot(hash, start, middle, subtree));
      start = middle;
      whole = false;
    }
  }
  if (!whole) path.push(rangeRoot(hash, start, end, subtree));
  return path.reverse();
}

/** Checks an audit path as RFC 9162 section 2.1.3.2 does. Establishes that `leaf` is number `index` under `root`. */
export function verifyInclusion(
  hash: TreeHash,
  claim: {
    readonly index: number;
    readonly size: number;
    readonly leaf: Bytes;
    readonly path: readonly Bytes[];
    readonly root: Bytes;
  },
): Result<void, PathFault> {
  const { index, size, path } = claim;
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) {
    return fail({ code: "ledger/index-outside-tree", index, size });
  }
  if (path.length > PROOF_HASHES_MAX) return fail({ code: "ledger/path-wrong-length", hashes: path.length });
  if (!allHashes([claim.leaf, claim.root, ...path])) return fail({ code: "ledger/path-mismatch" });
  let fn = index;
  let sn = size - 1;
  let root = claim.leaf;
  for (const sibling of path) {
    if (sn === 0) return fail({ code: "ledger/path-wrong-length", hashes: path.length });
    if (fn % 2 === 1 || fn === sn) {
      root = hash.node(sibling, root);
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2;
        sn = Math.floor(sn / 2);
      }
    } else {
      root = hash.node(root, sibling);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  if (sn !== 0) return fail({ code: "ledger/path-wrong-length", hashes: path.length });
  return equalBytes(root, claim.root) ? ok(undefined) : fail({ code: "ledger/path-mismatch" });
}

function allHashes(hashes: readonly Bytes[]): boolean {
  return hashes.every((hash) => hash.length === HASH_BYTES);
}

/**
 * Checks a consistency proof as RFC 9162 section 2.1.4.2 does. Establishes that the tree under `fromRoot` is a prefix of the
 * one under `toRoot`. From the empty tree there is nothing to prove, so such a claim is refused (RFC 9162: 0 < m).
 */
export function verifyConsistency(
  hash: TreeHash,
  claim: {
    readonly from: number;
    readonly to: number;
    readonly fromRoot: Bytes;
    readonly toRoot: Bytes;
    readonly path: readonly Bytes[];
  },
): Result<void, PathFault> {
  const { from, to, fromRoot, toRoot } = claim;
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 1 || from > to) {
    return fail({ code: "ledger/index-outside-tree", index: from, size: to });
  }
  const wrongLength = { code: "ledger/path-wrong-length", hashes: claim.path.length } as const;
  if (from === to) {
    if (claim.path.length !== 0) return fail(wrongLength);
    return equalBytes(fromRoot, toRoot) ? ok(undefined) : fail({ code: "ledger/path-mismatch" });
  }
  if (claim.path.length === 0 || claim.path.length > PROOF_HASHES_MAX) return fail(wrongLength);
  if (!allHashes([fromRoot, toRoot, ...claim.path])) return fail({ code: "ledger/path-mismatch" });
  // The first tree's own root starts the path when that tree is perfect; the proof then leaves it out.
  const path = isPowerOfTwo(from) ? [fromRoot, ...claim.path] : claim.path;
  let fn = from - 1;
  let sn = to - 1;
  while (fn % 2 === 1) {
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  const [first] = path;
  assert(first !== undefined, "the path is not empty");
  let fr = first;
  let sr = first;
  for (const sibling of path.slice(1)) {
    if (sn === 0) return fail(wrongLength);
    if (fn % 2 === 1 || fn === sn) {
      fr = hash.node(sibling, fr);
      sr = hash.node(sibling, sr);
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2;
        sn = Math.floor(sn / 2);
      }
    } else {
      sr = hash.node(sr, sibling);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  if (sn !== 0) return fail(wrongLength);
  return equalBytes(fr, fromRoot) && equalBytes(sr, toRoot) ? ok(undefined) : fail({ code: "ledger/path-mismatch" });
}
