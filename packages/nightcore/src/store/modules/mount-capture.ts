import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fail, ok, type Result } from "#core";
import type { MountedFile, SourceFault } from "#ports";

const FILES_MAX = 10_000; // LIMIT: what a guest can be given is sent to its sandbox before every run
const BYTES_MAX = 64 * 1024 * 1024; // LIMIT: the same
const DEPTH_MAX = 32; // LIMIT: the walk recurses

/** A folder as it was at one moment; paths are relative, joined by `/`. */
export type CapturedFolder = { readonly files: readonly MountedFile[]; readonly folders: readonly string[] };

/**
 * Reads a folder whole, in name order, so that the guest sees one moment of it and the record can name it by digest.
 * Regular files and folders only: links, devices and pipes are left out, so nothing outside the folder is ever shown.
 */
export function captureFolder(root: string): Result<CapturedFolder, SourceFault> {
  const files: MountedFile[] = [];
  const folders: string[] = [];
  let bytesTotal = 0;

  const walk = (inner: string, depth: number): SourceFault | undefined => {
    if (depth > DEPTH_MAX) return { code: "source/sandbox-too-large", detail: `folders nest deeper than ${DEPTH_MAX}` };
    const entries = readdirSync(join(root, inner), { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const path = inner === "" ? entry.name : `${inner}/${entry.name}`;
      if (entry.isDirectory()) {
        folders.push(path);
        const fault = walk(path, depth + 1);
        if (fault !== undefined) return fault;
      } else if (entry.isFile()) {
        const bytes = readRegularFile(join(root, path), BYTES_MAX - bytesTotal);
        if (bytes === undefined) continue;
        bytesTotal += bytes.length;
        if (bytesTotal > BYTES_MAX) return { code: "source/sandbox-too-large", detail: `over ${BYTES_MAX} bytes` };
        files.push({ path, bytes });
      }
      if (files.length + folders.length > FILES_MAX)
        return { code: "source/sandbox-too-large", detail: `over ${FILES_MAX} files` };
    }
    return undefined;
  };

  try {
    // A root that is a link would show what it points to; lstat sees the link itself.
    if (!lstatSync(root).isDirectory()) return fail({ code: "source/sandbox-not-a-folder", detail: "" });
    const fault = walk("", 0);
    return fault === undefined ? ok({ files, folders }) : fail(fault);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    if (code === "ENOENT") return ok({ files: [], folders: [] });
    return fail({ code: "source/unreadable", detail: code });
  }
}

// The entry may have become a link or a pipe since it was listed; the descriptor decides.
function readRegularFile(path: string, bytesMax: number): Uint8Array | undefined {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return undefined;
    return stat.size > bytesMax ? new Uint8Array(bytesMax + 1) : new Uint8Array(readFileSync(fd));
  } finally {
    closeSync(fd);
  }
}
