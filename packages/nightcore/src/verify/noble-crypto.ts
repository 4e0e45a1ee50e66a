import { hashes, verify } from "@noble/ed25519";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import type { VerifierCrypto } from "#core";

hashes.sha512 = sha512;

/**
 * SHA-256, Ed25519 and ML-DSA-44 in plain JavaScript, the same in every browser. Signatures are checked strictly, as RFC 8032 5.1.7
 * and FIPS 204 say.
 */
export const nobleCrypto: VerifierCrypto = {
  sha256: (bytes) => sha256(bytes),
  verifyEd25519(publicKey, message, signature) {
    if (publicKey.length !== 32 || signature.length !== 64) return false;
    try {
      return verify(signature, message, publicKey, { zip215: false });
    } catch {
      return false;
    }
  },
  verifyMlDsa44(publicKey, message, signature) {
    if (publicKey.length !== 1312 || signature.length !== 2420) return false;
    try {
      return ml_dsa44.verify(signature, message, publicKey);
    } catch {
      return false;
    }
  },
};
