import { OUTPUT_BYTES_MAX, OUTPUT_ENTRIES_MAX, OUTPUT_PATH_BYTES_MAX, type OutputEntry, utf8 } from "#core";
import type { FolderNode } from "./inode.ts";

const PATH_CHARACTERS_MAX = 4096; // LIMIT: PATH_MAX; folders that are moved into each other can exceed it

/**
 * What stands in a folder, in the order of its paths, or undefined when it is more than an output may have. A file with two
 * names is there twice, and counts twice; symbolic links are left out.
 */
export function collectOutput(root: FolderNode): readonly OutputEntry[] | undefined {
  const entries: OutputEntry[] = [];
  const pending = [{ prefix: "", folder: root }];
  let [bytesLeft, pathBytesLeft] = [OUTPUT_BYTES_MAX, OUTPUT_PATH_BYTES_MAX];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const [name, { node }] of next.folder.entries) {
      if (node.kind === "symlink") continue;
      const path = next.prefix + name;
      pathBytesLeft -= utf8(path).length;
      bytesLeft -= node.kind === "file" ? node.content.length : 0;
      const tooMuch = pathBytesLeft < 0 || bytesLeft < 0 || entries.length === OUTPUT_ENTRIES_MAX;
      if (tooMuch || path.length > PATH_CHARACTERS_MAX) return undefined;
      entries.push({ path, bytes: node.kind === "file" ? node.content.view() : undefined });
      if (node.kind === "folder") pending.push({ prefix: `${path}/`, folder: node });
    }
  }
  return entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}
