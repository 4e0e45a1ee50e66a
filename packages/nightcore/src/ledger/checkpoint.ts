import {
  assert,
  type Bytes,
  encodeBase64,
  fail,
  ok,
  parseBase64,
  type Result,
  type SignEd25519,
  type VerifyEd25519,
} from "#core";
import { HASH_BYTES } from "./merkle-tree.ts";
import { encodeNote, type NoteFault, parseNote, signNote, verifyNote } from "./note.ts";
import { isKeyName, type LogKey } from "./vkey.ts";

/** What a log says about itself (tlog-checkpoint): so many entries, under this root. */
export type Checkpoint = {
  readonly origin: string;
  readonly size: number;
  readonly root: Bytes;
  /** Extension lines, without their newlines. We write none. */
  readonly extensions: readonly string[];
};

export type CheckpointFault =
  | NoteFault
  | { readonly code: "ledger/origin-forbidden"; readonly origin: string }
  | { readonly code: "ledger/checkpoint-malformed"; readonly what: string }
  | { readonly code: "ledger/checkpoint-foreign"; readonly origin: string; readonly name: string };

/** The text that is signed. */
export function encodeCheckpoint(checkpoint: Checkpoint): string {
  const lines = [checkpoint.origin, String(checkpoint.size), encodeBase64(checkpoint.root), ...checkpoint.extensions];
  return `${lines.join("\n")}\n`;
}

/** Reads a checkpoint's text. Only the one canonical spelling is accepted: it is encoded again and compared. */
export function parseCheckpoint(text: string): Result<Checkpoint, CheckpointFault> {
  const malformed = (what: string) => fail({ code: "ledger/checkpoint-malformed", what } as const);
  const [origin = "", size = "", root = "", ...rest] = text.split("\n");
  if (!isKeyName(origin)) return fail({ code: "ledger/origin-forbidden", origin });
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(size) || !Number.isSafeInteger(Number(size))) {
    return malformed("the tree size is not a decimal number below 2^53");
  }
  const hash = parseBase64(root);
  if (!hash.ok || hash.value.length !== HASH_BYTES) return malformed("the root is not the base64 of 32 bytes");
  if (rest.pop() !== "") return malformed("the last line has no newline");
  if (rest.includes("")) return malformed("an extension line is empty");
  const checkpoint = { origin, size: Number(size), root: hash.value, extensions: rest };
  return encodeCheckpoint(checkpoint) === text ? ok(checkpoint) : malformed("it is not canonical");
}

/** Signs a tree head. INVARIANT: the caller has made every entry below `size` durable, and never signs another root for it. */
export function signCheckpoint(head: { readonly size: number; readonly root: Bytes }, key: LogKey, sign: SignEd25519): string {
  assert(isKeyName(key.name), "the origin is a key name");
  return signNote(encodeCheckpoint({ origin: key.name, size: head.size, root: head.root, extensions: [] }), key, sign);
}

/** Parses a signed checkpoint without any key: what it says, not yet believed. Its note form must be canonical too. */
export function parseSignedCheckpoint(note: string): Result<Checkpoint, CheckpointFault> {
  const parsed = parseNote(note);
  if (!parsed.ok) return parsed;
  if (encodeNote(parsed.value) !== note) return fail({ code: "ledger/note-malformed", what: "it is not canonical" });
  return parseCheckpoint(parsed.value.text);
}

/** Verifies a signed checkpoint under the log's key. Refuses one whose origin is not the key's name. */
export function verifyCheckpoint(note: string, key: LogKey, verifyEd25519: VerifyEd25519): Result<Checkpoint, CheckpointFault> {
  const parsed = parseNote(note);
  if (!parsed.ok) return parsed;
  const signers = verifyNote(parsed.value, [key], verifyEd25519);
  if (!signers.ok) return signers;
  const checkpoint = parseSignedCheckpoint(note);
  if (!checkpoint.ok) return checkpoint;
  if (checkpoint.value.origin !== key.name) {
    return fail({ code: "ledger/checkpoint-foreign", origin: checkpoint.value.origin, name: key.name });
  }
  return checkpoint;
}
