import { constants, closeSync, fdatasyncSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { fail, ok, utf8 } from "#core";
import type { Destination } from "./destination.ts";
import type { Sink } from "./sink.ts";

/**
 * Appends lines to a file. Confirmed when the flush has returned. A line that a crash has cut is ended first, so that it stands
 * alone; what it was comes again whole.
 */
export function openFileSink({ name, path }: Destination & { readonly kind: "file" }): Sink {
  return {
    async deliver({ lines, checkpointLine }) {
      try {
        const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND, 0o640);
        try {
          const text = [...lines, checkpointLine].map((line) => `${line}\n`).join("");
          const bytes = utf8(endsWithNewline(fd) ? text : `\n${text}`);
          for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
          fdatasyncSync(fd);
        } finally {
          closeSync(fd);
        }
        return ok(undefined);
      } catch (error) {
        const detail = error instanceof Error && "code" in error ? String(error.code) : "it cannot be written";
        return fail({ code: "forward/unreachable", destination: name, detail });
      }
    },
  };
}

function endsWithNewline(fd: number): boolean {
  const { size } = fstatSync(fd);
  if (size === 0) return true;
  const last = Buffer.alloc(1);
  return readSync(fd, last, 0, 1, size - 1) === 1 && last[0] === 0x0a;
}
