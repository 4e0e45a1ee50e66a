import { lstatSync, type Stats } from "node:fs";

/** What tells one content of a path from another without reading it. Times in milliseconds, with what the file system knows of their parts. */
export type FileStatus = Pick<Stats, "dev" | "ino" | "size" | "mtimeMs" | "ctimeMs">;

const SETTLED_MS = 2_000; // LIMIT: the coarsest step in which a file system tells times; FAT's

/** The status of what a path names now, without following a final link; undefined where there is nothing. */
export function readStatus(path: string): FileStatus | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** Whether a path that has this status again has the content that it had: a file that was written to since has another time. */
export function isSameStatus(one: FileStatus, other: FileStatus | undefined): boolean {
  return (
    other !== undefined &&
    one.ino === other.ino &&
    one.dev === other.dev &&
    one.size === other.size &&
    one.mtimeMs === other.mtimeMs &&
    one.ctimeMs === other.ctimeMs
  );
}

/**
 * Whether its times were behind this moment by more than a step: only then does a later change show. One within the same step as the
 * change before has its time.
 */
export function isSettled({ mtimeMs, ctimeMs }: FileStatus, nowMs: number): boolean {
  return Math.max(mtimeMs, ctimeMs) + SETTLED_MS < nowMs;
}
