import { ERRNO, refuse } from "./errno.ts";
import type { FileNode, FolderNode } from "./inode.ts";

const DESCRIPTORS_MAX = 1024; // LIMIT: what processes have by default; they are the guest's own, not the host's

/** What a descriptor stands for: a stream, an open file, or an open folder (with its guest path when it is a preopen). */
export type Opened =
  | { readonly kind: "stdin" | "stdout" | "stderr" }
  | { readonly kind: "file"; readonly node: FileNode; offset: number }
  | { readonly kind: "folder"; readonly node: FolderNode; readonly preopen: string | undefined };

/** What a number stands for, and what may still be done with it. `flags` are `$fdflags`. */
export type Descriptor = { readonly opened: Opened; rights: number; inheriting: number; flags: number };

const FIRST_DESCRIPTOR = 3; // a file must not become the standard output that a guest was not granted

/** Open descriptors by number. Numbers are given from the lowest that is free, as POSIX has it, but those of the streams never. */
export class DescriptorTable {
  readonly #open = new Map<number, Descriptor>();
  #lowest = FIRST_DESCRIPTOR;

  add(descriptor: Descriptor): number {
    if (this.#open.size >= DESCRIPTORS_MAX) refuse(ERRNO.mfile);
    let fd = this.#lowest;
    while (this.#open.has(fd)) fd++;
    this.#open.set(fd, descriptor);
    this.#lowest = fd + 1;
    return fd;
  }

  set(fd: number, descriptor: Descriptor): void {
    this.#open.set(fd, descriptor);
  }

  get(fd: number): Descriptor {
    return this.#open.get(fd >>> 0) ?? refuse(ERRNO.badf);
  }

  /** EBADF for a number that is not open, ENOTCAPABLE for one without all of `rights`. */
  withRights(fd: number, rights: number): Descriptor {
    const descriptor = this.get(fd);
    if ((descriptor.rights & rights) !== rights) refuse(ERRNO.notcapable);
    return descriptor;
  }

  /** A folder with `rights`; ENOTDIR for anything else. */
  folder(fd: number, rights: number): { readonly node: FolderNode; readonly descriptor: Descriptor } {
    const descriptor = this.get(fd);
    if (descriptor.opened.kind !== "folder") return refuse(ERRNO.notdir);
    if ((descriptor.rights & rights) !== rights) refuse(ERRNO.notcapable);
    return { node: descriptor.opened.node, descriptor };
  }

  remove(fd: number): void {
    this.get(fd);
    this.#open.delete(fd >>> 0);
    this.#lowest = Math.max(FIRST_DESCRIPTOR, Math.min(this.#lowest, fd >>> 0));
  }
}
