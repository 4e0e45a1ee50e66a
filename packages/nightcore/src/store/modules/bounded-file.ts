import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { type Bytes, ok, type Result } from "#core";

const OVER_BYTES = 128 * 1024; // LIMIT: zeros that are handed out for a file that is over the bound

/** Reads at most `bytesMax` + 1 bytes of a regular file, through one descriptor that never follows a final link or waits for a pipe. */
export function readFileBounded(
  path: string,
  bytesMax: number,
): Result<{ bytes: Bytes; size: number }, never> | { ok: false; fault: string } {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return { ok: false, fault: codeOf(error) };
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return { ok: false, fault: "not a file" };
    if (stat.size > bytesMax) return ok({ bytes: new Uint8Array(Math.min(bytesMax, OVER_BYTES) + 1), size: stat.size });
    // Its own buffer, not a slice of Node's pool: nobody else holds a view of what is judged and run.
    const bytes = new Uint8Array(stat.size);
    let length = 0;
    while (length < bytes.length) {
      const read = readSync(fd, bytes, length, bytes.length - length, length);
      if (read === 0) break;
      length += read;
    }
    return ok({ bytes: length === bytes.length ? bytes : bytes.slice(0, length), size: length });
  } catch (error) {
    return { ok: false, fault: codeOf(error) };
  } finally {
    closeSync(fd);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown error";
}
