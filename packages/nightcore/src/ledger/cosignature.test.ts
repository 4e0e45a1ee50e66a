import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { utf8 } from "#core";
import { publicKeyOf, sha256, signerOf, verifyEd25519 } from "#store/keys";
import { encodeCosignedText, signCosignature, verifyCosignatures } from "./cosignature.ts";
import { encodeNote, type Note, parseNote } from "./note.ts";
import { encodeVkey, encodeWitnessVkey, type LogKey, makeLogKey, makeWitnessKey, parseVkey, parseWitnessVkey } from "./vkey.ts";

const TEXT = "example.com/log\n7\nqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo=\n";
const { privateKey } = generateKeyPairSync("ed25519");
const made = makeWitnessKey(sha256, "witness.example/w1", publicKeyOf(privateKey));
assert.ok(made.ok);
const witness: LogKey = made.value;
const note: Note = {
  text: TEXT,
  signatures: [signCosignature(TEXT, { key: witness, atSeconds: 1_700_000_000 }, signerOf(privateKey))],
};

test("what is signed is the specification's: three lines of header and the text without its signatures", () => {
  assert.deepEqual(encodeCosignedText(TEXT, 5), utf8(`cosignature/v1\ntime 5\n${TEXT}`));
});

test("a cosignature survives the note and names its witness and time", () => {
  const read = parseNote(encodeNote(note));
  assert.ok(read.ok);
  const found = verifyCosignatures(read.value, [witness], verifyEd25519);
  assert.deepEqual(found.ok && found.value, [{ name: witness.name, id: witness.id, atSeconds: 1_700_000_000 }]);
  assert.deepEqual(verifyCosignatures(read.value, [], verifyEd25519), { ok: true, value: [] });
});

test("a witness's key is not a log's key, though its bytes are the same", () => {
  const log = makeLogKey(sha256, witness.name, witness.publicKey);
  assert.ok(log.ok && log.value.id !== witness.id);
  assert.ok(parseWitnessVkey(sha256, encodeWitnessVkey(witness)).ok);
  for (const read of [parseVkey(sha256, encodeWitnessVkey(witness)), parseWitnessVkey(sha256, encodeVkey(log.value))])
    assert.equal(read.ok ? "read" : read.fault.code, "ledger/vkey-type-unknown");
});

const [line] = note.signatures;
assert.ok(line !== undefined);
const withSignature = (signature: Uint8Array): Note => ({ text: TEXT, signatures: [{ ...line, signature }] });
const REFUSED: readonly (readonly [attack: string, note: Note])[] = [
  ["another text", { ...note, text: TEXT.replace("7", "8") }],
  ["another time", withSignature(Uint8Array.from(line.signature, (byte, n) => (n === 7 ? byte ^ 1 : byte)))],
  ["a plain note signature under the witness's id", withSignature(sign(null, utf8(TEXT), privateKey))],
  ["a time of zero", { text: TEXT, signatures: [signCosignature(TEXT, { key: witness, atSeconds: 0 }, signerOf(privateKey))] }],
  ["a byte too much", withSignature(Uint8Array.from([...line.signature, 0]))],
];

for (const [attack, bad] of REFUSED) {
  test(`refused: ${attack}`, () => {
    const found = verifyCosignatures(bad, [witness], verifyEd25519);
    assert.equal(found.ok ? "believed" : found.fault.code, "ledger/cosignature-bad");
  });
}

test("no signature of any bytes is believed or makes it throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), (signature) => {
      assert.equal(verifyCosignatures(withSignature(signature), [witness], verifyEd25519).ok, false);
    }),
  );
});
