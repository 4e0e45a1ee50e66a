import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseBase64 } from "../../packages/nightcore/src/core/index.ts";
import {
  makeTreeHash,
  parseLogKeys,
  parseTilePath,
  parseVkey,
  tilePath,
  verifyConsistency,
  verifyCheckpoint,
  verifyInclusion,
  verifyMlDsaCheckpoint,
  verifyReceipt,
} from "../../packages/nightcore/src/ledger/index.ts";
import { sha256, verifyEd25519, verifyMlDsa44 } from "../../packages/nightcore/src/store/keys/index.ts";
import { nobleCrypto } from "../../packages/nightcore/src/verify/index.ts";
import { encodeVector, makeVectors } from "./make.ts";

const hash = makeTreeHash(sha256);
const textOf = (name: string): string => readFileSync(join(import.meta.dirname, name), "utf8");

function bytesOf(text: string | undefined): Uint8Array {
  const bytes = parseBase64(text ?? "");
  assert.ok(bytes.ok);
  return bytes.value;
}

type Tree = {
  readonly entries: readonly string[];
  readonly roots: readonly string[];
  readonly inclusion: readonly { readonly index: number; readonly size: number; readonly path: readonly string[] }[];
  readonly consistency: readonly { readonly from: number; readonly to: number; readonly path: readonly string[] }[];
};

test("the vectors are what the script makes", () => {
  for (const [name, vector] of Object.entries(makeVectors())) {
    assert.deepEqual(JSON.parse(textOf(name)), JSON.parse(encodeVector(vector)), name);
  }
});

test("every proof of the tree vectors verifies", () => {
  const tree = JSON.parse(textOf("tree.json")) as Tree;
  for (const { index, size, path } of tree.inclusion) {
    const claim = { index, size, leaf: hash.leaf(bytesOf(tree.entries[index])), path: path.map(bytesOf) };
    assert.ok(verifyInclusion(hash, { ...claim, root: bytesOf(tree.roots[size]) }).ok);
  }
  for (const { from, to, path } of tree.consistency) {
    const claim = { from, to, fromRoot: bytesOf(tree.roots[from]), toRoot: bytesOf(tree.roots[to]), path: path.map(bytesOf) };
    assert.ok(verifyConsistency(hash, claim).ok);
  }
});

test("tile paths are read and written as the vectors have them", () => {
  const tiles = JSON.parse(textOf("tile-paths.json")) as readonly (Parameters<typeof tilePath>[0] & { readonly path: string })[];
  for (const { path, ...tile } of tiles) {
    assert.equal(tilePath(tile), path);
    assert.deepEqual(parseTilePath(path), { ok: true, value: tile });
  }
});

test("the receipt vector verifies under the key of its file, which is a sound one", () => {
  const { vkey, indexes, receipt } = JSON.parse(textOf("receipt.json")) as { vkey: string; indexes: number[]; receipt: string };
  assert.ok(parseVkey(sha256, vkey).ok);
  const verdict = verifyReceipt(Buffer.from(receipt), vkey, { sha256, verifyEd25519 });
  assert.deepEqual(verdict.result.ok && verdict.result.value.entries.map(({ index }) => index), indexes);
});

test("the checkpoint that is signed twice verifies under both keys of its file, by OpenSSL's arithmetic and by noble's", () => {
  const { vkeys, checkpoint } = JSON.parse(textOf("ml-dsa.json")) as { vkeys: string; checkpoint: string };
  const keys = parseLogKeys(sha256, vkeys);
  assert.ok(keys.ok && keys.value.mlDsa44 !== undefined);
  assert.ok(verifyCheckpoint(checkpoint, keys.value.ed25519, verifyEd25519).ok);
  for (const verify of [verifyMlDsa44, nobleCrypto.verifyMlDsa44]) {
    assert.ok(verifyMlDsaCheckpoint(checkpoint, keys.value.mlDsa44, verify).ok);
    assert.ok(!verifyMlDsaCheckpoint(checkpoint.replace("\n11\n", "\n12\n"), keys.value.mlDsa44, verify).ok);
  }
});
