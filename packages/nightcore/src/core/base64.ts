import type { Bytes } from "./bytes.ts";
import { fail, ok, type Result } from "./result.ts";

/** Why a text is not the encoding that it should be. */
export type EncodingFault = { readonly code: "core/not-base64" } | { readonly code: "core/not-hex" };

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const HEX = "0123456789abcdef";

// ECMAScript 2026 has all four; Node 24 has none. Where they are missing the slow path below stands in.
const native = typeof Uint8Array.fromBase64 === "function";

/** RFC 4648 section 4, padded. */
export function encodeBase64(bytes: Bytes): string {
  return native ? bytes.toBase64() : encodeBase64Slowly(bytes);
}

/** Decodes RFC 4648 section 4 base64 with padding, and nothing else: what it returns encodes to the same text again. */
export function parseBase64(text: string): Result<Uint8Array<ArrayBuffer>, EncodingFault> {
  const bytes = native ? decodeNatively(text) : decodeBase64Slowly(text);
  // Decoders skip white space and drop stray bits; only the canonical text is accepted.
  return bytes !== undefined && encodeBase64(bytes) === text ? ok(bytes) : fail({ code: "core/not-base64" });
}

/** Lower-case hexadecimal. */
export function encodeHex(bytes: Bytes): string {
  if (native) return bytes.toHex();
  let text = "";
  for (const byte of bytes) text += (HEX[byte >> 4] ?? "") + (HEX[byte & 15] ?? "");
  return text;
}

/** Decodes hexadecimal of either case and even length. */
export function parseHex(text: string): Result<Uint8Array<ArrayBuffer>, EncodingFault> {
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(text)) return fail({ code: "core/not-hex" });
  if (native) return ok(Uint8Array.fromHex(text));
  return ok(Uint8Array.from({ length: text.length / 2 }, (_, n) => Number.parseInt(text.slice(2 * n, 2 * n + 2), 16)));
}

function decodeNatively(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.fromBase64(text, { alphabet: "base64", lastChunkHandling: "strict" });
  } catch {
    return undefined;
  }
}

/** Exported for its test: the same as the built-in. */
export function encodeBase64Slowly(bytes: Bytes): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const bits = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const digits = [18, 12, 6, 0].map((shift) => BASE64[(bits >> shift) & 63] ?? "");
    parts.push(digits.slice(0, Math.min(left, 3) + 1).join("") + "=".repeat(Math.max(0, 3 - left)));
  }
  return parts.join("");
}

/** Exported for its test: decodes what has the form of padded base64; the caller checks that it is canonical. */
export function decodeBase64Slowly(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return undefined;
  const bytes = new Uint8Array((text.length / 4) * 3 - (text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0));
  for (let at = 0, out = 0; at < text.length; at += 4, out += 3) {
    let bits = 0;
    for (let n = 0; n < 4; n++) bits = (bits << 6) | Math.max(0, BASE64.indexOf(text[at + n] ?? "A"));
    for (let n = 0; n < 3 && out + n < bytes.length; n++) bytes[out + n] = (bits >> (16 - 8 * n)) & 0xff;
  }
  return bytes;
}
