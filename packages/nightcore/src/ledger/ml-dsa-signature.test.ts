import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { encodeHex, utf8 } from "#core";
import { privateKeyObject, publicKeyOf, sha256, signerOf, verifyEd25519, verifyMlDsa44 } from "#store/keys";
import { parseCheckpoint, signCheckpoint, verifyCheckpoint } from "./checkpoint.ts";
import { explainEvidenceFault } from "./explain.ts";
import { encodeLogKeys, parseLogKeys } from "./log-keys.ts";
import { addMlDsaSignature, encodeSubtreeMessage, verifyMlDsaCheckpoint } from "./ml-dsa-signature.ts";
import { encodeNote, parseNote } from "./note.ts";
import { encodeMlDsaVkey, encodeVkey, type LogKey, makeLogKey, makeMlDsaKey, parseMlDsaVkey, parseVkey } from "./vkey.ts";

const NAME = "example.com/log";
const ROOT = new Uint8Array(32).fill(7);
const first = privateKeyObject(new Uint8Array(32).fill(1));
const { privateKey: second } = generateKeyPairSync("ml-dsa-44");
const { privateKey: stranger } = generateKeyPairSync("ml-dsa-44");

function made<T>(result: { readonly ok: true; readonly value: T } | { readonly ok: false }): T {
  assert.ok(result.ok);
  return result.value;
}

const ed25519 = made(makeLogKey(sha256, NAME, publicKeyOf(first)));
const mlDsa44 = made(makeMlDsaKey(sha256, NAME, publicKeyOf(second)));
const plain = signCheckpoint({ size: 300, root: ROOT }, ed25519, signerOf(first));
const signed = addMlDsaSignature(plain, mlDsa44, signerOf(second));

function outcome(checkpoint: string, key: LogKey = mlDsa44): string {
  const verified = verifyMlDsaCheckpoint(checkpoint, key, verifyMlDsa44);
  if (verified.ok) return `${verified.value.origin} ${verified.value.size}`;
  assert.ok(explainEvidenceFault(verified.fault).message.length > 0);
  return verified.fault.code;
}

test("what is signed is the specification's structure, byte for byte", () => {
  const message = encodeSubtreeMessage({ cosigner: "w.example/1", atSeconds: 5, origin: "ä", size: 258, root: ROOT });
  const expected = [
    "737562747265652f76310a00", // "subtree/v1\n\0"
    `0b${encodeHex(utf8("w.example/1"))}`,
    "0000000000000005",
    "02c3a4", // lengths are of bytes
    "0000000000000000",
    "0000000000000102",
    "07".repeat(32),
  ].join("");
  assert.equal(encodeHex(message), expected);
});

test("a checkpoint with both signatures is accepted by those who know either key, and costs 3,268 characters more", () => {
  assert.equal(outcome(signed), "example.com/log 300");
  assert.ok(verifyCheckpoint(signed, ed25519, verifyEd25519).ok, "a verifier of before is not disturbed");
  assert.equal(signed.length - plain.length, "— example.com/log \n".length + Math.ceil((4 + 8 + 2420) / 3) * 4);
  assert.notEqual(addMlDsaSignature(plain, mlDsa44, signerOf(second)), signed, "another signature of the same, and as good");
});

const note = made(parseNote(signed));
const [, line] = note.signatures;
assert.ok(line !== undefined);
const withSignature = (signature: Uint8Array): string =>
  encodeNote({ text: note.text, signatures: [...note.signatures.slice(0, 1), { ...line, signature }] });
const flipped = (at: number): Uint8Array => Uint8Array.from(line.signature, (byte, n) => (n === at ? byte ^ 1 : byte));
const other = made(makeMlDsaKey(sha256, "example.com/other", publicKeyOf(second)));
const unknown = made(makeMlDsaKey(sha256, NAME, publicKeyOf(stranger)));
const forged = addMlDsaSignature(plain, mlDsa44, signerOf(stranger));

for (const [attack, checkpoint, expected, key] of [
  ["without the line", plain, "ledger/note-unsigned"],
  ["of a key that nobody named", signed, "ledger/note-unsigned", unknown],
  ["under another origin", signed, "ledger/checkpoint-foreign", other],
  ["by a stranger's key under our id", forged, "ledger/note-bad-signature"],
  ["of another size", signed.replace("\n300\n", "\n301\n"), "ledger/note-bad-signature"],
  ["of another root", signed.replace("\nBwcH", "\nBwcI"), "ledger/note-bad-signature"],
  ["at another time", withSignature(flipped(7)), "ledger/note-bad-signature"],
  ["at a time beyond what is counted exactly", withSignature(flipped(0)), "ledger/note-bad-signature"],
  ["with a flipped bit", withSignature(flipped(1000)), "ledger/note-bad-signature"],
  ["with a byte too few", withSignature(line.signature.subarray(0, -1)), "ledger/note-bad-signature"],
  ["with a byte too many", withSignature(Uint8Array.from([...line.signature, 0])), "ledger/note-bad-signature"],
  ["a good line and a bad one", `${signed}${encodeLine(flipped(9))}`, "ledger/note-bad-signature"],
  ["that is no note", "hello", "ledger/note-malformed"],
] as const) {
  test(`an ML-DSA-44 signature ${attack}: ${expected}`, () => assert.equal(outcome(checkpoint, key), expected));
}

