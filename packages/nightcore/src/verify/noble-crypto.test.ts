import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { publicKeyOf, signerOf, verifyEd25519, verifyMlDsa44 } from "#store/keys";
import { nobleCrypto } from "./noble-crypto.ts";

// Two implementations, of different people and in different languages, are to agree on every signature.
const KINDS = [
  { name: "ed25519", openssl: verifyEd25519, noble: nobleCrypto.verifyEd25519, bytes: 64 },
  { name: "ml-dsa-44", openssl: verifyMlDsa44, noble: nobleCrypto.verifyMlDsa44, bytes: 2420 },
] as const;

for (const { name, openssl, noble, bytes } of KINDS) {
  const { privateKey } = name === "ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("ml-dsa-44");
  const publicKey = publicKeyOf(privateKey);
  const message = Buffer.from("a message");
  const signature = signerOf(privateKey)(message);

  test(`${name}: what OpenSSL signs, noble believes, of any message`, () => {
    assert.equal(signature.length, bytes);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (any) => noble(publicKey, any, signerOf(privateKey)(any))),
      { numRuns: 20 },
    );
  });

  test(`${name}: a flipped bit of key, message or signature is believed by neither`, () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 1, 2), fc.nat(1_000_000), (which, at) => {
        const parts = [publicKey, message, signature].map((part) => Uint8Array.from(part)) as [
          Uint8Array,
          Uint8Array,
          Uint8Array,
        ];
        const part = parts[which] ?? message;
        const byte = Math.floor(at / 8) % part.length;
        part[byte] = (part[byte] ?? 0) ^ (1 << (at % 8));
        assert.deepEqual([openssl(...parts), noble(...parts)], [false, false]);
      }),
      { numRuns: 60 },
    );
  });

  test(`${name}: bytes of any length are refused by both, and neither throws`, () => {
    for (const length of [0, 1, bytes - 1, bytes, bytes + 1]) {
      const garbage = new Uint8Array(length).fill(0xff);
      assert.deepEqual([openssl(publicKey, message, garbage), noble(publicKey, message, garbage)], [false, false]);
      assert.deepEqual([openssl(garbage, message, signature), noble(garbage, message, signature)], [false, false]);
    }
  });
}
