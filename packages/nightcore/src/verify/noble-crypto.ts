import { hashes, verify } from "@noble/ed25519";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import type { Crypto } from "#core";

hashes.sha512 = sha512;

/** SHA-256 and Ed25519 in plain JavaScript, the same in every browser. Signatures are checked strictly, as RFC 8032 5.1.7 says. */
export const nobleCrypto: Crypto = {
  sha256: (bytes) => sha256(bytes),
  verifyEd25519(publicKey, message, signature) {
    if (publicKey.length !== 32 || signature.length !== 64) return false;
    try {
      return verify(signature, message, publicKey, { zip215: false });
    } catch {
      return false;
    }
  },
};