function encodeLine(signature: Uint8Array): string {
  const text = encodeNote({ text: note.text, signatures: [{ ...line, name: NAME, keyId: mlDsa44.id, signature }] });
  return text.slice(text.indexOf("\n\n") + 2);
}

test("extension lines are the first signature's matter", () => {
  const text = `${note.text}extension\n`;
  assert.ok(parseCheckpoint(text).ok);
  assert.equal(outcome(encodeNote({ ...note, text })), "example.com/log 300");
  assert.ok(!verifyCheckpoint(encodeNote({ ...note, text }), ed25519, verifyEd25519).ok);
});

test("property: no bytes in the place of the signature are believed, and none make it throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 2500 }), (bytes) => {
      assert.equal(outcome(withSignature(bytes)), "ledger/note-bad-signature");
    }),
    { numRuns: 100 },
  );
});

const VKEYS = encodeLogKeys({ ed25519, mlDsa44 });

test("both keys of a log are two lines, and one of them may be missing: the second", () => {
  assert.deepEqual(made(parseLogKeys(sha256, VKEYS)), { ed25519, mlDsa44 });
  assert.deepEqual(made(parseLogKeys(sha256, `\n ${VKEYS.split("\n").toReversed().join("\r\n\n")}\n`)), { ed25519, mlDsa44 });
  assert.deepEqual(made(parseLogKeys(sha256, encodeVkey(ed25519))), { ed25519, mlDsa44: undefined });
});

test("a key of one type is not one of another, whatever its bytes", () => {
  assert.deepEqual(made(parseMlDsaVkey(sha256, encodeMlDsaVkey(mlDsa44))), mlDsa44);
  const codeOf = (read: ReturnType<typeof parseVkey>) => (read.ok ? "read" : read.fault.code);
  assert.equal(codeOf(parseVkey(sha256, encodeMlDsaVkey(mlDsa44))), "ledger/vkey-type-unknown");
  assert.equal(codeOf(parseMlDsaVkey(sha256, encodeVkey(ed25519))), "ledger/vkey-type-unknown");
  assert.equal(codeOf(makeMlDsaKey(sha256, NAME, new Uint8Array(1311))), "ledger/vkey-malformed");
  assert.equal(codeOf(makeMlDsaKey(sha256, "ä".repeat(128), publicKeyOf(second))), "ledger/key-name-forbidden");
});

test("an ML-DSA-44 key's base64 contains a plus nearly always, and is read all the same", () => {
  // 1,313 bytes are 1,752 characters, each a plus with probability 1/64: one key in 10^12 has none. Eight keys are enough.
  const keys = Array.from({ length: 8 }, (_, fill) => {
    const publicKey = new Uint8Array(1312).map((_byte, at) => (at * 31 + fill * 7 + 0xf8) & 0xff);
    return encodeMlDsaVkey(made(makeMlDsaKey(sha256, NAME, publicKey)));
  });
  assert.ok(keys.every((vkey) => vkey.split("+").length > 3));
  for (const vkey of keys) assert.ok(parseMlDsaVkey(sha256, vkey).ok);
});

const renamed = encodeMlDsaVkey(other);
for (const [what, text, code] of [
  ["nothing", "", "ledger/vkey-malformed"],
  ["no first key", encodeMlDsaVkey(mlDsa44), "ledger/vkey-malformed"],
  ["two first keys", `${encodeVkey(ed25519)}\n${encodeVkey(ed25519)}`, "ledger/vkey-malformed"],
  ["two second keys", `${VKEYS}\n${encodeMlDsaVkey(unknown)}`, "ledger/vkey-malformed"],
  ["keys of two names", `${encodeVkey(ed25519)}\n${renamed}`, "ledger/vkey-malformed"],
  ["a second key with another id", VKEYS.replace(`+${mlDsa44.id}+`, "+00000000+"), "ledger/vkey-id-mismatch"],
  ["a cosigner's key", `${encodeVkey(ed25519)}\nw+00000000+BA==`, "ledger/vkey-type-unknown"],
  ["a page of prose", "to be\nor not to be", "ledger/vkey-malformed"],
] as const) {
  test(`a log's keys with ${what} are refused: ${code}`, () => {
    const keys = parseLogKeys(sha256, text);
    assert.equal(keys.ok ? "read" : keys.fault.code, code);
  });
}

test("property: no text is taken for keys that it does not spell, and none makes the reader throw", () => {
  const lines = fc.constantFrom(encodeVkey(ed25519), encodeMlDsaVkey(mlDsa44), renamed, "", " ");
  const text = fc.array(fc.oneof(lines, fc.string()), { maxLength: 4 }).map((parts) => parts.join("\n"));
  fc.assert(
    fc.property(text, (vkeys) => {
      const keys = parseLogKeys(sha256, vkeys);
      if (!keys.ok) return;
      for (const spelled of encodeLogKeys(keys.value).split("\n")) assert.ok(vkeys.includes(spelled));
    }),
  );
});
