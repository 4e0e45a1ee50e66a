import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseTilePath, tilePath, tilesBetween } from "./tile.ts";

for (const [tile, path] of [
  [{ level: 0, index: 5, width: 256 }, "tile/0/005"],
  [{ level: 0, index: 1_234_067, width: 256 }, "tile/0/x001/x234/067"],
  [{ level: 63, index: 0, width: 1 }, "tile/63/000.p/1"],
  [{ level: "entries", index: 1000, width: 255 }, "tile/entries/x001/000.p/255"],
] as const) {
  test(`${path} is the path of its coordinate`, () => {
    assert.equal(tilePath(tile), path);
    assert.deepEqual(parseTilePath(path), { ok: true, value: tile });
  });
}

for (const [attack, path] of [
  ["another folder", "../tile/0/000"],
  ["a climb", "tile/0/../000"],
  ["a leading zero in the level", "tile/00/000"],
  ["a level beyond 63", "tile/64/000"],
  ["a group without its x", "tile/0/001/000"],
  ["an x on the last group", "tile/0/x000"],
  ["a needless leading group", "tile/0/x000/001"],
  ["a short group", "tile/0/01"],
  ["a full width as partial", "tile/0/000.p/256"],
  ["width zero", "tile/0/000.p/0"],
  ["a leading zero in the width", "tile/0/000.p/01"],
  ["a trailing slash", "tile/0/000/"],
  ["a newline", "tile/0/000\n"],
  ["digits that are not ASCII", "tile/0/٠٠٠"],
  ["an index beyond exact integers", "tile/0/x009/x007/x199/x254/x740/992"],
  ["a data tile of static-ct", "tile/data/000"],
] as const) {
  test(`a tile path with ${attack} is refused`, () => assert.equal(parseTilePath(path).ok, false));
}

test("the tiles of 70,000 entries are those of the specification's example", () => {
  const tiles = [...tilesBetween(0, 70_000)].map(tilePath);
  const count = (prefix: string): number => tiles.filter((path) => path.startsWith(prefix)).length;
  assert.deepEqual([count("tile/0/"), count("tile/1/"), count("tile/2/"), count("tile/entries/")], [274, 2, 1, 274]);
  for (const partial of ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1", "tile/entries/273.p/112"]) {
    assert.ok(tiles.includes(partial), partial);
  }
  assert.deepEqual([...tilesBetween(0, 256)].map(tilePath), ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]);
});

test("property: only the canonical path decodes, and nothing throws", () => {
  const coordinate = fc.record({
    level: fc.oneof(fc.nat(63), fc.constant("entries" as const)),
    index: fc.maxSafeNat(),
    width: fc.integer({ min: 1, max: 256 }),
  });
  fc.assert(fc.property(coordinate, (tile) => assert.deepEqual(parseTilePath(tilePath(tile)), { ok: true, value: { ...tile } })));
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."tile/entries0123456789x.p".split("")) }), (text) => {
      const parsed = parseTilePath(`tile/${text}`);
      if (parsed.ok) assert.equal(tilePath(parsed.value), `tile/${text}`);
    }),
  );
});
