import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checkOutputTree, digestOf, type OutputEntry, utf8 } from "#core";
import { sha256 } from "#store/keys";
import { encodeOutputManifest, listOutput, parseOutputManifest } from "./output-tree.ts";

const names = fc.string({ unit: "grapheme", minLength: 1, maxLength: 6 }).filter((name) => !/^\.{1,2}$|[/\0]/.test(name));

/** Any tree in its order: random paths, their parents as folders. */
const trees = fc
  .array(fc.tuple(fc.array(names, { minLength: 1, maxLength: 4 }), fc.uint8Array({ maxLength: 20 })), { maxLength: 12 })
  .map((files): readonly OutputEntry[] => {
    const entries = new Map<string, OutputEntry>();
    for (const [components, bytes] of files) {
      const path = components.join("/");
      const parents = components.slice(0, -1).map((_, n) => components.slice(0, n + 1).join("/"));
      if (entries.has(path) || parents.some((parent) => entries.get(parent)?.bytes !== undefined)) continue;
      for (const parent of parents) entries.set(parent, { path: parent, bytes: undefined });
      entries.set(path, { path, bytes });
    }
    return [...entries.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
  });

test("a tree comes back from its manifest with every digest, and its bytes from the blobs", () => {
  fc.assert(
    fc.property(trees, (tree) => {
      assert.equal(checkOutputTree(tree.map(({ path, bytes }) => ({ path, folder: bytes === undefined }))), undefined);
      const listed = listOutput(tree, sha256);
      if (tree.length === 0) return assert.equal(listed, undefined);
      const blobs = new Map<string, Uint8Array>(listed?.blobs);
      const entries = parseOutputManifest(blobs.get(listed?.said.digest ?? "") ?? utf8("nothing"));
      assert.deepEqual(
        entries?.map(({ path, file }) => ({ path, bytes: file && (blobs.get(file.digest) ?? new Uint8Array(0)) })),
        tree,
      );
      assert.equal(listed?.said.files, tree.filter(({ bytes }) => bytes !== undefined).length);
    }),
  );
});

test("no bytes make the parser throw, and what it reads has no other encoding", () => {
  const line = fc.constantFrom('folder "a"', 'file "a/b"', 'file "\\u0061"', "f".repeat(64), " 0", " 00", " 1", "\n", '"..');
  const texts = fc.array(line, { maxLength: 8 }).map((parts) => utf8(parts.join("")));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), texts), (bytes) => {
      const entries = parseOutputManifest(bytes);
      if (entries !== undefined) assert.deepEqual(encodeOutputManifest(entries), bytes);
    }),
  );
});

const DIGEST = digestOf(sha256, utf8("x"));
const REFUSED: readonly (readonly [attack: string, manifest: string])[] = [
  ["a path that leads out", `file "../x" ${DIGEST} 1\n`],
  ["another spelling of a path", `file "\\u0061" ${DIGEST} 1\n`],
  ["a length with a zero in front", `file "a" ${DIGEST} 01\n`],
  ["a line without its end", `file "a" ${DIGEST} 1`],
  ["paths out of order", `file "b" ${DIGEST} 1\nfile "a" ${DIGEST} 1\n`],
  ["a path twice", `file "a" ${DIGEST} 1\nfile "a" ${DIGEST} 1\n`],
  ["a file under a file", `file "a" ${DIGEST} 1\nfile "a/b" ${DIGEST} 1\n`],
  ["more bytes than an output may have", `file "a" ${DIGEST} 67108865\n`],
  ["a digest in upper case", `file "a" ${DIGEST.toUpperCase()} 1\n`],
];

for (const [attack, manifest] of REFUSED) {
  test(`a manifest is refused: ${attack}`, () => {
    assert.equal(parseOutputManifest(utf8(manifest)), undefined);
  });
}
