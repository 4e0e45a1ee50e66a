import type { Mount } from "#ports";
import type { Bytes } from "#core";
import { ERRNO, refuse } from "./errno.ts";
import {
  Content,
  FIRST_COOKIE,
  type FileNode,
  type FolderNode,
  type Inode,
  Quota,
  type SymlinkNode,
  type Volume,
} from "./inode.ts";

/** The folders that a guest begins with, each with the path by which it knows it. */
export type Preopen = { readonly path: string; readonly folder: FolderNode };

/**
 * The files of one run, all in memory: the captured bytes of its mounts, and whatever it changes in those that are writable.
 * Nothing here has a path on the host, so there is nothing to escape to.
 */
export class FileSystem {
  readonly #quota = new Quota();
  #nextIno = 1n;
  #nextDevice = 1n;
  readonly preopens: readonly Preopen[];

  constructor(mounts: readonly Mount[]) {
    this.preopens = mounts.map((mount) => this.#mount(mount));
  }

  #mount(mount: Mount): Preopen {
    const volume: Volume = { device: this.#nextDevice++, writable: mount.writable === true, quota: this.#quota };
    const root = this.#folder(volume, undefined);
    for (const path of mount.folders) this.#descend(root, path.split("/"));
    for (const file of mount.files) {
      const components = file.path.split("/");
      const name = components.pop() ?? "";
      link(this.#descend(root, components), name, this.#file(volume, file.bytes));
    }
    return { path: mount.guestPath, folder: root };
  }

  #descend(root: FolderNode, components: readonly string[]): FolderNode {
    let folder = root;
    for (const name of components) {
      if (name === "") continue;
      const found = folder.entries.get(name)?.node;
      if (found !== undefined && found.kind !== "folder") refuse(ERRNO.notdir);
      const next: FolderNode = found ?? this.#folder(folder.volume, folder);
      if (found === undefined) link(folder, name, next);
      folder = next;
    }
    return folder;
  }

  #base(volume: Volume): Pick<Inode, "ino" | "volume" | "times" | "links"> {
    return { ino: this.#nextIno++, volume, times: { accessedNs: 0n, modifiedNs: 0n, changedNs: 0n }, links: 0 };
  }

  #folder(volume: Volume, parent: FolderNode | undefined): FolderNode {
    return { ...this.#base(volume), kind: "folder", entries: new Map(), parent, nextCookie: FIRST_COOKIE };
  }

  #file(volume: Volume, bytes: Bytes): FileNode {
    return { ...this.#base(volume), kind: "file", content: new Content(bytes) };
  }

  createFolder(parent: FolderNode, name: string): FolderNode {
    this.#quota.takeNode();
    const folder = this.#folder(parent.volume, parent);
    link(parent, name, folder);
    return folder;
  }

  createFile(parent: FolderNode, name: string): FileNode {
    this.#quota.takeNode();
    const file = this.#file(parent.volume, new Uint8Array(0));
    link(parent, name, file);
    return file;
  }

  createSymlink(parent: FolderNode, name: string, target: string): SymlinkNode {
    this.#quota.takeBytes(target.length);
    this.#quota.takeNode();
    const symlink: SymlinkNode = { ...this.#base(parent.volume), kind: "symlink", target };
    link(parent, name, symlink);
    return symlink;
  }
}

/** Names a node in a folder; a folder that is moved gets its new parent. */
export function link(folder: FolderNode, name: string, node: Inode): void {
  folder.entries.set(name, { node, cookie: folder.nextCookie++ });
  node.links++;
  if (node.kind === "folder") node.parent = folder;
}

/** Takes a name out of a folder; whoever has the node open keeps it. */
export function unlink(folder: FolderNode, name: string): void {
  const node = folder.entries.get(name)?.node;
  if (node === undefined) return;
  folder.entries.delete(name);
  node.links--;
}
