import { existsSync } from "node:fs";
import { join } from "node:path";
import { isJsonObject, parseJson } from "#core";
import { type FileLayer, nodeFiles, readWhole, writeFlushed } from "./file-layer.ts";

/** Where a checkpoint lies that somebody has cosigned, seen from the ledger folder. */
export const WITNESSED_FILE = "../witnessed";
/** The mark of a ledger that was put there from a backup, inside the ledger folder. While it stands nothing is appended. */
export const RESTORED_FILE = "restored";

const MARK_BYTES_MAX = 4096; // LIMIT: a number, a time and a name

/** What the mark says. `newer`: somebody has seen more of this log than was restored, so that it can never be gone on with. */
export type RestoredMark = {
  readonly size: number;
  readonly at: string;
  readonly newer: { readonly size: number; readonly seenBy: string } | null;
};

/** Whether a ledger was restored and nothing has been appended to it since. */
export function isRestored(folder: string): boolean {
  return existsSync(join(folder, RESTORED_FILE));
}

/** The mark of a restored ledger; undefined where there is none. One that cannot be read says that nothing may be gone on with. */
export function readRestoredMark(folder: string): RestoredMark | undefined {
  const bytes = readWhole(nodeFiles, join(folder, RESTORED_FILE));
  if (bytes === undefined) return undefined;
  const json = parseJson(bytes, MARK_BYTES_MAX);
  const said = json.ok && isJsonObject(json.value) ? json.value : {};
  const { size, at, newer } = said;
  if (typeof size !== "number" || typeof at !== "string") return { size: 0, at: "", newer: UNREADABLE };
  if (newer === null) return { size, at, newer };
  const { size: newerSize, seenBy } = isJsonObject(newer) ? newer : {};
  const isSound = typeof newerSize === "number" && typeof seenBy === "string";
  return { size, at, newer: isSound ? { size: newerSize, seenBy } : UNREADABLE };
}

const UNREADABLE = { size: 0, seenBy: "the mark of the restored ledger, which cannot be read" };

/** Puts the mark there, or replaces it, durably. */
export function writeRestoredMark(files: FileLayer, folder: string, mark: RestoredMark): void {
  const path = join(folder, RESTORED_FILE);
  const temporary = `${path}.new`;
  if (files.exists(temporary)) files.unlink(temporary); // ours: whoever writes it holds the lock
  writeFlushed(files, files.open(temporary, "create"), Buffer.from(`${JSON.stringify(mark)}\n`));
  changeNames(files, folder, () => files.rename(temporary, path));
}

/** Takes the mark away, durably. INVARIANT: the entry that says why the log goes on is durable. */
export function clearRestoredMark(folder: string, files: FileLayer = nodeFiles): void {
  changeNames(files, folder, () => files.unlink(join(folder, RESTORED_FILE)));
}

/** Changes names in a folder and makes the change durable. The descriptor is held open since before it. */
export function changeNames(files: FileLayer, folder: string, change: () => void): void {
  const fd = files.open(folder, "folder");
  try {
    change();
    files.fsync(fd);
  } finally {
    files.close(fd);
  }
}
