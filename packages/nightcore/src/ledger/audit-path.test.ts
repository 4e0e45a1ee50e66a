import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { type Bytes, parseBase64, utf8 } from "#core";
import { sha256 } from "#store/keys";
import { consistencyPath, inclusionPath, rootOf, type SubtreeHash, verifyConsistency, verifyInclusion } from "./audit-path.ts";
import { makeTreeHash } from "./merkle-tree.ts";

const hash = makeTreeHash(sha256);
const leaves = Array.from({ length: 300 }, (_, i) => hash.leaf(utf8(`entry ${i}`)));
const known = new Map<string, Bytes>();

/** Complete subtrees over the leaves, by halving. */
const subtree: SubtreeHash = (level, index) => {
  const key = `${level}/${index}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const leaf = leaves[index];
  const made = level === 0 ? leaf : hash.node(subtree(level - 1, 2 * index), subtree(level - 1, 2 * index + 1));
  assert.ok(made !== undefined);
  known.set(key, made);
  return made;
};

/** PATH(m, D[n]) of RFC 6962 section 2.1.1, word for word. */
function naivePath(m: number, from: number, to: number): Bytes[] {
  if (to - from === 1) return [];
  let k = 1;
  while (k * 2 < to - from) k *= 2;
  const mth = (a: number, b: number): Bytes => {
    const [only] = leaves.slice(a, b);
    if (b - a === 1 && only !== undefined) return only;
    let half = 1;
    while (half * 2 < b - a) half *= 2;
    return hash.node(mth(a, a + half), mth(a + half, b));
  };
  if (m < k) return [...naivePath(m, from, from + k), mth(from + k, to)];
  return [...naivePath(m - k, from + k, to), mth(from, from + k)];
}

const leafAt = (index: number): Bytes => leaves[index] ?? new Uint8Array(0);

test("every inclusion proof to size 40 is the recursive definition's and verifies", () => {
  for (let size = 1; size <= 40; size++) {
    const root = rootOf(hash, size, subtree);
    for (let index = 0; index < size; index++) {
      const path = inclusionPath(hash, { index, size }, subtree);
      assert.deepEqual(
        path.map((one) => Buffer.from(one)),
        naivePath(index, 0, size).map((one) => Buffer.from(one)),
      );
      assert.ok(verifyInclusion(hash, { index, size, leaf: leafAt(index), path, root }).ok);
    }
  }
});

test("every consistency proof to size 40 verifies", () => {
  for (let to = 1; to <= 40; to++) {
    for (let from = 1; from <= to; from++) {
      const path = consistencyPath(hash, { from, to }, subtree);
      const claim = { from, to, fromRoot: rootOf(hash, from, subtree), toRoot: rootOf(hash, to, subtree), path };
      assert.ok(verifyConsistency(hash, claim).ok, `${from} to ${to}`);
    }
  }
});

test("a proof from the empty tree is refused: there is nothing that it could prove", () => {
  const claim = { from: 0, to: 3, fromRoot: hash.empty, toRoot: rootOf(hash, 3, subtree), path: [] };
  const result = verifyConsistency(hash, claim);
  assert.equal(result.ok ? "" : result.fault.code, "ledger/index-outside-tree");
});

const flip = (bytes: Bytes, at: number): Bytes => {
  const flipped = new Uint8Array(bytes);
  flipped[at % flipped.length] = (flipped[at % flipped.length] ?? 0) ^ (1 << (at % 8));
  return flipped;
};

test("property: a mutated inclusion proof is never accepted", () => {
  const cases = fc.integer({ min: 2, max: 300 }).chain((size) => fc.tuple(fc.constant(size), fc.nat(size - 1), fc.nat(10_000)));
  fc.assert(
    fc.property(cases, fc.constantFrom("bit", "drop", "add", "swap", "index", "leaf", "root"), ([size, index, at], how) => {
      const path = [...inclusionPath(hash, { index, size }, subtree)];
      const root = rootOf(hash, size, subtree);
      const claim = { index, size, leaf: leafAt(index), path, root };
      const i = at % path.length;
      const swapped = path.with(i, path[(i + 1) % path.length] ?? root);
      fc.pre(how !== "swap" || path.length > 1);
      const mutants = {
        bit: { ...claim, path: path.with(i, flip(path[i] ?? root, at)) },
        drop: { ...claim, path: path.toSpliced(i, 1) },
        add: { ...claim, path: path.toSpliced(i, 0, root) },
        swap: { ...claim, path: swapped },
        index: { ...claim, index: (index + 1) % size },
        leaf: { ...claim, leaf: flip(claim.leaf, at) },
        root: { ...claim, root: flip(root, at) },
      };
      assert.equal(verifyInclusion(hash, mutants[how]).ok, false);
    }),
    { numRuns: 400 },
  );
});

test("property: a mutated consistency proof is never accepted", () => {
  const sizes = fc.integer({ min: 2, max: 300 }).chain((to) => fc.tuple(fc.integer({ min: 1, max: to - 1 }), fc.constant(to)));
  fc.assert(
    fc.property(sizes, fc.nat(10_000), fc.constantFrom("bit", "drop", "add", "old", "new"), ([from, to], at, how) => {
      const path = [...consistencyPath(hash, { from, to }, subtree)];
      const claim = { from, to, fromRoot: rootOf(hash, from, subtree), toRoot: rootOf(hash, to, subtree), path };
      const i = at % path.length;
      const mutants = {
        bit: { ...claim, path: path.with(i, flip(path[i] ?? claim.toRoot, at)) },
        drop: { ...claim, path: path.toSpliced(i, 1) },
        add: { ...claim, path: path.toSpliced(i, 0, claim.toRoot) },
        old: { ...claim, fromRoot: flip(claim.fromRoot, at) },
        new: { ...claim, toRoot: flip(claim.toRoot, at) },
      };
      assert.equal(verifyConsistency(hash, mutants[how]).ok, false);
    }),
    { numRuns: 400 },
  );
});

const root2 = rootOf(hash, 2, subtree);
const path2 = inclusionPath(hash, { index: 0, size: 2 }, subtree);
for (const [attack, place] of [
  ["an index at the size", { index: 2, size: 2 }],
  ["a negative index", { index: -1, size: 2 }],
  ["an index that is no integer", { index: 0.5, size: 2 }],
  ["a size beyond exact integers", { index: 0, size: 2 ** 53 }],
  ["a size that is not a number", { index: 0, size: NaN }],
  ["the empty tree", { index: 0, size: 0 }],
] as const) {
  test(`an inclusion claim with ${attack} is refused`, () => {
    const result = verifyInclusion(hash, { ...place, leaf: leafAt(0), path: path2, root: root2 });
    assert.equal(result.ok ? "" : result.fault.code, "ledger/index-outside-tree");
  });
}

const MERKLE = "../shared/data/tlog/merkle/testdata";
type MerkleCase = { readonly wantErr: boolean; readonly proof: readonly string[] | null } & Record<string, unknown>;

/** Bytes of a vector; hashes of other lengths are part of the attacks, so nothing is checked here. */
const bytesOf = (text: unknown): Bytes => {
  const bytes = parseBase64(typeof text === "string" ? text : "");
  return bytes.ok ? bytes.value : new Uint8Array(0);
};

function verifyCase(kind: string, one: MerkleCase): boolean {
  const path = (one.proof ?? []).map(bytesOf);
  if (kind === "inclusion") {
    const claim = { index: Number(one["leafIdx"]), size: Number(one["treeSize"]), leaf: bytesOf(one["leafHash"]), path };
    return verifyInclusion(hash, { ...claim, root: bytesOf(one["root"]) }).ok;
  }
  const sizes = { from: Number(one["size1"]), to: Number(one["size2"]) };
  return verifyConsistency(hash, { ...sizes, fromRoot: bytesOf(one["root1"]), toRoot: bytesOf(one["root2"]), path }).ok;
}

for (const kind of ["inclusion", "consistency"]) {
  test(`the ${kind} vectors of transparency-dev/merkle`, (t) => {
    if (!existsSync(MERKLE)) return t.skip("../shared/data is not here");
    const files = globSync(`${MERKLE}/${kind}/**/*.json`);
    assert.equal(files.length, 98);
    for (const file of files) {
      const one = JSON.parse(readFileSync(file, "utf8")) as MerkleCase;
      assert.equal(verifyCase(kind, one), !one.wantErr, file);
    }
    return undefined;
  });
}
