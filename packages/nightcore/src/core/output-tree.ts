import type { Bytes } from "./bytes.ts";

/** A file, or a folder where there are no bytes, by its path under `/out`: components joined by `/`. */
export type OutputEntry = { readonly path: string; readonly bytes: Bytes | undefined };

/** Where a guest with `fs:write` finds an empty folder, what it leaves there is the run's output. */
export const OUTPUT_PATH = "/out";
/** LIMIT: of all files of an output together; the same as what `fs:read` shows. */
export const OUTPUT_BYTES_MAX: number = 64 * 1024 * 1024;
/** LIMIT: files and folders of an output; the same as what `fs:read` shows. */
export const OUTPUT_ENTRIES_MAX = 10_000;
/** LIMIT: of all paths of an output together, so that a deep tree of short names stays small. */
export const OUTPUT_PATH_BYTES_MAX: number = 1024 * 1024;
const PATH_CHARACTERS_MAX = 4096; // LIMIT: PATH_MAX

type Placed = { readonly path: string; readonly folder: boolean };

/**
 * Why entries are no tree in its one order, or undefined: each path above the one before it by UTF-16 code units, so none
 * twice; each parent a folder that stands before; no component empty, `.`, `..`, or with a NUL.
 */
export function checkOutputTree(entries: readonly Placed[]): string | undefined {
  if (entries.length > OUTPUT_ENTRIES_MAX) return "an output has too many files and folders";
  const folders = new Set<string>([""]);
  let before = "";
  for (const { path, folder } of entries) {
    if (path.length > PATH_CHARACTERS_MAX) return "a path of the output is too long";
    if (path <= before) return "paths of the output are not in order";
    before = path;
    if (path.split("/").some((name) => name === "" || name === "." || name === ".." || name.includes("\0")))
      return "a path of the output leads elsewhere";
    if (!folders.has(path.slice(0, Math.max(0, path.lastIndexOf("/"))))) return "a path of the output is under no folder";
    if (folder) folders.add(path);
  }
  return undefined;
}
