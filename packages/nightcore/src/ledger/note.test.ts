import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { concatBytes, encodeBase64, parseHex, utf8 } from "#core";
import { privateKeyObject, publicKeyOf, sha256, signerOf, verifyEd25519 } from "#store/keys";
import { encodeNote, parseNote, signNote, verifyNote } from "./note.ts";
import { encodeVkey, type LogKey, makeLogKey, parseVkey } from "./vkey.ts";

/** The example of the signed-note specification. */
const VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const NOTE =
  "This is an example message.\n\n" +
  "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

const privateKey = privateKeyObject(new Uint8Array(32).fill(1));
const sign = signerOf(privateKey);

function keyNamed(name: string, fill = 1): LogKey {
  const key = makeLogKey(sha256, name, publicKeyOf(privateKeyObject(new Uint8Array(32).fill(fill))));
  assert.ok(key.ok);
  return key.value;
}

function exampleKey(): LogKey {
  const key = parseVkey(sha256, VKEY);
  assert.ok(key.ok);
  return key.value;
}

/** The code of the fault with which reading and verifying a note ends. */
function outcome(text: string, keys: readonly LogKey[]): string {
  const note = parseNote(text);
  if (!note.ok) return note.fault.code;
  const verified = verifyNote(note.value, keys, verifyEd25519);
  return verified.ok ? `signed by ${verified.value.map((key) => key.name).join()}` : verified.fault.code;
}

test("the specification's example verifies, and is encoded as it stands", () => {
  assert.equal(outcome(NOTE, [exampleKey()]), "signed by example.com/foo");
  const note = parseNote(NOTE);
  assert.ok(note.ok);
  assert.equal(note.value.text, "This is an example message.\n");
  assert.equal(encodeNote(note.value), NOTE);
  assert.equal(encodeVkey(exampleKey()), VKEY);
});

const ours = keyNamed("log.test/a");
const signed = signNote("hello\n", ours, sign);
const strangerLine = `— other.test ${encodeBase64(concatBytes([utf8("abcd"), new Uint8Array(64)]))}\n`;
const otherName = keyNamed("log.test/b");

for (const [what, text, expected] of [
  ["our own note", signed, "signed by log.test/a"],
  ["an unknown signature beside ours", signed + strangerLine, "signed by log.test/a"],
  ["a text with a blank line, split at the last", signNote("a\n\nb\n", ours, sign), "signed by log.test/a"],
  ["only unknown signatures", `hello\n\n${strangerLine}`, "ledger/note-unsigned"],
  ["the same key under another name", signNote("hello\n", otherName, sign), "ledger/note-unsigned"],
  ["a changed text", signed.replace("hello", "hallo"), "ledger/note-bad-signature"],
  [
    "a good and a bad line of one known key",
    signed + signNote("other\n", ours, sign).slice("other\n\n".length),
    "ledger/note-bad-signature",
  ],
  ["no blank line", signed.replace("\n\n", "\n"), "ledger/note-malformed"],
  ["no signature", "hello\n\n", "ledger/note-malformed"],
  ["no final newline", signed.slice(0, -1), "ledger/note-malformed"],
  ["an empty text", `\n\n${strangerLine}`, "ledger/note-malformed"],
  ["a carriage return", signed.replace("hello\n", "hello\r\n"), "ledger/note-malformed"],
  ["a NUL", signed.replace("hello", "hel\u0000lo"), "ledger/note-malformed"],
  ["a tab", signed.replace("hello", "hel\tlo"), "ledger/note-malformed"],
  ["a lone surrogate", signed.replace("hello", "hel\ud800lo"), "ledger/note-malformed"],
  ["a hyphen for the dash", signed.replace("— ", "- "), "ledger/note-malformed"],
  ["a plus in a key name", signed.replace("— log.test/a", "— log.test+a"), "ledger/note-malformed"],
  ["a no-break space in a key name", signed.replace("— log.test/a", "— log.test\u00a0a"), "ledger/note-malformed"],
  ["base64 without its padding", signed.replace(/=+\n$/, "\n"), "ledger/note-malformed"],
  ["base64 with stray bits", NOTE.replace("aQM=", "aQN="), "ledger/note-malformed"],
  ["a signature of no bytes", "hello\n\n— log.test/a YWJjZA==\n", "ledger/note-malformed"],
  ["101 signatures", `hello\n\n${strangerLine.repeat(101)}`, "ledger/note-malformed"],
  ["128 KiB of text", `${"x".repeat(131_072)}\n\n${strangerLine}`, "ledger/note-too-large"],
] as const) {
  test(`a note with ${what}: ${expected}`, () => assert.equal(outcome(text, [ours]), expected));
}

