import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { BlobStore } from "#ports";

/** Blobs as files `ab/cdef…` under a folder. `put` of bytes that are there already writes nothing. */
export function openBlobs(folder: string): BlobStore {
  const pathOf = (digest: string) => join(folder, digest.slice(0, 2), digest.slice(2));
  // Tenants of a kind print the same; what this process has put is not looked for again.
  const put = new Set<string>();
  return {
    put(digest, bytes) {
      if (put.has(digest)) return;
      const path = pathOf(digest);
      if (!existsSync(path)) write(path, bytes);
      if (put.size >= REMEMBERED_MAX) put.clear();
      put.add(digest);
    },
    get(digest) {
      if (!/^[0-9a-f]{64}$/.test(digest)) return undefined;
      try {
        const bytes = readFileSync(pathOf(digest));
        return createHash("sha256").update(bytes).digest("hex") === digest ? bytes : undefined;
      } catch {
        return undefined;
      }
    },
  };
}

const REMEMBERED_MAX = 10_000; // LIMIT: digests of which a process remembers that it has put them

// Written aside and renamed, so that a reader sees all of it or nothing.
function write(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  const aside = `${path}.${randomUUID()}`;
  writeFileSync(aside, bytes, { flag: "wx", mode: 0o600 });
  renameSync(aside, path);
}
