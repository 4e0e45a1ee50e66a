import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { fail, ok, type Result } from "#core";
import type { InboxFault, PendingFile } from "#ports";
import { readFileBounded } from "#store/modules";

const FILES_MAX = 256; // LIMIT: what one sweep takes; the rest lies there for the next

/** A file that is looked at when its turn comes, so that one of them is in memory at a time. */
export type ListedFile = { readonly name: string; readonly read: () => PendingFile | undefined };

/**
 * What waits in a folder, in name order. Hidden names and `.part` are files that are still being written: whoever writes in
 * pieces does it under such a name, and renames. Undefined instead of a file that has gone meanwhile.
 */
export function listPending(folder: string, bytesMax: number): readonly ListedFile[] {
  mkdirSync(folder, { recursive: true });
  return readdirSync(folder)
    .filter((name) => !name.startsWith(".") && !name.endsWith(".part"))
    .toSorted()
    .slice(0, FILES_MAX)
    .map((name) => ({ name, read: () => readPending(folder, name, bytesMax) }));
}

function readPending(folder: string, name: string, bytesMax: number): PendingFile | undefined {
  const path = join(folder, name);
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const content = readContent(path, bytesMax);
  // The descriptor's word, where there was one: a link's owner is not the owner of what it leads to.
  const uid = content.ok ? content.value.uid : found.uid;
  const owner = { uid, account: nameAccount(uid) };
  return { name, owner, content: content.ok ? ok(content.value.bytes) : content };
}

function readContent(path: string, bytesMax: number): Result<{ readonly bytes: Uint8Array; readonly uid: number }, InboxFault> {
  const file = readFileBounded(path, bytesMax);
  if (!file.ok) {
    if (file.fault === "not a file") return fail({ code: "inbox/not-a-file", detail: "" });
    if (file.fault === "ELOOP") return fail({ code: "inbox/not-a-file", detail: "it is a link" });
    return fail({ code: "inbox/unreadable", detail: file.fault });
  }
  const { bytes, size, uid } = file.value;
  if (size > bytesMax) return fail({ code: "inbox/too-large", detail: `${size} bytes, and at most ${bytesMax} are read` });
  return ok({ bytes: new Uint8Array(bytes), uid });
}

/** The name of an account of this machine; its number where the system has no name for it. */
function nameAccount(uid: number): string {
  const self = userInfo();
  if (self.uid === uid) return self.username;
  try {
    const line = readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .find((one) => one.split(":")[2] === String(uid));
    return line?.split(":")[0] ?? `uid ${uid}`;
  } catch {
    return `uid ${uid}`;
  }
}

const KEPT_NAME_CHARACTERS_MAX = 200; // LIMIT: with the moment before it, what file systems take for a name

/** Moves a file out of the way, under its own name and the moment: nothing in `to` is ever overwritten. */
export function settlePending(from: string, to: string, { name, at }: { readonly name: string; readonly at: string }): void {
  mkdirSync(to, { recursive: true });
  const stamp = at.replaceAll(/[:.]/g, "");
  const kept = name.slice(-KEPT_NAME_CHARACTERS_MAX);
  let target = join(to, `${stamp}-${kept}`);
  for (let n = 2; existsSync(target); n++) target = join(to, `${stamp}-${n}-${kept}`);
  try {
    renameSync(join(from, name), target);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}
