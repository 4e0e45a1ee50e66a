import { encodeHex } from "./base64.ts";
import type { Bytes } from "./bytes.ts";

/** POWER: computes SHA-256. Handed in, so that the law needs no platform. */
export type Sha256 = (bytes: Bytes) => Uint8Array;

/** 64 lower-case hexadecimal digits: the SHA-256 of some bytes. */
export type Digest = string & { readonly "digest sha-256": never };

/** The digest of bytes under the hash that is handed in. */
export function digestOf(sha256: Sha256, bytes: Bytes): Digest {
  return encodeHex(sha256(bytes)) as Digest;
}

/** Reads a SHA-256 as Night Core has ever printed it: either case, with or without `SHA256:` in front. */
export function parseDigest(text: string): Digest | undefined {
  const hex = text.trim().replace(/^sha256:/i, "");
  return /^[0-9a-f]{64}$/i.test(hex) ? (hex.toLowerCase() as Digest) : undefined;
}
