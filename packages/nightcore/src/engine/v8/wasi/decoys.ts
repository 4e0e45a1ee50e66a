import { type Bytes, type Canary, CANARY_FOLDER, encodeCanaryName } from "#core";
import type { Mount } from "#ports";
import { CanarySearch } from "../canary-search.ts";
import type { FileNode, FolderNode, Inode } from "./inode.ts";

const encoder = new TextEncoder();

/** The decoys of one run: where they stand, and whether something that the guest does touches one. */
export class Decoys {
  readonly #canaries: readonly Canary[];
  readonly #files = new Map<FileNode, string>();
  readonly #search: CanarySearch;
  readonly #searched = { stdout: 0, stderr: 0 };

  constructor(canaries: readonly Canary[]) {
    this.#canaries = canaries;
    this.#search = new CanarySearch(canaries);
  }

  /** Variables of the guest, `NAME=value`. */
  get env(): readonly string[] {
    return this.#canaries.filter(({ kind }) => kind !== "file").map(({ name, value }) => `${name}=${value}`);
  }

  /** The tree with the decoy files; none where there are no such decoys. */
  get mounts(): readonly Mount[] {
    const files = this.#paths().map(({ path, value }) => ({ path, bytes: encoder.encode(`${value}\n`) }));
    return files.length === 0 ? [] : [{ guestPath: CANARY_FOLDER, files, folders: [] }];
  }

  /** Remembers which nodes of that tree are decoys. */
  watch(root: FolderNode): void {
    for (const { path, canary } of this.#paths()) {
      let folder: FolderNode | undefined = root;
      for (const name of path.split("/")) {
        const node: Inode | undefined = folder?.entries.get(name)?.node;
        if (node?.kind === "file") this.#files.set(node, encodeCanaryName(canary));
        folder = node?.kind === "folder" ? node : undefined;
      }
    }
  }

  /** The decoy that a file is; undefined for any other. */
  nameOf(node: FileNode): string | undefined {
    return this.#files.get(node);
  }

  /** The decoy in what a stream was given, looked for where nobody has looked yet. */
  findWritten(stream: "stdout" | "stderr", written: Bytes): string | undefined {
    if (this.#search.isEmpty) return undefined;
    const found = this.#search.find(written.subarray(Math.max(0, this.#searched[stream] - this.#search.overlap)));
    this.#searched[stream] = written.length;
    return found;
  }

  /** The decoy in a path that the guest names. */
  findInPath(path: string): string | undefined {
    return this.#search.isEmpty ? undefined : this.#search.find(encoder.encode(path));
  }

  #paths() {
    const files = this.#canaries.filter(({ kind }) => kind === "file");
    return files.map((canary) => ({ path: canary.name.slice(CANARY_FOLDER.length + 1), value: canary.value, canary }));
  }
}
