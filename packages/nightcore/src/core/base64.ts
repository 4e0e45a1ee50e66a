import type { Bytes } from "./bytes.ts";
import { fail, ok, type Result } from "./result.ts";

export type EncodingFault = { readonly code: "core/not-base64" } | { readonly code: "core/not-hex" };

/** RFC 4648 section 4, padded. */
export function encodeBase64(bytes: Bytes): string {
  return bytes.toBase64();
}

/** Decodes RFC 4648 section 4 base64 with padding, and nothing else: what it returns encodes to the same text again. */
export function parseBase64(text: string): Result<Uint8Array<ArrayBuffer>, EncodingFault> {
  try {
    const bytes = Uint8Array.fromBase64(text, { alphabet: "base64", lastChunkHandling: "strict" });
    // fromBase64 skips white space; only the canonical text is accepted.
    return bytes.toBase64() === text ? ok(bytes) : fail({ code: "core/not-base64" });
  } catch {
    return fail({ code: "core/not-base64" });
  }
}

/** Lower-case hexadecimal. */
export function encodeHex(bytes: Bytes): string {
  return bytes.toHex();
}

/** Decodes hexadecimal of either case and even length. */
export function parseHex(text: string): Result<Uint8Array<ArrayBuffer>, EncodingFault> {
  try {
    return ok(Uint8Array.fromHex(text));
  } catch {
    return fail({ code: "core/not-hex" });
  }
}
