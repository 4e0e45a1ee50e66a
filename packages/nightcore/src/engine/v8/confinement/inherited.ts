import { openSync, readdirSync, readFileSync, readlinkSync } from "node:fs";

const CLOSE_ON_EXEC = 0o2_000_000; // O_CLOEXEC of asm-generic/fcntl.h, which x86_64 and aarch64 share
const STANDARD_MAX = 2;
const DESCRIPTOR_MAX = 65_535; // LIMIT: the list that Node is handed has as many places

/**
 * Descriptors that whoever started the worker has left open, and that every process which it starts would hold as well: a log
 * file, the pipe of a supervisor, a socket. Node marks all of its own, and closes these for nobody.
 */
export function readInherited(): readonly number[] {
  try {
    return readdirSync("/proc/self/fd")
      .map(Number)
      .filter((one) => one > STANDARD_MAX && one <= DESCRIPTOR_MAX && isInherited(one));
  } catch {
    return []; // there is no /proc
  }
}

/** proc(5): `flags` of fdinfo, in octal. */
function isInherited(descriptor: number): boolean {
  try {
    // It tells that something happened, and holds nothing itself; the kernel takes milliseconds to describe one.
    if (readlinkSync(`/proc/self/fd/${descriptor}`) === "anon_inode:[eventpoll]") return false;
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "latin1"))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
  } catch {
    return false; // that of the listing itself, which is closed again
  }
}

/** A `stdio` for `spawn` in which what would be inherited is nothing: `/dev/null` stands in its place. */
export function coverInherited<Kind>(
  stdio: readonly Kind[],
  inherited: readonly number[],
): readonly (Kind | "ignore" | number)[] {
  const uncovered = inherited.filter((one) => one >= stdio.length);
  if (uncovered.length === 0) return stdio;
  nothing ??= openSync("/dev/null", "r+");
  const covered: (Kind | "ignore" | number)[] = [...stdio];
  for (let at = stdio.length; at <= Math.max(...uncovered); at++) covered.push("ignore"); // leaves a place as it is
  for (const one of uncovered) covered[one] = nothing;
  return covered;
}

let nothing: number | undefined;
