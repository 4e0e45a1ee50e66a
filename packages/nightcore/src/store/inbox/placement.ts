import { lstatSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Bytes, equalBytes, fail, ok, type Result } from "#core";
import type { InboxFault, SubmittedFiles } from "#ports";
import { readFileBounded } from "#store/modules";
import { replaceFile } from "#store/workspace";
import { SUBMITTED_NAMES } from "./archive.ts";

/**
 * Fills a tenant's folder with a submission, each file whole or not at all, the module last. Evidence that belonged to what lay
 * there before goes; but where module and manifest are the same as before, what an operator has signed stays.
 */
export function placeSubmission(folder: string, files: SubmittedFiles): Result<undefined, InboxFault> {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (found !== undefined && !found.isDirectory()) return fail({ code: "inbox/folder-in-the-way", detail: "" });
  mkdirSync(folder, { recursive: true });
  const same =
    isThere(folder, "module.wasm", files.get("module.wasm")) && isThere(folder, "manifest.json", files.get("manifest.json"));
  for (const name of SUBMITTED_NAMES.toReversed()) {
    const content = files.get(name);
    if (content !== undefined) replaceFile(join(folder, name), content);
    else if (!same) rmSync(join(folder, name), { force: true, recursive: true });
  }
  return ok(undefined);
}

function isThere(folder: string, name: string, content: Bytes | undefined): boolean {
  const file = readFileBounded(join(folder, name), content?.length ?? 0);
  if (content === undefined || !file.ok) return content === undefined && !file.ok;
  return file.value.size === content.length && equalBytes(file.value.bytes, content);
}
