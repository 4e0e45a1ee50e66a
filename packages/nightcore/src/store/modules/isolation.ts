import { closeSync, fsyncSync, linkSync, lstatSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bytes, type Digest, digestOf, isJsonObject, parseDigest, parseJson, quote } from "#core";
import { sha256 } from "#store/keys";
import { readFileBounded } from "./bounded-file.ts";

/** What stands in a module's folder where its bytes were. */
const NOTE = "module.quarantine.json";
/** The module while it is on its way; nothing loads a file of that name. */
const LEAVING = "module.wasm.leaving";
const NOTE_BYTES_MAX = 4 * 1024; // LIMIT: a digest, a time and the beginning of a reason

/** Why bytes are in the vault, for whoever looks for them in the folder. */
export type IsolationNote = { readonly block: string; readonly at: string; readonly reason: string };

/** Says whether bytes have to leave, and keeps those that do: durably, before it returns. */
export type Isolator = {
  readonly blockOf: (digest: Digest) => IsolationNote | undefined;
  readonly keep: (digest: Digest, bytes: Bytes) => void;
};

/**
 * Takes `module.wasm` out of a folder if it is blocked, and leaves a note. Dying in between leaves it under a name that nothing
 * loads, or in the vault and in the folder; the next call ends it. Returns the digest of what left. A link, or a module over
 * `bytesMax`, stays: it cannot be run either.
 */
export function isolateModule(folder: string, bytesMax: number, { blockOf, keep }: Isolator): Digest | undefined {
  const path = join(folder, "module.wasm");
  const leaving = join(folder, LEAVING);
  // One that was left on its way is looked at first, so that its place is free.
  const before = finish(folder, leaving, bytesMax, { blockOf, keep });
  const digest = digestOfFile(path, bytesMax);
  if (digest === undefined || blockOf(digest) === undefined) return before;
  // Under another name first: what is looked at from here on is what leaves, whoever exchanges the file meanwhile.
  renameSync(path, leaving);
  return finish(folder, leaving, bytesMax, { blockOf, keep }) ?? before;
}

function finish(folder: string, leaving: string, bytesMax: number, { blockOf, keep }: Isolator): Digest | undefined {
  const file = readFileBounded(leaving, bytesMax);
  if (!file.ok || file.value.size > bytesMax) return undefined;
  const { bytes } = file.value;
  const digest = digestOf(sha256, bytes);
  const block = blockOf(digest);
  if (block === undefined) {
    putBack(leaving, join(folder, "module.wasm"));
    return undefined;
  }
  keep(digest, bytes);
  const note = { format: "nightcore-quarantine/v1", digest, ...block, reason: block.reason.slice(0, 500) };
  writeWhole(join(folder, NOTE), `${JSON.stringify(note, null, 2)}\n`);
  rmSync(leaving);
  return digest;
}

/** Puts released bytes back where a note says that they were, unless something else stands there. Returns their digest. */
export function restoreModule(folder: string, get: (digest: Digest) => Bytes | undefined): Digest | undefined {
  const digest = readNote(folder)?.digest;
  const bytes = digest === undefined ? undefined : get(digest);
  if (digest === undefined || bytes === undefined) return undefined;
  const path = join(folder, "module.wasm");
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) writeWhole(path, bytes);
  rmSync(join(folder, NOTE), { force: true });
  return digest;
}

/** What a folder's note says, in words; undefined without one. It is the folder's word, and never evidence. */
export function describeNote(folder: string): string | undefined {
  const note = readNote(folder);
  return note && `${note.digest}, block ${quote(note.block)} since ${quote(note.at)}: ${quote(note.reason.slice(0, 500))}`;
}

function readNote(folder: string): (IsolationNote & { readonly digest: Digest }) | undefined {
  const file = readFileBounded(join(folder, NOTE), NOTE_BYTES_MAX);
  const json = file.ok ? parseJson(file.value.bytes, NOTE_BYTES_MAX) : undefined;
  if (json?.ok !== true || !isJsonObject(json.value)) return undefined;
  const { digest, block, at, reason } = json.value;
  const parsed = typeof digest === "string" ? parseDigest(digest) : undefined;
  if (parsed === undefined || typeof block !== "string" || typeof at !== "string" || typeof reason !== "string") return undefined;
  return { digest: parsed, block, at, reason };
}

function digestOfFile(path: string, bytesMax: number): Digest | undefined {
  const file = readFileBounded(path, bytesMax);
  return file.ok && file.value.size <= bytesMax ? digestOf(sha256, file.value.bytes) : undefined;
}

// By a link, which never replaces what came there meanwhile; then the bytes stay under the other name.
function putBack(from: string, to: string): void {
  try {
    linkSync(from, to);
    rmSync(from);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

function writeWhole(path: string, content: Bytes | string): void {
  const aside = `${path}.next`;
  rmSync(aside, { force: true });
  const fd = openSync(aside, "wx", 0o644);
  try {
    writeFileSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(aside, path);
}
