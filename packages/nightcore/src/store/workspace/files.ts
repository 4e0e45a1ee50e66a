import { randomUUID } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join, parse as parsePath } from "node:path";
import { type Bytes, utf8 } from "#core";

/** Replaces a file whole and durably: a reader, or a power cut, sees the old bytes or the new ones. */
export function replaceFile(path: string, content: Bytes | string, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  // A new name that nobody can have put a link under, and `wx` in case that somebody has.
  const aside = `${path}.${randomUUID()}.tmp`;
  const fd = openSync(aside, "wx", mode);
  try {
    const bytes = typeof content === "string" ? utf8(content) : content;
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, bytes.length - at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  const folder = openSync(dirname(path), "r"); // held open across the rename, so that the flush names the right directory
  try {
    renameSync(aside, path);
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** The bytes of a file, or undefined when there is none. Anything else that goes wrong is thrown. */
export function readIfThere(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")) return undefined;
    throw error;
  }
}

/** Names of the folders directly under `folder`, sorted; links to folders are listed too, and judged when they are opened. */
export function listFolders(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() || (entry.isSymbolicLink() && isFolder(join(folder, entry.name))))
      .map((entry) => entry.name)
      .toSorted();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/**
 * Replaces a report of ours. A file of that name that another program wrote (v39's, say) is not lost: it is renamed, with
 * `.v39` before its ending, and its new name is returned. `isOurs` judges by content.
 */
export function replaceReport(path: string, content: Bytes | string, isOurs: (text: string) => boolean): string | undefined {
  const before = readIfThere(path);
  let kept: string | undefined;
  if (before !== undefined && !isOurs(Buffer.from(before).toString("utf8"))) {
    const { dir, name, ext } = parsePath(path);
    kept = join(dir, `${name}.v39${ext}`);
    for (let n = 2; existsSync(kept); n++) kept = join(dir, `${name}.v39-${n}${ext}`);
    renameSync(path, kept);
  }
  replaceFile(path, content);
  return kept;
}
