import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { publicKeyOf, signerOf, verifyEd25519 } from "./crypto.ts";

const makeKey = () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  return { publicKey: publicKeyOf(privateKey), sign: signerOf(privateKey) };
};

function flip(bytes: Uint8Array, at: number): Uint8Array {
  const changed = new Uint8Array(bytes);
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
}

for (const length of [0, 100, 4096, 4097, 100_000]) {
  test(`a signature over ${length} bytes that was found good does not vouch for anything else`, () => {
    const [own, other] = [makeKey(), makeKey()];
    const message = new Uint8Array(length).fill(7);
    const signature = new Uint8Array(own.sign(message));
    for (let n = 0; n < 3; n++) {
      assert.equal(verifyEd25519(own.publicKey, message, signature), true);
      assert.equal(verifyEd25519(other.publicKey, message, signature), false, "another key");
      assert.equal(verifyEd25519(flip(own.publicKey, 31), message, signature), false, "a changed key");
      for (const at of [0, 31, 32, 63])
        assert.equal(verifyEd25519(own.publicKey, message, flip(signature, at)), false, "changed");
      assert.equal(verifyEd25519(own.publicKey, new Uint8Array([...message, 7]), signature), false, "a longer message");
      if (length > 0)
        assert.equal(verifyEd25519(own.publicKey, flip(message, length - 1), signature), false, "a changed message");
      // The same bytes in one row, cut elsewhere.
      const moved = new Uint8Array([...signature.subarray(1), message[0] ?? 0]);
      assert.equal(verifyEd25519(own.publicKey, message.subarray(1), moved), false, "cut elsewhere");
      assert.equal(verifyEd25519(own.publicKey, message, signature.subarray(0, 63)), false, "a short signature");
    }
  });
}

test("what was found good is forgotten and found good again", () => {
  const { publicKey, sign } = makeKey();
  const signed = Array.from({ length: 1100 }, (_, n) => ({ message: new Uint8Array([n >> 8, n & 255]) })).map(({ message }) => ({
    message,
    signature: new Uint8Array(sign(message)),
  }));
  for (let n = 0; n < 2; n++)
    for (const { message, signature } of signed) assert.ok(verifyEd25519(publicKey, message, signature));
});
