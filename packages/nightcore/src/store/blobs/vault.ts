import { createHash, randomUUID } from "node:crypto";
import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bytes, concatBytes, equalBytes, utf8 } from "#core";

/** Stands before the bytes, so that no file of the vault is a module, or anything else that something would load. */
const HEADER = utf8("nightcore-vault/v1: in quarantine, not to be loaded\n");
const SETTLED_FILE = "settled";

/**
 * POWER: the vault of a workspace: what is in quarantine, by digest, where nothing reads it to run it. Its folder is its owner's
 * alone, each file has the mode 0600 and a first line that makes it inert. INVARIANT: only the process that holds the ledger's lock
 * changes it.
 */
export type Vault = {
  /** Keeps the bytes durably: what returned survives a power cut. Bytes that are there already are not written again. */
  put(digest: string, bytes: Bytes): void;
  /** The bytes, if they are here and have their digest. */
  get(digest: string): Bytes | undefined;
  delete(digest: string): void;
  /** Up to which entry of the log everything blocked has been moved here, and everything released back. */
  readonly settledTo: number | undefined;
  noteSettled(index: number): void;
};

/** Opens the vault in a folder, which is made by the first thing that is put into it. */
export function openVault(folder: string): Vault {
  const pathOf = (digest: string) => join(folder, `${digest}.vault`);
  const get = (digest: string): Bytes | undefined => {
    const file = /^[0-9a-f]{64}$/.test(digest) ? readIfThere(pathOf(digest)) : undefined;
    if (file === undefined || !equalBytes(file.subarray(0, HEADER.length), HEADER)) return undefined;
    const bytes = file.subarray(HEADER.length);
    return createHash("sha256").update(bytes).digest("hex") === digest ? bytes : undefined;
  };
  return {
    get,
    put(digest, bytes) {
      if (get(digest) !== undefined) return;
      writeDurably(folder, pathOf(digest), concatBytes([HEADER, bytes]));
    },
    delete(digest) {
      rmSync(pathOf(digest), { force: true });
    },
    get settledTo() {
      const text = Buffer.from(readIfThere(join(folder, SETTLED_FILE)) ?? []).toString("latin1");
      return /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
    },
    noteSettled(index) {
      writeDurably(folder, join(folder, SETTLED_FILE), utf8(String(index)));
    },
  };
}

function writeDurably(folder: string, path: string, content: Bytes): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700); // whoever made it before may have been more generous
  const aside = `${path}.${randomUUID()}`;
  const fd = openSync(aside, "wx", 0o600);
  try {
    writeFileSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(aside, path);
  const parent = openSync(folder, "r");
  try {
    fsyncSync(parent);
  } finally {
    closeSync(parent);
  }
}

function readIfThere(path: string): Bytes | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
