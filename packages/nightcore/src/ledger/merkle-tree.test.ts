import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Bytes, encodeHex, utf8 } from "#core";
import { sha256 } from "#store/keys";
import { GrowingTiles } from "./growing-tiles.ts";
import { Frontier, HASH_BYTES, makeTreeHash, perfectRoot, TILE_WIDTH } from "./merkle-tree.ts";
import { tileWidth } from "./tile.ts";

const hash = makeTreeHash(sha256);

/** RFC 6962 section 2.1, word for word. */
function naiveRoot(leaves: readonly Bytes[]): Bytes {
  if (leaves.length === 0) return hash.empty;
  const [only] = leaves;
  if (leaves.length === 1 && only !== undefined) return only;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return hash.node(naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)));
}

const leafOf = (i: number): Bytes => hash.leaf(utf8(`entry ${i}`));

test("the empty tree and the first prefixes are RFC 6962's", () => {
  assert.equal(encodeHex(hash.empty), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  assert.equal(encodeHex(hash.leaf(new Uint8Array(0))), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  assert.notDeepEqual(hash.leaf(Buffer.concat([hash.empty, hash.empty])), hash.node(hash.empty, hash.empty));
});

test("the frontier gives the recursive definition's root at every size to 300", () => {
  const frontier = new Frontier(hash);
  const leaves: Bytes[] = [];
  for (let n = 0; n <= 300; n++) {
    assert.deepEqual(Buffer.from(frontier.root()), Buffer.from(naiveRoot(leaves)), `size ${n}`);
    leaves.push(leafOf(n));
    frontier.append(leafOf(n));
  }
});

test("a leaf of any length is hashed as prefix and entry", () => {
  for (const length of [0, 1, 2047, 2048, 2049, 65_535]) {
    const entry = new Uint8Array(length).fill(7);
    assert.deepEqual(Buffer.from(hash.leaf(entry)), Buffer.from(sha256(Buffer.concat([Buffer.from([0]), entry]))));
  }
});

test("perfectRoot leaves a Node buffer as it was, although Buffer.slice is a view", () => {
  const hashes = Buffer.concat([0, 1, 2, 3].map(leafOf));
  const before = Buffer.from(hashes);
  perfectRoot(hash, hashes, 0, 4);
  assert.deepEqual(hashes, before);
});

/** Tiles of a whole tree by the definition of tlog-tiles: tile (l, n) holds MTH(D[(n·256+i)·256^l : (n·256+i+1)·256^l]). */
function naiveTile(leaves: readonly Bytes[], level: number, index: number): Buffer {
  const span = TILE_WIDTH ** level;
  const width = tileWidth(level, index, leaves.length);
  const hashes = Array.from({ length: width }, (_, i) => {
    const from = (index * TILE_WIDTH + i) * span;
    return naiveRoot(leaves.slice(from, from + span));
  });
  return Buffer.concat(hashes);
}

for (const size of [1, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537]) {
  test(`tiles of ${size} entries are those of the definition, and the tree resumes from its edge`, () => {
    const leaves = Array.from({ length: size }, (_, i) => leafOf(i));
    const tiles = GrowingTiles.resume(hash, 0, () => new Uint8Array(0));
    for (const leaf of leaves) tiles.append(leaf);
    const all = [...tiles.takeFull(), ...tiles.partials()];
    const expected = [0, 1, 2].flatMap((level) => {
      const count = Math.ceil(Math.floor(size / TILE_WIDTH ** level) / TILE_WIDTH);
      return Array.from({ length: count }, (_, index) => ({ level, index }));
    });
    assert.equal(all.length, expected.length);
    const last = expected.filter(({ level, index }) => level > 0 || index === 0 || index >= Math.floor(size / 256) - 1);
    for (const { level, index } of last) {
      const tile = all.find((one) => one.level === level && one.index === index);
      assert.deepEqual(Buffer.from(tile?.bytes ?? []), naiveTile(leaves, level, index), `tile ${level}/${index}`);
    }
    assert.deepEqual(Buffer.from(tiles.root()), Buffer.from(naiveRoot(leaves)));

    const resumed = GrowingTiles.resume(hash, size, (level) => {
      const partial = tiles.partials().find((one) => one.level === level);
      return Buffer.from(partial?.bytes ?? []);
    });
    for (const tree of [tiles, resumed]) for (let i = 0; i < 3; i++) tree.append(leafOf(size + i));
    assert.deepEqual(Buffer.from(resumed.root()), Buffer.from(tiles.root()));
    assert.deepEqual(resumed.partials(), tiles.partials());
  });
}

test("property: a tree does not care where it was resumed", () => {
  fc.assert(
    fc.property(fc.nat(700), fc.nat(700), (first, more) => {
      const whole = GrowingTiles.resume(hash, 0, () => new Uint8Array(0));
      for (let i = 0; i < first; i++) whole.append(leafOf(i));
      const edges = whole.partials();
      const resumed = GrowingTiles.resume(
        hash,
        first,
        (level) => edges.find((tile) => tile.level === level)?.bytes ?? new Uint8Array(0),
      );
      whole.takeFull();
      for (let i = first; i < first + more; i++) {
        whole.append(leafOf(i));
        resumed.append(leafOf(i));
      }
      assert.deepEqual(Buffer.from(resumed.root()), Buffer.from(whole.root()));
      assert.deepEqual(resumed.takeFull(), whole.takeFull());
    }),
    { numRuns: 25 },
  );
});

test("an edge of the wrong width is a bug, not a tree", () => {
  assert.throws(() => GrowingTiles.resume(hash, 3, () => new Uint8Array(2 * HASH_BYTES)), /bug/);
});
