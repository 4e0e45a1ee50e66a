import type { WasiContext } from "../context.ts";
import type { Descriptor } from "../descriptor.ts";
import { ERRNO, refuse } from "../errno.ts";
import { touch } from "../filestat.ts";
import type { FileNode } from "../inode.ts";
import { RIGHT } from "../rights.ts";
import type { WasiCall } from "./call.ts";

const FDFLAG_APPEND = 1;
const OFFSET_MAX = Number.MAX_SAFE_INTEGER; // LIMIT: 8 PiB; the quota stops a run long before

type OpenFile = { readonly node: FileNode; offset: number };

/** The open file behind a descriptor; EBADF without the right to read or write it, EISDIR for a folder, ESPIPE for a stream. */
function fileOf(descriptor: Descriptor, rights: number): OpenFile {
  const { opened } = descriptor;
  if (opened.kind === "folder") return refuse(ERRNO.isdir);
  if ((descriptor.rights & rights) !== rights)
    refuse(rights === RIGHT.fdRead || rights === RIGHT.fdWrite ? ERRNO.badf : ERRNO.notcapable);
  if (opened.kind !== "file") return refuse(ERRNO.spipe);
  return opened;
}

function offsetOf(offset: bigint): number {
  const unsigned = BigInt.asUintN(64, offset);
  if (unsigned > BigInt(OFFSET_MAX)) refuse(ERRNO.inval);
  return Number(unsigned);
}

function readInto(file: FileNode, buffers: readonly Uint8Array[], offset: number): number {
  let done = 0;
  for (const buffer of buffers) {
    const length = file.content.read(buffer, offset + done);
    done += length;
    if (length < buffer.length) break;
  }
  return done;
}

function writeFrom(context: WasiContext, file: FileNode, buffers: readonly Uint8Array[], offset: number): number {
  if (!file.volume.writable) refuse(ERRNO.rofs);
  let done = 0;
  for (const buffer of buffers) {
    if (offset + done + buffer.length > OFFSET_MAX) refuse(ERRNO.fbig);
    file.content.write(buffer, offset + done, file.volume.quota);
    done += buffer.length;
  }
  if (done > 0) touch(context, file);
  return done;
}

/** Puts the first `length` bytes of the buffers into the digest of the call: what was read into them, or written from them. */
function noteBuffers({ memory }: WasiContext, buffers: readonly Uint8Array<ArrayBuffer>[], length: number): void {
  let left = length;
  for (const buffer of buffers) {
    if (left === 0) break;
    const part = left < buffer.length ? buffer.subarray(0, left) : buffer;
    memory.note(part);
    left -= part.length;
  }
}

function writeStream(context: WasiContext, stream: "stdout" | "stderr", buffers: readonly Uint8Array[]): number {
  let done = 0;
  for (const buffer of buffers) {
    if (!context.output.write(stream, buffer)) context.end({ kind: "fault", code: "engine/output-exceeded", detail: "" });
    context.endIfTouched(context.decoys.findWritten(stream, context.output[stream].written));
    done += buffer.length;
  }
  return done;
}

