import type { WasiContext } from "../context.ts";
import { ERRNO, refuse, refuseEscape } from "../errno.ts";
import { touch } from "../filestat.ts";
import { link, unlink } from "../file-system.ts";
import type { FolderNode, Inode } from "../inode.ts";
import { checkFolderChange } from "../open.ts";
import { existing, PATH_CHARACTERS_MAX, type Place } from "../path.ts";
import { RIGHT } from "../rights.ts";
import type { WasiCall } from "./call.ts";
import { nameIn, placeOf } from "./path.ts";

/** Takes a name out of its folder and gives its share of the quota back. */
function removeName(context: WasiContext, place: Place): void {
  unlink(place.parent, nameIn(place));
  place.parent.volume.quota.returnNode();
  touch(context, place.parent);
}

/** Making, moving and removing names. Every call refuses a read-only volume with EROFS before it changes anything. */
export const FOLDER_CALLS = {
  path_create_directory(context: WasiContext, fd: number, pointer: number, length: number) {
    const place = placeOf(context, { fd, rights: RIGHT.pathCreateDirectory, follow: false }, pointer, length);
    if (place.node !== undefined || place.name === undefined) return ERRNO.exist;
    checkFolderChange(place.parent);
    touch(context, context.files.createFolder(place.parent, place.name));
    touch(context, place.parent);
    return ERRNO.success;
  },

  path_remove_directory(context: WasiContext, fd: number, pointer: number, length: number) {
    const place = placeOf(context, { fd, rights: RIGHT.pathRemoveDirectory, follow: false }, pointer, length);
    const node = place.node ?? refuse(ERRNO.noent);
    if (node.kind !== "folder") return ERRNO.notdir;
    nameIn(place);
    checkFolderChange(place.parent);
    if (node.entries.size > 0) return ERRNO.notempty;
    removeName(context, place);
    return ERRNO.success;
  },

  path_unlink_file(context: WasiContext, fd: number, pointer: number, length: number) {
    const place = placeOf(context, { fd, rights: RIGHT.pathUnlinkFile, follow: false }, pointer, length);
    const node = place.node ?? refuse(ERRNO.noent);
    if (node.kind === "folder") return ERRNO.isdir;
    if (place.folderOnly) return ERRNO.notdir;
    checkFolderChange(place.parent);
    removeName(context, place);
    return ERRNO.success;
  },

  /** The target is kept as text; what it leads to is decided when it is followed. Absolute ones are refused at once. */
  path_symlink(context: WasiContext, target: number, targetLength: number, fd: number, pointer: number, length: number) {
    const text = context.memory.text(target, targetLength);
    const place = placeOf(context, { fd, rights: RIGHT.pathSymlink, follow: false }, pointer, length);
    if (text.startsWith("/")) return refuseEscape();
    if (text === "") return ERRNO.noent;
    if (text.length > PATH_CHARACTERS_MAX) return ERRNO.nametoolong;
    if (place.node !== undefined || place.name === undefined) return ERRNO.exist;
    if (place.folderOnly) return ERRNO.noent;
    checkFolderChange(place.parent);
    touch(context, context.files.createSymlink(place.parent, place.name, text));
    touch(context, place.parent);
    return ERRNO.success;
  },

  path_link(
    context: WasiContext,
    fd: number,
    lookupFlags: number,
    pointer: number,
    length: number,
    newFd: number,
    newPointer: number,
    newLength: number,
  ) {
    // Linux cannot follow here without more privileges than a guest has, and other hosts refuse it too.
    if ((lookupFlags & 1) !== 0) return ERRNO.inval;
    const source = placeOf(context, { fd, rights: RIGHT.pathLinkSource, follow: false }, pointer, length);
    const target = placeOf(context, { fd: newFd, rights: RIGHT.pathLinkTarget, follow: false }, newPointer, newLength);
    const node = existing(source);
    if (node.kind === "folder") return ERRNO.perm;
    if (target.node !== undefined || target.name === undefined) return ERRNO.exist;
    if (target.folderOnly) return ERRNO.noent;
    if (node.volume !== target.parent.volume) return ERRNO.xdev;
    checkFolderChange(target.parent);
    target.parent.volume.quota.takeNode();
    link(target.parent, target.name, node);
    touch(context, target.parent);
    return ERRNO.success;
  },

  path_rename(
    context: WasiContext,
    fd: number,
    pointer: number,
    length: number,
    newFd: number,
    newPointer: number,
    newLength: number,
  ) {
    const source = placeOf(context, { fd, rights: RIGHT.pathRenameSource, follow: false }, pointer, length);
    const target = placeOf(context, { fd: newFd, rights: RIGHT.pathRenameTarget, follow: false }, newPointer, newLength);
    const node = existing(source);
    const oldName = nameIn(source);
    const newName = nameIn(target);
    if (node.volume !== target.parent.volume) return ERRNO.xdev;
    checkFolderChange(source.parent);
    checkFolderChange(target.parent);
    if (target.folderOnly && node.kind !== "folder") return ERRNO.notdir;
    if (node.kind === "folder" && isInside(target.parent, node)) return ERRNO.inval;
    if (target.node === node) return ERRNO.success;
    if (target.node !== undefined) {
      checkReplace(node, target.node);
      removeName(context, target);
    }
    unlink(source.parent, oldName);
    link(target.parent, newName, node);
    touch(context, source.parent);
    touch(context, target.parent);
    return ERRNO.success;
  },
} satisfies Readonly<Record<string, WasiCall>>;

/** rename(2): a folder replaces only an empty folder, anything else only what is no folder. */
function checkReplace(node: Inode, replaced: Inode): void {
  if (node.kind === "folder") {
    if (replaced.kind !== "folder") refuse(ERRNO.notdir);
    if (replaced.entries.size > 0) refuse(ERRNO.notempty);
  } else if (replaced.kind === "folder") refuse(ERRNO.isdir);
}

function isInside(folder: FolderNode, ancestor: FolderNode): boolean {
  for (let at: FolderNode | undefined = folder; at !== undefined; at = at.parent) if (at === ancestor) return true;
  return false;
}
