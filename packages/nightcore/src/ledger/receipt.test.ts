import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Bytes, utf8 } from "#core";
import { privateKeyObject, publicKeyOf, sha256, signerOf, verifyEd25519 } from "#store/keys";
import { inclusionPath, rootOf } from "./audit-path.ts";
import { signCheckpoint } from "./checkpoint.ts";
import { makeEntrySigner, sealEnvelope } from "#attest";
import { explainEvidenceFault } from "./explain.ts";
import { makeTreeHash } from "./merkle-tree.ts";
import { RECEIPT_CHECKS, verifyReceipt } from "./receipt-verification.ts";
import { encodeReceipt, makeReceiptEntry, parseReceipt, type Receipt } from "./receipt.ts";
import { encodeStatement } from "#attest";
import { encodeTlogProof, parseTlogProof } from "./tlog-proof.ts";
import { encodeVkey, makeLogKey } from "./vkey.ts";

const hash = makeTreeHash(sha256);
const crypto = { sha256, verifyEd25519 };

/** A log in memory with one entry per run named. */
function makeLog(origin: string, seed: number, runs: readonly string[]) {
  const privateKey = privateKeyObject(new Uint8Array(32).fill(seed));
  const sign = signerOf(privateKey);
  const key = makeLogKey(sha256, origin, publicKeyOf(privateKey));
  assert.ok(key.ok);
  const signer = makeEntrySigner(sha256, publicKeyOf(privateKey), sign);
  const entries = runs.map((run, n) => {
    const subject = [{ name: "module.wasm", digest: { sha256: "ab".repeat(32) } }];
    const sealed = sealEnvelope(encodeStatement({ subject, predicateType: "https://x.test/v1", predicate: { run, n } }), signer);
    assert.ok(sealed.ok);
    return sealed.value;
  });
  const leaves = entries.map((entry) => hash.leaf(entry));
  const subtree = (level: number, index: number): Bytes =>
    level === 0 ? (leaves[index] ?? hash.empty) : hash.node(subtree(level - 1, 2 * index), subtree(level - 1, 2 * index + 1));
  const checkpointOf = (size: number): string => signCheckpoint({ size, root: rootOf(hash, size, subtree) }, key.value, sign);
  const entryAt = (index: number, size = runs.length) => {
    const path = inclusionPath(hash, { index, size }, subtree);
    const entry = makeReceiptEntry(
      entries[index] ?? new Uint8Array(0),
      encodeTlogProof({ index, path, checkpoint: checkpointOf(size) }),
    );
    assert.ok(entry !== undefined);
    return entry;
  };
  return { vkey: encodeVkey(key.value), entryAt };
}

const RUNS = ["a", "b", "a", "c", "a", "b", "a"];
const log = makeLog("log.test/receipts", 4, RUNS);
const other = makeLog("log.test/receipts", 5, RUNS);
const renamed = makeLog("log.test/renamed", 4, RUNS);
const receipt: Receipt = { run: "a", logKey: log.vkey, entries: [0, 2, 4, 6].map((index) => log.entryAt(index)) };

function outcome(document: Receipt | Bytes, vkey = log.vkey): string {
  const verdict = verifyReceipt(document instanceof Uint8Array ? document : encodeReceipt(document), vkey, crypto);
  assert.equal(verdict.checks.length, RECEIPT_CHECKS.length);
  assert.equal(
    verdict.checks.every((check) => check.outcome === "ok"),
    verdict.result.ok,
  );
  if (verdict.result.ok) return `verified ${verdict.result.value.entries.map((entry) => entry.index).join()}`;
  assert.equal(verdict.checks.filter((check) => check.outcome === "failed").length, 1);
  assert.ok(explainEvidenceFault(verdict.result.fault).message.length > 0);
  return verdict.result.fault.code;
}

const [first, second, third] = receipt.entries;
assert.ok(first !== undefined && second !== undefined && third !== undefined);
const text = Buffer.from(encodeReceipt(receipt)).toString();
const swappedEnvelope = { envelope: second.envelope, proof: first.proof };
const foreign = { ...receipt, entries: [0, 1].map((index) => log.entryAt(index)) };