test("16 signatures of unknown witnesses are no obstacle", () => {
  assert.equal(outcome(signed + strangerLine.repeat(16), [ours]), "signed by log.test/a");
});

test("a signature over a DSSE encoding is never taken for a note's, and none is made", () => {
  const text = "DSSEv1 28 application/vnd.in-toto+json 2 {}\n";
  assert.throws(() => signNote(text, ours, sign), /bug/);
  const id = parseHex(ours.id);
  assert.ok(id.ok);
  const forged = `${text}\n— ${ours.name} ${encodeBase64(concatBytes([id.value, sign(utf8(text))]))}\n`;
  assert.equal(outcome(forged, [ours]), "ledger/note-bad-signature");
});

for (const [attack, vkey, code] of [
  ["an id of another key", VKEY.replace("530d903a", "530d903b"), "ledger/vkey-id-mismatch"],
  ["a name of another key", VKEY.replace("foo", "bar"), "ledger/vkey-id-mismatch"],
  ["an upper-case id", VKEY.replace("530d903a", "530D903A"), "ledger/vkey-malformed"],
  ["no key", "example.com/foo+530d903a+", "ledger/vkey-malformed"],
  ["no parts", "example.com/foo", "ledger/vkey-malformed"],
  ["an empty name", VKEY.slice("example.com/foo".length), "ledger/key-name-forbidden"],
  ["a space in its name", `a b${VKEY.slice("example.com/foo".length)}`, "ledger/key-name-forbidden"],
  ["a cosignature's type", "example.com/foo+530d903a+BOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "ledger/vkey-type-unknown"],
  ["31 bytes", "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3Uw=", "ledger/vkey-malformed"],
  ["a newline at its end", `${VKEY}\n`, "ledger/vkey-malformed"],
  ["2,100 characters", `${"a".repeat(2100)}${VKEY}`, "ledger/vkey-malformed"],
] as const) {
  test(`a verifier key with ${attack} is refused: ${code}`, () => {
    const key = parseVkey(sha256, vkey);
    assert.equal(key.ok ? "" : key.fault.code, code);
  });
}

test("a verifier key whose base64 contains a plus is read", () => {
  const keys = Array.from({ length: 40 }, (_, fill) => encodeVkey(keyNamed("log.test/plus", fill)));
  const withPlus = keys.filter((vkey) => vkey.split("+").length > 3);
  assert.ok(withPlus.length > 5);
  for (const vkey of withPlus) assert.ok(parseVkey(sha256, vkey).ok);
});

test("property: any flipped character of a note is noticed or leaves the text and our signature alone", () => {
  fc.assert(
    fc.property(fc.nat(signed.length - 1), fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }), (at, c) => {
      const mutant = signed.slice(0, at) + c + signed.slice(at + 1);
      if (mutant !== signed) assert.notEqual(outcome(mutant, [ours]), "signed by log.test/a");
    }),
    { numRuns: 500 },
  );
});

test("property: only the canonical note decodes, and nothing throws", () => {
  const part = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom("\n", "\n\n", "hello\n", "— ", strangerLine, "AAAAAAA=", " a "),
  );
  let read = 0;
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      for (const text of [parts.join(""), `${parts.join("")}\n\n${strangerLine}`]) {
        const note = parseNote(text);
        if (!note.ok) continue;
        read++;
        assert.equal(encodeNote(note.value), text);
      }
    }),
    { seed: 41, numRuns: 500 },
  );
  assert.ok(read > 50, "notes were among them");
});

test("property: a verifier key with characters changed is no verifier key, and no text makes its reader throw", () => {
  const vkey = encodeVkey(ours);
  fc.assert(
    fc.property(fc.nat(vkey.length - 1), fc.string({ minLength: 1, maxLength: 3 }), (at, some) => {
      const mutant = vkey.slice(0, at) + some + vkey.slice(at + some.length);
      // The id is 4 bytes of a hash over name and key: what is changed by chance does not meet it.
      if (mutant !== vkey) assert.equal(parseVkey(sha256, mutant).ok, false, mutant);
    }),
    { seed: 42, numRuns: 2000 },
  );
  const word = fc.oneof(fc.constantFrom("+", "log.test", ours.id, vkey, "AQ==", "\n"), fc.string());
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (words) => {
      const key = parseVkey(sha256, words.join(""));
      if (key.ok) assert.equal(encodeVkey(key.value), words.join(""));
    }),
  );
});
