import type { Bytes } from "./bytes.ts";
import type { Sha256 } from "./digest.ts";

/** POWER: makes the 64-byte Ed25519 signature (RFC 8032) over a message, with a key that the holder cannot see. */
export type SignEd25519 = (message: Bytes) => Uint8Array;

/** POWER: checks an Ed25519 signature by a 32-byte public key. False for anything malformed; never throws. */
export type VerifyEd25519 = (publicKey: Bytes, message: Bytes, signature: Bytes) => boolean;

/** POWER: makes the 2,420-byte ML-DSA-44 signature (FIPS 204, empty context), never twice the same, with a key that the holder cannot see. */
export type SignMlDsa44 = (message: Bytes) => Uint8Array;

/** POWER: checks an ML-DSA-44 signature by a 1,312-byte public key. False for anything malformed; never throws. */
export type VerifyMlDsa44 = (publicKey: Bytes, message: Bytes, signature: Bytes) => boolean;

/** The functions that the law computes with. Node's are in `#store/keys`; a browser hands in its own. */
export type Crypto = { readonly sha256: Sha256; readonly verifyEd25519: VerifyEd25519 };

/** What evidence is checked with: also the second signature of a checkpoint. */
export type VerifierCrypto = Crypto & { readonly verifyMlDsa44: VerifyMlDsa44 };
