import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { type Bytes, ok } from "#core";
import type { FileStatus } from "./file-status.ts";

/** A regular file as it was read: its bytes, its size, the account that owns it, and its status before the first byte was read. */
export type BoundedFile = {
  readonly ok: true;
  readonly value: { readonly bytes: Bytes; readonly size: number; readonly uid: number; readonly status: FileStatus };
};

/**
 * Reads a regular file of at most `bytesMax` bytes, through one descriptor that never follows a final link or waits for a pipe.
 * Of a larger one nothing is read; its size says so.
 */
export function readFileBounded(path: string, bytesMax: number): BoundedFile | { readonly ok: false; readonly fault: string } {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return { ok: false, fault: codeOf(error) };
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return { ok: false, fault: "not a file" };
    if (stat.size > bytesMax) return ok({ bytes: new Uint8Array(0), size: stat.size, uid: stat.uid, status: stat });
    // Its own buffer, not a slice of Node's pool: nobody else holds a view of what is judged and run.
    const bytes = new Uint8Array(stat.size);
    let length = 0;
    while (length < bytes.length) {
      const read = readSync(fd, bytes, length, bytes.length - length, length);
      if (read === 0) break;
      length += read;
    }
    const all = length === bytes.length ? bytes : bytes.slice(0, length);
    return ok({ bytes: all, size: length, uid: stat.uid, status: stat });
  } catch (error) {
    return { ok: false, fault: codeOf(error) };
  } finally {
    closeSync(fd);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown error";
}
