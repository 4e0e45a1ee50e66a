import { fail, ok, type Result } from "./result.ts";

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes from anywhere; nobody writes into what was handed to them. */
export type Bytes = Uint8Array<ArrayBufferLike>;

/** The UTF-8 of a text; lone surrogates become U+FFFD. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

export type TextFault = { readonly code: "core/not-utf8" };

/** Decodes UTF-8 and refuses every malformed sequence; a byte order mark stays in the text. */
export function parseUtf8(bytes: Bytes): Result<string, TextFault> {
  try {
    return ok(strictDecoder.decode(bytes));
  } catch {
    return fail({ code: "core/not-utf8" });
  }
}

/** One new buffer of all the parts. */
export function concatBytes(parts: readonly Bytes[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Compares public values only; secrets are never compared byte by byte here. */
export function equalBytes(a: Bytes, b: Bytes): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
