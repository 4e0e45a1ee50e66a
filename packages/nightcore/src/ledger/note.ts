import {
  assert,
  type Bytes,
  concatBytes,
  encodeBase64,
  encodeHex,
  fail,
  ok,
  parseBase64,
  parseHex,
  type Result,
  type SignEd25519,
  utf8,
  type VerifyEd25519,
} from "#core";
import { isKeyName, isPaeLike, type LogKey } from "./vkey.ts";

/** One signature line: whose it says it is, and the bytes after the 4-byte key id. Unauthenticated until verified. */
export type NoteSignature = { readonly name: string; readonly keyId: string; readonly signature: Bytes };

/** A parsed signed note: `text` ends with a newline and is what was signed. Nothing in it has been verified. */
export type Note = { readonly text: string; readonly signatures: readonly NoteSignature[] };

export type NoteFault =
  | { readonly code: "ledger/note-too-large"; readonly characters: number }
  | { readonly code: "ledger/note-malformed"; readonly what: string }
  | { readonly code: "ledger/note-unsigned"; readonly name: string }
  | { readonly code: "ledger/note-bad-signature"; readonly name: string };

const NOTE_CHARACTERS_MAX = 131_072; // LIMIT: 16 ML-DSA-44 cosignatures of 3.3 KB and a checkpoint fit twice
const NOTE_SIGNATURES_MAX = 100; // LIMIT: signed-note asks for at least 16; witnesses per log stay below that

/** Parses a signed note (signed-note, "Format"): split at the last blank line, then one signature line or more. */
export function parseNote(note: string): Result<Note, NoteFault> {
  const malformed = (what: string) => fail({ code: "ledger/note-malformed", what } as const);
  if (note.length > NOTE_CHARACTERS_MAX) return fail({ code: "ledger/note-too-large", characters: note.length });
  if (!note.isWellFormed()) return malformed("it is not Unicode");
  // oxlint-disable-next-line no-control-regex -- the controls are what is refused
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note)) return malformed("it has a control character");
  const blank = note.lastIndexOf("\n\n");
  if (blank < 0) return malformed("no blank line separates the signatures");
  const text = note.slice(0, blank + 1);
  if (text === "\n") return malformed("the text is empty");
  if (!note.endsWith("\n")) return malformed("the last line has no newline");
  const lines = note.slice(blank + 2, -1).split("\n");
  if (lines.length > NOTE_SIGNATURES_MAX) return malformed("it has too many signatures");
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const signature = parseSignatureLine(line);
    if (signature === undefined) return malformed(line === "" ? "it has no signature" : "a signature line is malformed");
    signatures.push(signature);
  }
  return ok({ text, signatures });
}

function parseSignatureLine(line: string): NoteSignature | undefined {
  const form = /^— ([^ ]+) ([A-Za-z0-9+/]+={0,2})$/.exec(line);
  const [, name, payload] = form ?? [];
  if (name === undefined || payload === undefined || !isKeyName(name)) return undefined;
  const bytes = parseBase64(payload);
  if (!bytes.ok || bytes.value.length < 5) return undefined;
  return { name, keyId: encodeHex(bytes.value.subarray(0, 4)), signature: bytes.value.subarray(4) };
}

/** The text, a blank line, and its signature lines. */
export function encodeNote(note: Note): string {
  return `${note.text}\n${note.signatures.map(encodeSignatureLine).join("")}`;
}

function encodeSignatureLine(signature: NoteSignature): string {
  const id = parseHex(signature.keyId);
  assert(id.ok, "a key id is hexadecimal");
  return `— ${signature.name} ${encodeBase64(concatBytes([id.value, signature.signature]))}\n`;
}

/** Signs a text that ends with a newline. INVARIANT: nothing that could be read as a DSSE signature's bytes is signed. */
export function signNote(text: string, key: LogKey, sign: SignEd25519): string {
  assert(text.endsWith("\n") && text !== "\n", "a note's text ends with a newline");
  assert(!isPaeLike(text), "a note never begins as a DSSE pre-authentication encoding does");
  return encodeNote({ text, signatures: [{ name: key.name, keyId: key.id, signature: sign(utf8(text)) }] });
}

/**
 * Verifies a note under the keys that the caller trusts, and returns those that signed it, one at least. Lines of unknown
 * keys are ignored; one bad line of a known key refuses the whole note (signed-note, "Signatures").
 */
export function verifyNote(
  note: Note,
  keys: readonly LogKey[],
  verifyEd25519: VerifyEd25519,
): Result<readonly LogKey[], NoteFault> {
  const message = utf8(note.text);
  const signers = new Set<LogKey>();
  for (const line of note.signatures) {
    for (const key of keys) {
      if (key.name !== line.name || key.id !== line.keyId) continue;
      if (isPaeLike(note.text) || !verifyEd25519(key.publicKey, message, line.signature)) {
        return fail({ code: "ledger/note-bad-signature", name: line.name });
      }
      signers.add(key);
    }
  }
  if (signers.size === 0) return fail({ code: "ledger/note-unsigned", name: keys.map((key) => key.name).join(", ") });
  return ok([...signers]);
}
