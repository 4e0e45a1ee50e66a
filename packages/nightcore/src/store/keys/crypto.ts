import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from "node:crypto";
import type { Bytes, Sha256, SignEd25519, SignMlDsa44, VerifyEd25519, VerifyMlDsa44 } from "#core";

/** RFC 8410 and RFC 9881: the DER in front of an Ed25519 and of an ML-DSA-44 public key, and in front of an Ed25519 seed. */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const ML_DSA_SPKI_PREFIX = Buffer.from("30820532300b06096086480165030403110382052100", "hex");
/** Bytes of an ML-DSA-44 public key (FIPS 204, table 2). */
export const ML_DSA_PUBLIC_BYTES = 1312;
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

/**
 * SHA-256 in one call: 1.4 times as fast as a hash object. As text of a letter for each byte, out of which Node makes a part of a
 * buffer that it has: a buffer for each digest would cost as much again as hashing sixty-five bytes does, and be swept away later.
 */
export const sha256: Sha256 = (bytes) => Buffer.from(hash("sha256", bytes, "latin1"), "latin1");

/**
 * RFC 8032 through OpenSSL. False for keys and signatures of the wrong length or no curve point. The answer is a function of the
 * three and of nothing else, so a short message that was found good is not computed again: a warm tenant's module is signed once.
 */
export const verifyEd25519: VerifyEd25519 = (publicKey, message, signature) => {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  if (message.length > REMEMBERED_BYTES_MAX) return compute(publicKey, message, signature);
  // All of their bytes, not a digest of them: what is found here is equal.
  const question = latin1(publicKey) + latin1(signature) + latin1(message);
  if (foundGood.has(question)) return true;
  if (!compute(publicKey, message, signature)) return false;
  if (foundGood.size >= REMEMBERED_MAX) foundGood.clear();
  foundGood.add(question);
  return true;
};

const REMEMBERED_BYTES_MAX = 4096; // LIMIT: of a message; what is signed about a module has less than one kilobyte
const REMEMBERED_MAX = 1000; // LIMIT: 4 MiB of questions
const foundGood = new Set<string>();

function latin1(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

function compute(publicKey: Bytes, message: Bytes, signature: Bytes): boolean {
  try {
    return verify(null, message, recentKeyObject(publicKey), signature);
  } catch {
    return false;
  }
}

/** FIPS 204 through OpenSSL, with the empty context. False for keys and signatures of the wrong length. */
export const verifyMlDsa44: VerifyMlDsa44 = (publicKey, message, signature) => {
  if (publicKey.length !== ML_DSA_PUBLIC_BYTES || signature.length !== 2420) return false;
  try {
    const key = createPublicKey({ key: Buffer.concat([ML_DSA_SPKI_PREFIX, publicKey]), format: "der", type: "spki" });
    return verify(null, message, key, signature);
  } catch {
    return false;
  }
};

const RECENT_KEYS_MAX = 64; // LIMIT: a batch is signed by a few keys; making an object costs a third of a verification
const recentKeys = new Map<string, KeyObject>();

function recentKeyObject(publicKey: Bytes): KeyObject {
  const name = latin1(publicKey);
  const known = recentKeys.get(name);
  if (known !== undefined) return known;
  if (recentKeys.size >= RECENT_KEYS_MAX) recentKeys.clear();
  const made = publicKeyObject(publicKey);
  recentKeys.set(name, made);
  return made;
}

/** The key object of 32 raw bytes. */
export function publicKeyObject(publicKey: Bytes): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: "der", type: "spki" });
}

/** The key object of a 32-byte seed. */
export function privateKeyObject(seed: Bytes): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
}

/** The raw bytes of the public half: 32 of an Ed25519 key, 1,312 of an ML-DSA-44 key. */
export function publicKeyOf(key: KeyObject): Uint8Array {
  const publicHalf = key.type === "private" ? createPublicKey(key) : key;
  const prefix = key.asymmetricKeyType === "ml-dsa-44" ? ML_DSA_SPKI_PREFIX : SPKI_PREFIX;
  return new Uint8Array(publicHalf.export({ format: "der", type: "spki" }).subarray(prefix.length));
}

/** The power to sign with a key of either kind, without the key. */
export function signerOf(key: KeyObject): SignEd25519 & SignMlDsa44 {
  return (message) => sign(null, message, key);
}
