import type { Bytes } from "#core";
import { ERRNO, refuse } from "./errno.ts";

/** File types of preview 1 (witx `$filetype`). */
export const FILE_TYPE = { characterDevice: 2, directory: 3, regularFile: 4, symbolicLink: 7 } as const;

/** What the nodes of one preopen share: whether they can change, and what they may take in memory. */
export type Volume = { readonly device: bigint; readonly writable: boolean; readonly quota: Quota };

const OVERLAY_BYTES_MAX = 64 * 1024 * 1024; // LIMIT: what a run may write, all files together; it is memory of the sandbox
const OVERLAY_NODES_MAX = 65_536; // LIMIT: files, folders and links together; a few hundred bytes each

/**
 * The bytes and nodes that a run may still add. A node comes back when its name goes.
 *
 * KNOWN: bytes do not, because an open descriptor may still hold them; a run that writes and deletes for long gets ENOSPC.
 */
export class Quota {
  #bytes = OVERLAY_BYTES_MAX;
  #nodes = OVERLAY_NODES_MAX;

  takeBytes(count: number): void {
    if (count > this.#bytes) refuse(ERRNO.nospc);
    this.#bytes -= count;
  }

  takeNode(): void {
    if (this.#nodes === 0) refuse(ERRNO.nospc);
    this.#nodes--;
  }

  returnNode(): void {
    this.#nodes++;
  }
}

/** Nanoseconds since the epoch, kept exactly. */
export type Times = { accessedNs: bigint; modifiedNs: bigint; changedNs: bigint };

type NodeBase = { readonly ino: bigint; readonly volume: Volume; readonly times: Times; links: number };
/** A name in a folder leads to a node; the cookie is its position for `fd_readdir`. */
export type FolderEntry = { readonly node: Inode; readonly cookie: number };
/** A folder. `parent` is undefined for the top of a preopen, above which there is nothing. */
export type FolderNode = NodeBase & {
  readonly kind: "folder";
  readonly entries: Map<string, FolderEntry>;
  parent: FolderNode | undefined;
  /** Positions for `fd_readdir`: an entry keeps its own for as long as it is there. */
  nextCookie: number;
};
/** A regular file. */
export type FileNode = NodeBase & { readonly kind: "file"; readonly content: Content };
/** A symbolic link; its target is text until somebody follows it. */
export type SymlinkNode = NodeBase & { readonly kind: "symlink"; readonly target: string };
/** Anything that a name can lead to. */
export type Inode = FolderNode | FileNode | SymlinkNode;

/** The cookie of the first entry of a folder. */
export const FIRST_COOKIE = 3; // after `.` and `..`

/** The bytes of a file: those of the mount, until somebody writes. */
export class Content {
  #bytes: Bytes;
  #length: number;
  #own = false;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
    this.#length = bytes.length;
  }

  get length(): number {
    return this.#length;
  }

  /** The bytes as they are now, not copied. */
  view(): Bytes {
    return this.#bytes.subarray(0, this.#length);
  }

  read(target: Uint8Array, offset: number): number {
    if (offset >= this.#length) return 0;
    const length = Math.min(target.length, this.#length - offset);
    target.set(this.#bytes.subarray(offset, offset + length));
    return length;
  }

  write(source: Bytes, offset: number, quota: Quota): void {
    if (source.length === 0) return;
    this.resize(Math.max(this.#length, offset + source.length), quota);
    this.#bytes.set(source, offset);
  }

  /** Grows with zeros or cuts. What is written is the run's own copy, taken from the quota before it is made. */
  resize(length: number, quota: Quota): void {
    if (!this.#own || length > this.#bytes.length) {
      const capacity = length > this.#bytes.length ? Math.max(length, this.#bytes.length + (this.#bytes.length >> 1)) : length;
      quota.takeBytes(this.#own ? capacity - this.#bytes.length : capacity);
      const copy = new Uint8Array(capacity);
      copy.set(this.#bytes.subarray(0, Math.min(length, this.#length)));
      this.#bytes = copy;
      this.#own = true;
    } else if (length < this.#length) this.#bytes.fill(0, length, this.#length);
    this.#length = length;
  }
}

/** The `$filetype` of a node. */
export function fileTypeOf(node: Inode): number {
  if (node.kind === "folder") return FILE_TYPE.directory;
  return node.kind === "file" ? FILE_TYPE.regularFile : FILE_TYPE.symbolicLink;
}

/** The size that `filestat` gives, in bytes. */
export function sizeOf(node: Inode): number {
  if (node.kind === "file") return node.content.length;
  return node.kind === "symlink" ? new TextEncoder().encode(node.target).length : 0;
}
