import type { WasiContext } from "./context.ts";
import type { Descriptor } from "./descriptor.ts";
import { ERRNO, refuse } from "./errno.ts";
import { touch } from "./filestat.ts";
import type { FileNode, FolderNode } from "./inode.ts";
import { type Place, resolvePath } from "./path.ts";
import { FILE_RIGHTS, FOLDER_RIGHTS, RIGHT, rightsOf } from "./rights.ts";

/** `$oflags` of preview 1. */
const OFLAG = { create: 1, directory: 2, exclusive: 4, truncate: 8 } as const;

/** The parameters of `path_open`, and the rights of the descriptor that it is called on. */
export type OpenWanted = {
  readonly path: string;
  readonly follow: boolean;
  readonly openFlags: number;
  readonly rights: bigint;
  readonly inheriting: bigint;
  readonly flags: number;
  readonly parentRights: number;
  readonly parentInheriting: number;
};

/** `path_open`: finds or makes what a path names and gives the rights that apply to it, of those that were asked for. */
export function openPlace(context: WasiContext, base: FolderNode, wanted: OpenWanted): Descriptor {
  const { openFlags } = wanted;
  const has = (flag: number): boolean => (openFlags & flag) !== 0;
  if (openFlags >>> 0 > 15 || wanted.flags >>> 0 > 31) refuse(ERRNO.inval);
  if (has(OFLAG.directory) && (has(OFLAG.create) || has(OFLAG.exclusive) || has(OFLAG.truncate))) refuse(ERRNO.inval);
  const rights = rightsOf(wanted.rights);
  const inheriting = rightsOf(wanted.inheriting);
  if (((rights | inheriting) & ~wanted.parentInheriting) !== 0) refuse(ERRNO.notcapable);
  if (has(OFLAG.create) && (wanted.parentRights & RIGHT.pathCreateFile) === 0) refuse(ERRNO.notcapable);
  if (has(OFLAG.truncate) && (wanted.parentRights & RIGHT.pathFilestatSetSize) === 0) refuse(ERRNO.notcapable);
  const exclusive = has(OFLAG.create) && has(OFLAG.exclusive);
  context.endIfTouched(context.decoys.findInPath(wanted.path));
  const place = resolvePath(base, wanted.path, wanted.follow && !exclusive);
  const { node } = place;
  if (node === undefined) {
    if (!has(OFLAG.create)) refuse(ERRNO.noent);
    const opened = { kind: "file", node: createFile(context, place), offset: 0 } as const;
    return { opened, rights: rights & FILE_RIGHTS, inheriting: 0, flags: wanted.flags };
  }
  if (exclusive) refuse(ERRNO.exist);
  if (node.kind === "symlink") return refuse(ERRNO.loop);
  if (node.kind === "folder") {
    if (has(OFLAG.create) || has(OFLAG.truncate) || (rights & RIGHT.fdWrite) !== 0) refuse(ERRNO.isdir);
    const opened = { kind: "folder", node, preopen: undefined } as const;
    return { opened, rights: rights & FOLDER_RIGHTS, inheriting, flags: wanted.flags };
  }
  context.endIfTouched(context.decoys.nameOf(node));
  if (has(OFLAG.directory) || place.folderOnly) refuse(ERRNO.notdir);
  if (!node.volume.writable && (has(OFLAG.truncate) || (rights & RIGHT.fdWrite) !== 0)) refuse(ERRNO.rofs);
  if (has(OFLAG.truncate)) {
    node.content.resize(0, node.volume.quota);
    touch(context, node);
  }
  return { opened: { kind: "file", node, offset: 0 }, rights: rights & FILE_RIGHTS, inheriting: 0, flags: wanted.flags };
}

function createFile(context: WasiContext, place: Place): FileNode {
  if (place.folderOnly || place.name === undefined) return refuse(ERRNO.isdir);
  checkFolderChange(place.parent);
  const file = context.files.createFile(place.parent, place.name);
  touch(context, file);
  touch(context, place.parent);
  return file;
}

/** A folder can be changed when its volume can, and as long as it has not been removed. */
export function checkFolderChange(folder: FolderNode): void {
  if (!folder.volume.writable) refuse(ERRNO.rofs);
  if (folder.parent !== undefined && folder.links === 0) refuse(ERRNO.noent);
}
