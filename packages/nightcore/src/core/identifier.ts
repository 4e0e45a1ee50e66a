import type { Digest, Sha256 } from "./digest.ts";
import { encodeHex } from "./base64.ts";
import type { Bytes } from "./bytes.ts";
import { fail, ok, type Result } from "./result.ts";

/** The name of a tenant: one path component that means the same on every file system. */
export type TenantName = string & { readonly "tenant name": never };

export type TenantNameFault =
  | { readonly code: "core/tenant-name-empty" }
  | { readonly code: "core/tenant-name-too-long"; readonly length: number }
  | { readonly code: "core/tenant-name-forbidden"; readonly name: string };

export const TENANT_NAME_CHARACTERS_MAX = 128; // LIMIT: leaves room for suffixes under the 255 bytes of a file name

/**
 * Accepts a name that is a single, visible path component. Refused: empty, over 128 characters, `.`, `..`, a separator,
 * a colon, control or invisible characters, white space at an end. `<script>` is a legal name: whoever shows it escapes it.
 */
export function parseTenantName(text: string): Result<TenantName, TenantNameFault> {
  if (text.length === 0) return fail({ code: "core/tenant-name-empty" });
  if (text.length > TENANT_NAME_CHARACTERS_MAX) return fail({ code: "core/tenant-name-too-long", length: text.length });
  const forbidden =
    text === "." || text === ".." || text.trim() !== text || /[/\\:]|[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(text);
  if (forbidden || text.startsWith("-")) return fail({ code: "core/tenant-name-forbidden", name: text });
  return ok(text as TenantName);
}

/** The SHA-256 of the 32 raw bytes of an Ed25519 public key, in hexadecimal: what `export-pubkey-hashes` has always printed. */
export type KeyId = Digest & { readonly "key id": never };

/** The identifier of 32 raw bytes of a public key. */
export function keyIdOf(sha256: Sha256, publicKey: Bytes): KeyId {
  return encodeHex(sha256(publicKey)) as KeyId;
}

/** A UUID version 7 (RFC 9562): sorts by time, and cannot be guessed. */
export type RunId = string & { readonly "run id": never };

/** A run identifier of this moment and 16 random bytes, 74 bits of which survive. */
export function makeRunId(nowMs: number, random: Bytes): RunId {
  const bytes = new Uint8Array(16);
  bytes.set(random.subarray(0, 16));
  for (let i = 0; i < 6; i++) bytes[i] = Math.floor(nowMs / 2 ** (8 * (5 - i))) & 0xff;
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = encodeHex(bytes);
  // Joined, and not a template: V8 keeps that as its parts, and encodes whatever holds it at half the speed.
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-") as RunId;
}

/** The text as a run identifier, or undefined when it is not the canonical form of a UUID version 7. */
export function parseRunId(text: string): RunId | undefined {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(text) ? (text as RunId) : undefined;
}
