import { utf8 } from "#core";
import type { WasiContext } from "../context.ts";
import { ERRNO } from "../errno.ts";
import { fileTypeOfOpened, setTimes, writeFilestat, writeStreamFilestat } from "../filestat.ts";
import { fileTypeOf, FIRST_COOKIE, type FolderNode } from "../inode.ts";
import { RIGHT, rightsOf } from "../rights.ts";
import type { WasiCall } from "./call.ts";

const FDFLAGS_ALL = 31;
const FDSTAT_BYTES = 24;
const DIRENT_BYTES = 24;

/** Descriptors themselves: their state, their preopen paths, the entries of folders. */
export const DESCRIPTOR_CALLS = {
  fd_close(context: WasiContext, fd: number) {
    context.descriptors.remove(fd);
    return ERRNO.success;
  },

  /** Both numbers must be open; what `to` stood for is closed. */
  fd_renumber(context: WasiContext, from: number, to: number) {
    const descriptor = context.descriptors.get(from);
    context.descriptors.get(to);
    if (from >>> 0 === to >>> 0) return ERRNO.success;
    context.descriptors.remove(from);
    context.descriptors.set(to >>> 0, descriptor);
    return ERRNO.success;
  },

  fd_fdstat_get(context: WasiContext, fd: number, pointer: number) {
    const descriptor = context.descriptors.get(fd);
    const { memory } = context;
    memory.slice(pointer, FDSTAT_BYTES).fill(0);
    const at = pointer >>> 0;
    memory.setU8(at, fileTypeOfOpened(descriptor.opened));
    memory.setU16(at + 2, descriptor.flags);
    memory.setU32(at + 8, descriptor.rights);
    memory.setU32(at + 16, descriptor.inheriting);
    return ERRNO.success;
  },

  fd_fdstat_set_flags(context: WasiContext, fd: number, flags: number) {
    const descriptor = context.descriptors.withRights(fd, RIGHT.fdFdstatSetFlags);
    if (flags >>> 0 > FDFLAGS_ALL) return ERRNO.inval;
    descriptor.flags = flags;
    return ERRNO.success;
  },

  /** Rights can be given up and never taken back. */
  fd_fdstat_set_rights(context: WasiContext, fd: number, base: bigint, inheriting: bigint) {
    const descriptor = context.descriptors.get(fd);
    const rights = rightsOf(base);
    const inherited = rightsOf(inheriting);
    if ((rights & ~descriptor.rights) !== 0 || (inherited & ~descriptor.inheriting) !== 0) return ERRNO.notcapable;
    descriptor.rights = rights;
    descriptor.inheriting = inherited;
    return ERRNO.success;
  },

  fd_filestat_get(context: WasiContext, fd: number, pointer: number) {
    const { opened } = context.descriptors.withRights(fd, RIGHT.fdFilestatGet);
    if (opened.kind === "file" || opened.kind === "folder") writeFilestat(context, pointer, opened.node);
    else writeStreamFilestat(context, pointer);
    return ERRNO.success;
  },

  fd_filestat_set_times(context: WasiContext, fd: number, accessedNs: bigint, modifiedNs: bigint, flags: number) {
    const { opened } = context.descriptors.withRights(fd, RIGHT.fdFilestatSetTimes);
    if (opened.kind !== "file" && opened.kind !== "folder") return ERRNO.badf;
    setTimes(context, opened.node, { accessedNs, modifiedNs, flags });
    return ERRNO.success;
  },

  fd_prestat_get(context: WasiContext, fd: number, pointer: number) {
    const { opened } = context.descriptors.get(fd);
    if (opened.kind !== "folder" || opened.preopen === undefined) return ERRNO.badf;
    context.memory.check(pointer, 8);
    context.memory.setU32(pointer, 0); // tag: a folder
    context.memory.setU32((pointer >>> 0) + 4, utf8(opened.preopen).length);
    return ERRNO.success;
  },

  fd_prestat_dir_name(context: WasiContext, fd: number, pointer: number, length: number) {
    const { opened } = context.descriptors.get(fd);
    if (opened.kind !== "folder" || opened.preopen === undefined) return ERRNO.badf;
    const path = utf8(opened.preopen);
    if (length >>> 0 < path.length) return ERRNO.nametoolong;
    context.memory.setBytes(pointer, path);
    return ERRNO.success;
  },

  /** Entries with cookies above `cookie`, the last one cut where the buffer ends, as the specification allows. */
  fd_readdir(context: WasiContext, fd: number, pointer: number, length: number, cookie: bigint, usedPointer: number) {
    const { node } = context.descriptors.folder(fd, RIGHT.fdReaddir);
    const buffer = context.memory.slice(pointer, length);
    context.memory.check(usedPointer, 4);
    const from = BigInt.asUintN(64, cookie);
    let used = 0;
    for (const entry of entriesOf(node)) {
      if (BigInt(entry.cookie) <= from) continue;
      if (used === buffer.length) break;
      const record = encodeEntry(entry);
      const part = record.subarray(0, buffer.length - used);
      buffer.set(part, used);
      used += part.length;
    }
    context.memory.note(buffer.subarray(0, used));
    context.memory.setU32(usedPointer, used);
    return ERRNO.success;
  },
} satisfies Readonly<Record<string, WasiCall>>;

type Entry = { readonly name: string; readonly cookie: number; readonly ino: bigint; readonly fileType: number };

function* entriesOf(folder: FolderNode): Generator<Entry> {
  const parent = folder.parent ?? folder; // above a preopen there is nothing
  yield { name: ".", cookie: FIRST_COOKIE - 2, ino: folder.ino, fileType: fileTypeOf(folder) };
  yield { name: "..", cookie: FIRST_COOKIE - 1, ino: parent.ino, fileType: fileTypeOf(parent) };
  for (const [name, { node, cookie }] of folder.entries) yield { name, cookie, ino: node.ino, fileType: fileTypeOf(node) };
}

/** A `dirent`: the cookie after it, inode, length of the name, type; then the name. */
function encodeEntry(entry: Entry): Uint8Array {
  const name = utf8(entry.name);
  const record = new Uint8Array(DIRENT_BYTES + name.length);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(entry.cookie), true);
  view.setBigUint64(8, entry.ino, true);
  view.setUint32(16, name.length, true);
  view.setUint8(20, entry.fileType);
  record.set(name, DIRENT_BYTES);
  return record;
}
