import { createHash, randomUUID } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Bytes } from "#core";
import type { PrunableBlobs } from "#ports";
import { Pack, rewritePack } from "./pack.ts";

const SMALL_BYTES = 64 * 1024; // LIMIT: what goes into the pack, or is written in place; anything longer is written aside first
const FILES_FIRST = 8; // LIMIT: a command that keeps few blobs makes files, and never has to look through the pack
const REMEMBERED_MAX = 10_000; // LIMIT: digests of which a process remembers that it has put them

/**
 * Blobs as files `ab/cdef…` under a folder, and the small ones of a command that keeps many together in `pack`. `put` of
 * bytes that are there already writes nothing. INVARIANT: only the process that holds the ledger's lock puts.
 */
export function openBlobs(folder: string): PrunableBlobs {
  const pathOf = (digest: string) => join(folder, digest.slice(0, 2), digest.slice(2));
  const packPath = join(folder, "pack");
  // Tenants of a kind print the same; what this process has put is not looked for again.
  const put = new Set<string>();
  let filesMade = 0;
  let appending: Pack | undefined;
  // A pack that others append to is looked through again when it does not have what is asked for.
  let reading: Pack | undefined;

  const keep = (digest: string, bytes: Bytes): void => {
    if (appending?.has(digest) === true) return;
    const path = pathOf(digest);
    if (bytes.length > SMALL_BYTES || filesMade < FILES_FIRST || lengthOf(path) === bytes.length) {
      if (write(path, bytes)) filesMade++;
      return;
    }
    if (appending === undefined) mkdirSync(folder, { recursive: true });
    appending ??= Pack.open(packPath, "append");
    if (appending?.has(digest) !== true) appending?.append(digest, bytes);
  };
  const readPacked = (digest: string): Bytes | undefined => {
    if (appending?.has(digest) === true) return appending.read(digest);
    if (reading?.has(digest) !== true && reading?.isBehind !== false) {
      reading?.close();
      reading = Pack.open(packPath, "read");
    }
    return reading?.read(digest);
  };
  return {
    put(digest, bytes) {
      if (put.has(digest)) return;
      keep(digest, bytes);
      if (put.size >= REMEMBERED_MAX) put.clear();
      put.add(digest);
    },
    get(digest) {
      if (!/^[0-9a-f]{64}$/.test(digest)) return undefined;
      const isIt = (bytes: Bytes | undefined) =>
        bytes !== undefined && createHash("sha256").update(bytes).digest("hex") === digest ? bytes : undefined;
      return isIt(readFile(pathOf(digest))) ?? isIt(readPacked(digest));
    },
    delete(digests) {
      let files = 0;
      let fileBytes = 0;
      for (const digest of digests) {
        const length = lengthOf(pathOf(digest));
        if (length === undefined) continue;
        rmSync(pathOf(digest));
        files++;
        fileBytes += length;
      }
      appending?.close();
      reading?.close();
      appending = reading = undefined;
      put.clear();
      const packed = rewritePack(packPath, digests);
      return { blobs: files + packed.blobs, bytes: fileBytes + packed.bytes };
    },
  };
}

function readFile(path: string): Bytes | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/**
 * A small blob is made in place by one write, which a crash of the process does not split; a larger one is written aside and
 * renamed. One that is there and has another length was cut by a crash of the machine, and is written again. Returns whether
 * anything was written.
 */
function write(path: string, bytes: Bytes): boolean {
  if (bytes.length <= SMALL_BYTES && writeInPlace(path, bytes)) return true;
  if (lengthOf(path) === bytes.length) return false;
  writeAside(path, bytes);
  return true;
}

/** Whether the file was not there and is now. A reader that comes in between finds bytes of another digest, and gets nothing. */
function writeInPlace(path: string, bytes: Bytes): boolean {
  const fd = openNew(path);
  if (fd === undefined) return false;
  try {
    return writeSync(fd, bytes) === bytes.length;
  } finally {
    closeSync(fd);
  }
}

/** A descriptor of a new file; undefined when there is one already. The folder is made when it turns out to be missing. */
function openNew(path: string): number | undefined {
  for (let attempt = 0; ; attempt++) {
    try {
      return openSync(path, "wx", 0o600);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "EEXIST") return undefined;
      if (code !== "ENOENT" || attempt > 0) throw error;
      mkdirSync(dirname(path), { recursive: true });
    }
  }
}

function lengthOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

// A reader sees all of it or nothing.
function writeAside(path: string, bytes: Bytes): void {
  mkdirSync(dirname(path), { recursive: true });
  const aside = `${path}.${randomUUID()}`;
  writeFileSync(aside, bytes, { flag: "wx", mode: 0o600 });
  renameSync(aside, path);
}
