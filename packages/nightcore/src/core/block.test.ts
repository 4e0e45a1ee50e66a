import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeImportSet, parseImportSet } from "#core";

test("a set of imports has one spelling", () => {
  const set = encodeImportSet(["wasi.b", "wasi.a", "wasi.b"]);
  assert.equal(set, '["wasi.a","wasi.b"]');
  assert.deepEqual(parseImportSet(set), ["wasi.a", "wasi.b"]);
  for (const [what, names] of [
    ["no names", []],
    ["a name without its module", ["fd_write"]],
    ["a name that is nothing", ["wasi."]],
    ["a name that is too long", [`wasi.${"x".repeat(300)}`]],
    ["too many names", Array.from({ length: 65 }, (_, n) => `wasi.${n}`)],
  ] as const)
    assert.equal(encodeImportSet(names), undefined, what);
});

test("only what was encoded is read as a set of imports", () => {
  for (const text of ["", "[]", "{}", '["b.b","a.a"]', '["a.a","a.a"]', '[ "a.a"]', "[1]", "null"])
    assert.equal(parseImportSet(text), undefined, text);
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      const names = parseImportSet(text);
      if (names !== undefined) assert.equal(encodeImportSet(names), text);
    }),
  );
});