/** Reading, writing, positions and sizes of open files and streams. */
export const FILE_CALLS = {
  fd_read(context: WasiContext, fd: number, iovecs: number, count: number, pointer: number) {
    const descriptor = context.descriptors.get(fd);
    const buffers = context.memory.iovecs(iovecs, count);
    context.memory.check(pointer, 4);
    let done = 0;
    if (descriptor.opened.kind === "stdin") done = context.input.read(buffers);
    else if (descriptor.opened.kind === "stdout" || descriptor.opened.kind === "stderr") return ERRNO.badf;
    else {
      const file = fileOf(descriptor, RIGHT.fdRead);
      done = readInto(file.node, buffers, file.offset);
      file.offset += done;
    }
    noteBuffers(context, buffers, done);
    context.memory.setU32(pointer, done);
    return ERRNO.success;
  },

  fd_pread(context: WasiContext, fd: number, iovecs: number, count: number, offset: bigint, pointer: number) {
    const descriptor = context.descriptors.get(fd);
    const file = fileOf(descriptor, RIGHT.fdRead);
    if ((descriptor.rights & RIGHT.fdSeek) === 0) return ERRNO.notcapable;
    const buffers = context.memory.iovecs(iovecs, count);
    context.memory.check(pointer, 4);
    const done = readInto(file.node, buffers, offsetOf(offset));
    noteBuffers(context, buffers, done);
    context.memory.setU32(pointer, done);
    return ERRNO.success;
  },

  fd_write(context: WasiContext, fd: number, iovecs: number, count: number, pointer: number) {
    const descriptor = context.descriptors.get(fd);
    const buffers = context.memory.iovecs(iovecs, count);
    context.memory.check(pointer, 4);
    let done: number;
    const { opened } = descriptor;
    if (opened.kind === "stdout" || opened.kind === "stderr") done = writeStream(context, opened.kind, buffers);
    else if (opened.kind === "stdin") return ERRNO.badf;
    else {
      const file = fileOf(descriptor, RIGHT.fdWrite);
      const offset = (descriptor.flags & FDFLAG_APPEND) !== 0 ? file.node.content.length : file.offset;
      done = writeFrom(context, file.node, buffers, offset);
      file.offset = offset + done;
    }
    noteBuffers(context, buffers, done);
    context.memory.setU32(pointer, done);
    return ERRNO.success;
  },

  fd_pwrite(context: WasiContext, fd: number, iovecs: number, count: number, offset: bigint, pointer: number) {
    const descriptor = context.descriptors.get(fd);
    const file = fileOf(descriptor, RIGHT.fdWrite);
    if ((descriptor.rights & RIGHT.fdSeek) === 0) return ERRNO.notcapable;
    const buffers = context.memory.iovecs(iovecs, count);
    context.memory.check(pointer, 4);
    // Linux: pwrite appends when the descriptor does, whatever the offset.
    const at = (descriptor.flags & FDFLAG_APPEND) !== 0 ? file.node.content.length : offsetOf(offset);
    const done = writeFrom(context, file.node, buffers, at);
    noteBuffers(context, buffers, done);
    context.memory.setU32(pointer, done);
    return ERRNO.success;
  },

  fd_seek(context: WasiContext, fd: number, delta: bigint, whence: number, pointer: number) {
    const descriptor = context.descriptors.get(fd);
    if (descriptor.opened.kind === "folder") return ERRNO.badf;
    // A seek by nothing from where one is only tells; that takes less of a right.
    const tells = whence === 1 && delta === 0n;
    const enough = (descriptor.rights & (tells ? RIGHT.fdSeek | RIGHT.fdTell : RIGHT.fdSeek)) !== 0;
    if (descriptor.opened.kind !== "file") return ERRNO.spipe;
    if (!enough) return ERRNO.notcapable;
    const file = descriptor.opened;
    if (whence >>> 0 > 2) return ERRNO.inval;
    const base = whence === 0 ? 0 : whence === 1 ? file.offset : file.node.content.length;
    const wanted = BigInt(base) + delta;
    if (wanted < 0n || wanted > BigInt(OFFSET_MAX)) return ERRNO.inval;
    context.memory.setU64(pointer, wanted);
    file.offset = Number(wanted);
    return ERRNO.success;
  },

  fd_tell(context: WasiContext, fd: number, pointer: number) {
    const descriptor = context.descriptors.get(fd);
    if (descriptor.opened.kind === "folder") return ERRNO.badf;
    const file = fileOf(descriptor, RIGHT.fdTell);
    context.memory.setU64(pointer, BigInt(file.offset));
    return ERRNO.success;
  },

  fd_advise(context: WasiContext, fd: number, offset: bigint, length: bigint, advice: number) {
    const descriptor = context.descriptors.get(fd);
    if (descriptor.opened.kind === "folder") return ERRNO.badf;
    fileOf(descriptor, RIGHT.fdAdvise);
    return advice >>> 0 > 5 || offset < 0n || length < 0n ? ERRNO.inval : ERRNO.success;
  },

  fd_allocate(context: WasiContext, fd: number, offset: bigint, length: bigint) {
    const descriptor = context.descriptors.get(fd);
    if (descriptor.opened.kind === "folder") return ERRNO.badf;
    const { node } = fileOf(descriptor, RIGHT.fdAllocate);
    if (!node.volume.writable) return ERRNO.rofs;
    const end = BigInt.asUintN(64, offset) + BigInt.asUintN(64, length);
    if (length <= 0n) return ERRNO.inval;
    if (end > BigInt(OFFSET_MAX)) return ERRNO.fbig;
    if (Number(end) > node.content.length) node.content.resize(Number(end), node.volume.quota);
    touch(context, node);
    return ERRNO.success;
  },

  fd_filestat_set_size(context: WasiContext, fd: number, size: bigint) {
    const descriptor = context.descriptors.get(fd);
    if (descriptor.opened.kind === "folder") return ERRNO.badf;
    const { node } = fileOf(descriptor, RIGHT.fdFilestatSetSize);
    if (!node.volume.writable) return ERRNO.rofs;
    node.content.resize(offsetOf(size), node.volume.quota);
    touch(context, node);
    return ERRNO.success;
  },

  fd_datasync(context: WasiContext, fd: number) {
    context.descriptors.get(fd);
    return ERRNO.success;
  },

  fd_sync(context: WasiContext, fd: number) {
    context.descriptors.get(fd);
    return ERRNO.success;
  },
} satisfies Readonly<Record<string, WasiCall>>;
