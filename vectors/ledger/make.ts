/**
 * Writes the vectors of this folder: `node vectors/ledger/make.ts`. Everything is derived from fixed seeds, so a second run
 * gives the same bytes; `vectors.test.ts` beside it checks that, and that our own code agrees with each of them.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import { encodeBase64, encodeHex, utf8 } from "../../packages/nightcore/src/core/index.ts";
import { encodeStatement, makeEntrySigner, sealEnvelope } from "../../packages/nightcore/src/attest/index.ts";
import {
  addMlDsaSignature,
  consistencyPath,
  encodeLogKeys,
  encodeReceipt,
  encodeSubtreeMessage,
  encodeTlogProof,
  encodeVkey,
  inclusionPath,
  type LogKey,
  makeLogKey,
  makeMlDsaKey,
  makeReceiptEntry,
  makeTreeHash,
  parseSignedCheckpoint,
  rootOf,
  signCheckpoint,
  signNote,
  tilePath,
} from "../../packages/nightcore/src/ledger/index.ts";
import { privateKeyObject, publicKeyOf, sha256, signerOf } from "../../packages/nightcore/src/store/keys/index.ts";

const hash = makeTreeHash(sha256);
const ORIGIN = "vectors.nightcore.invalid/log";
const SEED = new Uint8Array(32).fill(0x42);
const SIZE = 11;

function must<T>(result: { readonly ok: true; readonly value: T } | { readonly ok: false }): T {
  if (!result.ok) throw new Error("a vector cannot be made");
  return result.value;
}

/** Every vector, by the name of its file. */
export function makeVectors(): Readonly<Record<string, unknown>> {
  const privateKey = privateKeyObject(SEED);
  const key = must(makeLogKey(sha256, ORIGIN, publicKeyOf(privateKey)));
  const signer = makeEntrySigner(sha256, key.publicKey, signerOf(privateKey));
  const vkey = encodeVkey(key);
  const payloads = Array.from({ length: SIZE }, (_, n) =>
    encodeStatement({
      subject: [{ name: "module.wasm", digest: { sha256: encodeHex(sha256(utf8(`module ${n % 2}`))) } }],
      predicateType: "https://vectors.nightcore.invalid/event/v1",
      predicate: { run: `run-${n % 2}`, n },
    }),
  );
  const entries = payloads.map((payload) => must(sealEnvelope(payload, signer)));
  const leaves = entries.map((entry) => hash.leaf(entry));
  const subtree = (level: number, index: number): Uint8Array =>
    (level === 0 ? leaves[index] : hash.node(subtree(level - 1, 2 * index), subtree(level - 1, 2 * index + 1))) as Uint8Array;
  const sizes = Array.from({ length: SIZE + 1 }, (_, size) => size);
  const checkpoint = signCheckpoint({ size: SIZE, root: rootOf(hash, SIZE, subtree) }, key, signerOf(privateKey));
  const proofOf = (index: number): string => {
    const path = inclusionPath(hash, { index, size: SIZE }, subtree);
    return encodeTlogProof({ index, path, checkpoint });
  };
  const evenEntries = [0, 2, 4].map((index) => makeReceiptEntry(entries[index] ?? new Uint8Array(0), proofOf(index)));
  const receipt = { run: "run-0", logKey: vkey, entries: evenEntries.flatMap((entry) => (entry === undefined ? [] : [entry])) };
  return {
    "keys.json": {
      origin: ORIGIN,
      seed: encodeHex(SEED),
      publicKey: encodeHex(key.publicKey),
      keyId: key.id,
      keyid: signer.keyid,
      vkey,
    },
    "tree.json": {
      entries: entries.map(encodeBase64),
      roots: sizes.map((size) => encodeBase64(rootOf(hash, size, subtree))),
      inclusion: leaves.map((_, index) => ({
        index,
        size: SIZE,
        path: inclusionPath(hash, { index, size: SIZE }, subtree).map(encodeBase64),
      })),
      consistency: sizes.slice(1).map((from) => ({
        from,
        to: SIZE,
        path: consistencyPath(hash, { from, to: SIZE }, subtree).map(encodeBase64),
      })),
    },
    "tile-paths.json": [
      ...[0, 5, 999, 1000, 1_234_067, 4_294_967_296].map((index) => ({ level: 0, index, width: 256 })),
      { level: 63, index: 0, width: 1 },
      { level: "entries" as const, index: 12_345, width: 255 },
    ].map((tile) => ({ ...tile, path: tilePath(tile as Parameters<typeof tilePath>[0]) })),
    "note.json": { vkey, text: "one\n\ntwo\n", note: signNote("one\n\ntwo\n", key, signerOf(privateKey)) },
    "checkpoint.json": { vkey, size: SIZE, checkpoint },
    "ml-dsa.json": makeMlDsaVector(checkpoint, key),
    "receipt.json": { vkey, run: "run-0", indexes: [0, 2, 4], receipt: new TextDecoder().decode(encodeReceipt(receipt)) },
  };
}

/** A checkpoint that is signed twice; without the fresh randomness of real signatures, so that a second run gives the same. */
function makeMlDsaVector(checkpoint: string, ed25519: LogKey): unknown {
  const { publicKey, secretKey } = ml_dsa44.keygen(SEED);
  const mlDsa44 = must(makeMlDsaKey(sha256, ORIGIN, publicKey));
  const { size, root } = must(parseSignedCheckpoint(checkpoint));
  const signed = addMlDsaSignature(checkpoint, mlDsa44, (message) => ml_dsa44.sign(message, secretKey, { extraEntropy: false }));
  return {
    seed: encodeHex(SEED),
    vkeys: encodeLogKeys({ ed25519, mlDsa44 }),
    message: encodeHex(encodeSubtreeMessage({ cosigner: ORIGIN, atSeconds: 0, origin: ORIGIN, size, root })),
    checkpoint: signed,
  };
}

/** The text of one vector's file. */
export function encodeVector(vector: unknown): string {
  return `${JSON.stringify(vector, null, 1)}\n`;
}

if (import.meta.main) {
  for (const [name, vector] of Object.entries(makeVectors())) {
    writeFileSync(join(import.meta.dirname, name), encodeVector(vector));
  }
}
