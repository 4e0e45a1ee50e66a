import { ERRNO, refuse, refuseEscape } from "./errno.ts";
import type { FolderNode, Inode } from "./inode.ts";

export const PATH_CHARACTERS_MAX = 4096; // LIMIT: PATH_MAX
const NAME_CHARACTERS_MAX = 255; // LIMIT: NAME_MAX
const SYMLINKS_MAX = 40; // LIMIT: what Linux follows before it says ELOOP

/** Where a path leads: the folder, the name in it, and the node if it is there. Without a name it is the folder itself. */
export type Place = {
  readonly parent: FolderNode;
  readonly name: string | undefined;
  readonly node: Inode | undefined;
  /** The path ended in a separator, so that only a folder will do. */
  readonly folderOnly: boolean;
};

/**
 * Resolves a path under a folder, component by component, and never above that folder: `..` at the top, an absolute path, and
 * links that lead to either are EPERM. The last component is followed when `follow` says so or a separator stands behind it.
 */
export function resolvePath(base: FolderNode, path: string, follow: boolean): Place {
  if (path.length > PATH_CHARACTERS_MAX) refuse(ERRNO.nametoolong);
  if (path === "") refuse(ERRNO.noent);
  if (path.startsWith("/")) refuseEscape();
  const pending = componentsOf(path);
  let folderOnly = path.endsWith("/");
  const ancestors: FolderNode[] = [];
  let folder = base;
  let symlinks = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === ".") continue;
    if (name === "..") {
      folder = ancestors.pop() ?? refuseEscape();
      continue;
    }
    if (name.length > NAME_CHARACTERS_MAX) refuse(ERRNO.nametoolong);
    const node = folder.entries.get(name)?.node;
    const last = pending.length === 0;
    if (node?.kind === "symlink" && (!last || follow || folderOnly)) {
      if (++symlinks > SYMLINKS_MAX) refuse(ERRNO.loop);
      if (node.target.startsWith("/")) refuseEscape();
      if (last && node.target.endsWith("/")) folderOnly = true;
      pending.push(...componentsOf(node.target));
      continue;
    }
    if (last) return { parent: folder, name, node, folderOnly };
    if (node === undefined) refuse(ERRNO.noent);
    if (node.kind !== "folder") refuse(ERRNO.notdir);
    ancestors.push(folder);
    folder = node;
  }
  return { parent: folder, name: undefined, node: folder, folderOnly: true };
}

/** The components of a path, the first one last, without the empty ones that doubled separators make. */
function componentsOf(path: string): string[] {
  return path
    .split("/")
    .filter((name) => name !== "")
    .reverse();
}

/** The node that a path leads to, or ENOENT; ENOTDIR when the path wants a folder and it is none. */
export function existing(place: Place): Inode {
  if (place.node === undefined) return refuse(ERRNO.noent);
  if (place.folderOnly && place.node.kind !== "folder") return refuse(ERRNO.notdir);
  return place.node;
}
