import { utf8 } from "#core";
import type { WasiContext } from "../context.ts";
import { Errno, ERRNO, refuse } from "../errno.ts";
import { setTimes, writeFilestat } from "../filestat.ts";
import { existing, type Place, resolvePath } from "../path.ts";
import { RIGHT } from "../rights.ts";
import { openPlace } from "../open.ts";
import type { WasiCall } from "./call.ts";

const SYMLINK_FOLLOW = 1;

/** Resolves a path that the guest hands in, under a folder for which it holds `rights`. */
export function placeOf(
  context: WasiContext,
  at: { readonly fd: number; readonly rights: number; readonly follow: boolean },
  pointer: number,
  length: number,
): Place {
  const { node } = context.descriptors.folder(at.fd, at.rights);
  return resolvePath(node, context.memory.text(pointer, length), at.follow);
}

/** Opening, looking at and reading links by path. */
export const PATH_CALLS = {
  path_open(
    context: WasiContext,
    fd: number,
    lookupFlags: number,
    pointer: number,
    length: number,
    openFlags: number,
    rights: bigint,
    inheriting: bigint,
    flags: number,
    resultPointer: number,
  ) {
    const path = context.memory.text(pointer, length);
    context.memory.check(resultPointer, 4);
    try {
      const { descriptor, node } = context.descriptors.folder(fd, RIGHT.pathOpen);
      const follow = (lookupFlags & SYMLINK_FOLLOW) !== 0;
      const wanted = { path, follow, openFlags, rights, inheriting, flags, parentRights: descriptor.rights };
      const opened = openPlace(context, node, { ...wanted, parentInheriting: descriptor.inheriting });
      context.memory.setU32(resultPointer, context.descriptors.add(opened));
      context.noteOpened(preopenOf(context, fd), path);
      return ERRNO.success;
    } catch (error) {
      if (error instanceof Errno && isDenial(error.errno)) context.notePath(preopenOf(context, fd), path);
      throw error;
    }
  },

  path_filestat_get(context: WasiContext, fd: number, lookupFlags: number, pointer: number, length: number, result: number) {
    const follow = (lookupFlags & SYMLINK_FOLLOW) !== 0;
    const place = placeOf(context, { fd, rights: RIGHT.pathFilestatGet, follow }, pointer, length);
    writeFilestat(context, result, existing(place));
    return ERRNO.success;
  },

  path_filestat_set_times(
    context: WasiContext,
    fd: number,
    lookupFlags: number,
    pointer: number,
    length: number,
    accessedNs: bigint,
    modifiedNs: bigint,
    flags: number,
  ) {
    const follow = (lookupFlags & SYMLINK_FOLLOW) !== 0;
    const place = placeOf(context, { fd, rights: RIGHT.pathFilestatSetTimes, follow }, pointer, length);
    setTimes(context, existing(place), { accessedNs, modifiedNs, flags });
    return ERRNO.success;
  },

  /** Writes as much of the target as fits, without a NUL. */
  path_readlink(context: WasiContext, fd: number, pointer: number, length: number, buffer: number, size: number, used: number) {
    const node = existing(placeOf(context, { fd, rights: RIGHT.pathReadlink, follow: false }, pointer, length));
    if (node.kind !== "symlink") return ERRNO.inval;
    const target = utf8(node.target).subarray(0, size >>> 0);
    context.memory.check(used, 4);
    context.memory.slice(buffer, size);
    context.memory.setBytes(buffer, target);
    context.memory.setU32(used, target.length);
    return ERRNO.success;
  },
} satisfies Readonly<Record<string, WasiCall>>;

function isDenial(errno: number): boolean {
  return errno === ERRNO.perm || errno === ERRNO.notcapable || errno === ERRNO.rofs || errno === ERRNO.badf;
}

function preopenOf(context: WasiContext, fd: number): string | undefined {
  try {
    const { opened } = context.descriptors.get(fd);
    return opened.kind === "folder" ? opened.preopen : undefined;
  } catch (error) {
    if (error instanceof Errno) return undefined;
    throw error;
  }
}

/** A place that can be given a name: not the folder itself, nor `.` or `..`. */
export function nameIn(place: Place): string {
  return place.name ?? refuse(ERRNO.inval);
}
