import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { encodeBase64 } from "#core";
import { privateKeyObject, publicKeyOf, sha256, signerOf, verifyEd25519 } from "#store/keys";
import { encodeCheckpoint, parseCheckpoint, parseSignedCheckpoint, signCheckpoint, verifyCheckpoint } from "./checkpoint.ts";
import { parseBundle } from "./entry-bundle.ts";
import { Frontier, makeTreeHash } from "./merkle-tree.ts";
import { signNote } from "./note.ts";
import { type LogKey, makeLogKey, parseVkey } from "./vkey.ts";

const privateKey = privateKeyObject(new Uint8Array(32).fill(2));
const sign = signerOf(privateKey);
const made = makeLogKey(sha256, "log.test/checkpoint", publicKeyOf(privateKey));
assert.ok(made.ok);
const key: LogKey = made.value;
const root = new Uint8Array(32).fill(9);
const B64 = encodeBase64(root);

test("a signed checkpoint verifies and says what was signed", () => {
  const note = signCheckpoint({ size: 70_000, root }, key, sign);
  const verified = verifyCheckpoint(note, key, verifyEd25519);
  assert.deepEqual(verified, {
    ok: true,
    value: { origin: key.name, size: 70_000, root: Uint8Array.from(root), extensions: [] },
  });
  assert.deepEqual(parseSignedCheckpoint(note), verified);
});

test("the same head gives the same bytes: recovery makes the signature again", () => {
  assert.equal(signCheckpoint({ size: 3, root }, key, sign), signCheckpoint({ size: 3, root }, key, sign));
});

for (const [attack, text] of [
  ["a leading zero in the size", `log.test\n07\n${B64}\n`],
  ["a sign in the size", `log.test\n+7\n${B64}\n`],
  ["a hexadecimal size", `log.test\n0x7\n${B64}\n`],
  ["a size of 2^53", `log.test\n9007199254740992\n${B64}\n`],
  ["an empty size", `log.test\n\n${B64}\n`],
  ["an empty origin", `\n7\n${B64}\n`],
  ["a space in the origin", `log test\n7\n${B64}\n`],
  ["a plus in the origin", `log+test\n7\n${B64}\n`],
  ["an origin like a DSSE encoding", `DSSEv1 28 x\n7\n${B64}\n`],
  ["a root of 31 bytes", `log.test\n7\n${encodeBase64(root.subarray(1))}\n`],
  ["a root without padding", `log.test\n7\n${B64.replace("=", "")}\n`],
  ["a root with stray bits", `log.test\n7\n${B64.replace(/.=$/, "l=")}\n`],
  ["no root", "log.test\n7\n"],
  ["no final newline", `log.test\n7\n${B64}`],
  ["an empty extension line", `log.test\n7\n${B64}\n\nmore\n`],
] as const) {
  test(`a checkpoint with ${attack} is refused`, () => assert.equal(parseCheckpoint(text).ok, false));
}

test("extension lines are read and kept", () => {
  const parsed = parseCheckpoint(`log.test\n7\n${B64}\nmore\n`);
  assert.deepEqual(parsed.ok && parsed.value.extensions, ["more"]);
});

test("a checkpoint of another origin under the same key name is refused", () => {
  const note = signNote(encodeCheckpoint({ origin: "log.test/other", size: 1, root, extensions: [] }), key, sign);
  const verified = verifyCheckpoint(note, key, verifyEd25519);
  assert.equal(verified.ok ? "" : verified.fault.code, "ledger/checkpoint-foreign");
});

test("property: only the canonical text decodes", () => {
  const part = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom("log.test", "7", "007", B64, ""));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      const text = parts.join("\n");
      const parsed = parseCheckpoint(text);
      if (parsed.ok) assert.equal(encodeCheckpoint(parsed.value), text);
    }),
  );
});

const TESSERA = "../shared/data/tlog/tessera-testdata/log";
const TESSERA_KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";

test("every checkpoint of the Tessera log verifies over its own entries", (t) => {
  if (!existsSync(TESSERA)) return t.skip("../shared/data is not here");
  const tessera = parseVkey(sha256, TESSERA_KEY);
  assert.ok(tessera.ok);
  const hash = makeTreeHash(sha256);
  for (let size = 0; size <= 15; size++) {
    const head = verifyCheckpoint(readFileSync(`${TESSERA}/checkpoint.${size}`, "utf8"), tessera.value, verifyEd25519);
    assert.ok(head.ok, `size ${size}`);
    assert.equal(head.value.size, size);
    const frontier = new Frontier(hash);
    if (size > 0) {
      const bundle = parseBundle(readFileSync(`${TESSERA}/tile/entries/000.p/${size}`), size);
      assert.ok(bundle.ok);
      for (const entry of bundle.value) frontier.append(hash.leaf(entry));
    }
    assert.deepEqual(Buffer.from(frontier.root()), Buffer.from(head.value.root), `size ${size}`);
  }
  return undefined;
});
