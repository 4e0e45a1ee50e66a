import { createHash } from "node:crypto";
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fail, isJsonObject, ok, parseJson, type Result } from "#core";
import type { ForwardFault } from "./fault.ts";

const POSITION_BYTES_MAX = 64 * 1024; // LIMIT: a destination's name and a number

/** The index of the first entry that a destination has not confirmed; 0 for one that is new. */
export function readPosition(folder: string, destination: string): Result<number, ForwardFault> {
  const file = fileOf(folder, destination);
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return ok(0);
    throw error;
  }
  const json = parseJson(bytes, POSITION_BYTES_MAX);
  const said = json.ok && isJsonObject(json.value) ? json.value : {};
  const next = said["next"];
  const sound = said["destination"] === destination && typeof next === "number" && Number.isSafeInteger(next) && next >= 0;
  return sound ? ok(next) : fail({ code: "forward/position-malformed", file });
}

/** Remembers durably how far a destination has confirmed. Dying before the rename leaves the older one: entries go twice. */
export function writePosition(folder: string, destination: string, next: number): void {
  mkdirSync(folder, { recursive: true });
  const file = fileOf(folder, destination);
  const aside = `${file}.next`;
  const fd = openSync(aside, "w", 0o644);
  try {
    writeSync(fd, `${JSON.stringify({ destination, next })}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  const directory = openSync(folder, "r");
  try {
    renameSync(aside, file);
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function fileOf(folder: string, destination: string): string {
  return join(folder, `${createHash("sha256").update(destination).digest("hex").slice(0, 32)}.json`);
}
