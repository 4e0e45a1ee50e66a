import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeEntries, parseBundle, parseEntryOffsets } from "./entry-bundle.ts";

test("property: a bundle gives back its entries, empty ones included, and a partial one is a prefix of it", () => {
  const entries = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 256 });
  fc.assert(
    fc.property(entries, fc.nat(255), (list, cut) => {
      const bytes = encodeEntries(list);
      const parsed = parseBundle(bytes, list.length);
      assert.deepEqual(
        parsed.ok && parsed.value.map((one) => Buffer.from(one)),
        list.map((one) => Buffer.from(one)),
      );
      const width = (cut % list.length) + 1;
      const offsets = parseEntryOffsets(bytes, width);
      assert.deepEqual(offsets.ok && bytes.subarray(0, offsets.value[width]), encodeEntries(list.slice(0, width)));
    }),
  );
});

test("the longest entry fits, and one more byte is a bug of the caller", () => {
  assert.equal(encodeEntries([new Uint8Array(65_535)]).length, 65_537);
  assert.throws(() => encodeEntries([new Uint8Array(65_536)]), /bug/);
});

for (const [attack, bytes, count, offset, what] of [
  ["no bytes", [], 1, 0, "too few entries"],
  ["half a length", [0], 1, 0, "cut inside a length"],
  ["a cut entry", [0, 2, 1], 1, 0, "cut inside an entry"],
  ["an entry too few", [0, 1, 1], 2, 3, "too few entries"],
  ["an entry too many", [0, 1, 1, 0, 0], 1, 3, "bytes after the last entry"],
  ["a length that reaches past the end", [0, 0, 0xff, 0xff, 1], 2, 2, "cut inside an entry"],
] as const) {
  test(`a bundle with ${attack} is refused at offset ${offset}`, () => {
    assert.deepEqual(parseBundle(Uint8Array.from(bytes), count), {
      ok: false,
      fault: { code: "ledger/bundle-malformed", offset, what },
    });
  });
}

test("property: only the canonical bytes decode, and nothing throws", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), fc.integer({ min: 1, max: 256 }), (bytes, count) => {
      const parsed = parseBundle(bytes, count);
      if (parsed.ok) assert.deepEqual(encodeEntries(parsed.value), bytes);
    }),
  );
});
