import { CLOCK } from "./clock.ts";
import type { WasiContext } from "./context.ts";
import { ERRNO, refuse } from "./errno.ts";
import { FILE_TYPE, fileTypeOf, type Inode, sizeOf } from "./inode.ts";
import type { Opened } from "./descriptor.ts";

/** The size of a `filestat`. */
export const FILESTAT_BYTES = 64;

/** Writes a `filestat`: device, inode, type, links, size, three times in nanoseconds. */
export function writeFilestat(context: WasiContext, pointer: number, node: Inode): void {
  const { memory } = context;
  memory.slice(pointer, FILESTAT_BYTES).fill(0);
  const at = pointer >>> 0;
  memory.setU64(at, node.volume.device);
  memory.setU64(at + 8, node.ino);
  memory.setU8(at + 16, fileTypeOf(node));
  memory.setU64(at + 24, BigInt(Math.max(node.links, node.kind === "folder" ? 1 : 0)));
  memory.setU64(at + 32, BigInt(sizeOf(node)));
  memory.setU64(at + 40, node.times.accessedNs);
  memory.setU64(at + 48, node.times.modifiedNs);
  memory.setU64(at + 56, node.times.changedNs);
}

/** A stream is a character device without size or times. */
export function writeStreamFilestat(context: WasiContext, pointer: number): void {
  context.memory.slice(pointer, FILESTAT_BYTES).fill(0);
  context.memory.setU8((pointer >>> 0) + 16, FILE_TYPE.characterDevice);
}

/** The `$filetype` of what a descriptor stands for. */
export function fileTypeOfOpened(opened: Opened): number {
  return opened.kind === "file" || opened.kind === "folder" ? fileTypeOf(opened.node) : FILE_TYPE.characterDevice;
}

const ATIM = 1;
const ATIM_NOW = 2;
const MTIM = 4;
const MTIM_NOW = 8;

/** What `*_filestat_set_times` asks for: a time of its own or now, for each of the two, never both. */
export type TimesWanted = { readonly accessedNs: bigint; readonly modifiedNs: bigint; readonly flags: number };

/** Sets times as asked; EINVAL for flags that contradict each other, EROFS on a volume that cannot change. */
export function setTimes(context: WasiContext, node: Inode, wanted: TimesWanted): void {
  checkTimesFlags(wanted.flags);
  if (!node.volume.writable) refuse(ERRNO.rofs);
  const now = context.clock.now(CLOCK.realtime);
  const { flags, accessedNs, modifiedNs } = wanted;
  if ((flags & (ATIM | ATIM_NOW)) !== 0) node.times.accessedNs = (flags & ATIM) !== 0 ? BigInt.asUintN(64, accessedNs) : now;
  if ((flags & (MTIM | MTIM_NOW)) !== 0) node.times.modifiedNs = (flags & MTIM) !== 0 ? BigInt.asUintN(64, modifiedNs) : now;
  node.times.changedNs = now;
}

/** EINVAL for unknown flags, and for a time of its own together with now. */
export function checkTimesFlags(flags: number): void {
  const both = (flags & (ATIM | ATIM_NOW)) === (ATIM | ATIM_NOW) || (flags & (MTIM | MTIM_NOW)) === (MTIM | MTIM_NOW);
  if (flags >>> 0 > 15 || both) refuse(ERRNO.inval);
}

/** Marks what a change to a node's contents means for its times. */
export function touch(context: WasiContext, node: Inode): void {
  const now = context.clock.now(CLOCK.realtime);
  node.times.modifiedNs = now;
  node.times.changedNs = now;
}