for (const [what, document, expected] of [
  ["as it was made", receipt, "verified 0,2,4,6"],
  ["one entry of it", { ...receipt, entries: [third] }, "verified 4"],
  ["a log key hint that lies", { ...receipt, logKey: other.vkey }, "verified 0,2,4,6"],
  ["another run id", { ...receipt, run: "b" }, "ledger/receipt-foreign-run"],
  ["an entry of another run", foreign, "ledger/receipt-foreign-run"],
  ["entries in another order", { ...receipt, entries: [second, first] }, "ledger/receipt-unordered"],
  ["an entry twice", { ...receipt, entries: [first, first] }, "ledger/receipt-unordered"],
  ["an older checkpoint for one entry", { ...receipt, entries: [log.entryAt(0, 5), second] }, "ledger/receipt-two-checkpoints"],
  ["an envelope under another's proof", { ...receipt, entries: [swappedEnvelope] }, "ledger/path-mismatch"],
  [
    "an index that was moved",
    { ...receipt, entries: [{ ...first, proof: first.proof.replace("index 0", "index 1") }] },
    "ledger/path-mismatch",
  ],
  [
    "an index past the tree",
    { ...receipt, entries: [{ ...first, proof: first.proof.replace("index 0", "index 9") }] },
    "ledger/index-outside-tree",
  ],
  ["entries of a log with another key", { ...receipt, entries: [other.entryAt(0)] }, "ledger/note-unsigned"],
  ["entries of a log with another origin", { ...receipt, entries: [renamed.entryAt(0)] }, "ledger/note-unsigned"],
  [
    "a changed root",
    { ...receipt, entries: [{ ...first, proof: first.proof.replace("\n7\n", "\n6\n") }] },
    "ledger/note-bad-signature",
  ],
  [
    "a proof without its checkpoint",
    { ...receipt, entries: [{ ...first, proof: "c2sp.org/tlog-proof@v1\nindex 0\n" }] },
    "ledger/proof-malformed",
  ],
  ["white space in an envelope", { ...receipt, entries: [{ ...first, envelope: `${first.envelope} ` }] }, "ledger/path-mismatch"],
  ["no entries", utf8(text.replace(/\[[^]*\]/, "[]")), "ledger/receipt-malformed"],
  ["an unknown member", utf8(text.replace("{", '{"more":1,')), "ledger/receipt-malformed"],
  ["a member twice", utf8(text.replace("{", '{"run":"a",')), "ledger/receipt-malformed"],
  ["another format", utf8(text.replace("receipt/v1", "receipt/v2")), "ledger/receipt-malformed"],
  ["a lone surrogate", utf8(text.replace('"envelope":"', '"envelope":"\\ud800')), "ledger/receipt-malformed"],
  ["a byte that is not UTF-8", Uint8Array.from([0x7b, 0xff]), "ledger/receipt-malformed"],
] as const) {
  test(`a receipt with ${what}: ${expected}`, () => assert.equal(outcome(document), expected));
}

test("a receipt does not verify under a key of its own choosing", () => {
  assert.equal(outcome(receipt, other.vkey), "ledger/note-unsigned");
  assert.equal(outcome(receipt, "log"), "ledger/vkey-malformed");
});

test("a receipt is encoded and parsed without loss", () => {
  const parsed = parseReceipt(encodeReceipt(receipt));
  assert.deepEqual(parsed.ok && encodeReceipt(parsed.value), encodeReceipt(receipt));
});

test("property: a receipt with one byte changed never proves anything else", () => {
  const bytes = encodeReceipt(receipt);
  const hint = Buffer.from(bytes).indexOf(log.vkey);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const mutant = new Uint8Array(bytes);
      mutant[at] = (mutant[at] ?? 0) ^ mask;
      const verdict = verifyReceipt(mutant, log.vkey, crypto);
      if (!verdict.result.ok) return;
      // White space between members and the key hint are all that may differ.
      assert.deepEqual(
        verdict.result.value.entries.map((entry) => entry.index),
        [0, 2, 4, 6],
      );
      assert.equal(verdict.result.value.run, "a");
      const inHint = at >= hint && at < hint + log.vkey.length;
      assert.ok(inHint || [0x20, 0x0a].includes(bytes[at] ?? 0), `byte ${at}`);
    }),
    { numRuns: 600 },
  );
});

for (const [attack, proof] of [
  ["another version", first.proof.replace("@v1", "@v2")],
  ["a leading zero in the index", first.proof.replace("index 0", "index 00")],
  ["an extra line after the index", first.proof.replace("index 0\n", "index 0\nextra AA==\n")],
  ["two extra lines", first.proof.replace("index 0", "extra AA==\nextra AA==\nindex 0")],
  ["a hash of 31 bytes", first.proof.replace("index 0\n", `index 0\n${Buffer.alloc(31).toString("base64")}\n`)],
  ["64 hashes", first.proof.replace("index 0\n", `index 0\n${`${Buffer.alloc(32).toString("base64")}\n`.repeat(64)}`)],
  ["carriage returns", first.proof.replaceAll("\n", "\r\n")],
] as const) {
  test(`a tlog-proof with ${attack} is refused`, () => {
    const parsed = parseTlogProof(proof);
    assert.equal(parsed.ok ? "" : parsed.fault.code, "ledger/proof-malformed");
  });
}

test("a tlog-proof with extra data is read and kept", () => {
  const parsed = parseTlogProof(first.proof.replace("index 0", "extra AQI=\nindex 0"));
  assert.deepEqual(parsed.ok && parsed.value.extra, Uint8Array.from([1, 2]));
});

test("property: only the canonical tlog-proof decodes, and nothing throws", () => {
  const line = fc.oneof(
    fc.constantFrom("c2sp.org/tlog-proof@v1", "index 3", "", Buffer.alloc(32).toString("base64")),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      const proof = lines.join("\n");
      const parsed = parseTlogProof(proof);
      if (parsed.ok) assert.equal(encodeTlogProof(parsed.value), proof);
    }),
  );
  fc.assert(fc.property(fc.json(), (json) => void verifyReceipt(utf8(json), log.vkey, crypto)));
});
