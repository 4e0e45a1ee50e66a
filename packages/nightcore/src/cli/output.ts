import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Digest, digestOf, escapeControls } from "#core";
import { isBlocked } from "#state";
import { openBlobs } from "#store/blobs";
import { parseOutputManifest } from "#worker";
import { CommandStop, EXIT, type Invocation, usageStop } from "./invocation.ts";
import { findRun, readRecordedRun } from "./recorded-run.ts";
import { crypto, openView } from "./session.ts";

/** Lists what a run left in `/out`, or writes it into a new folder: plain files and folders, from bytes that have their digests. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, positionals, json } = invocation;
  const [asked] = positionals;
  if (asked === undefined || positionals.length > 1) throw usageStop("one RUN is needed", "`nightcore run` names it");
  const view = await openView(invocation);
  try {
    const row = findRun(view.rows, asked);
    const said = readRecordedRun(view, row).outcome?.outputTree;
    const blobs = openBlobs(view.layout.blobs);
    const read = (digest: Digest) => {
      if (isBlocked(view.rows, digest)) return frozen(digest);
      const bytes = blobs.get(digest);
      return bytes !== undefined && digestOf(crypto.sha256, bytes) === digest ? bytes : missing(digest);
    };
    const entries = said === undefined ? [] : (parseOutputManifest(read(said.digest)) ?? missing(said.digest));
    const to = invocation.text("to");
    if (to !== undefined) {
      // Everything is there before anything is written.
      const found = entries.map(({ path, file }) => ({
        path,
        bytes: file && (file.bytes === 0 ? new Uint8Array() : read(file.digest)),
      }));
      writeTree(resolve(invocation.root, to), found);
    }
    if (json) terminal.print(JSON.stringify({ command: "output", run: row["run"], outputTree: said ?? null, entries }));
    for (const { path, file } of entries)
      terminal.say(
        file === undefined ? `${escapeControls(path)}/` : `${escapeControls(path)}  ${file.bytes} bytes  ${file.digest}`,
      );
    if (said === undefined) terminal.say("the run left nothing in /out");
  } finally {
    view.close();
  }
  return EXIT.ok;
}

type Found = { readonly path: string; readonly bytes: Uint8Array | undefined };

// The folder is new, so nothing in it can be a link; `wx` refuses what is there all the same.
function writeTree(folder: string, entries: readonly Found[]): void {
  try {
    mkdirSync(folder);
  } catch {
    throw usageStop("the folder of `--to` cannot be made", "name one that does not exist yet, in one that does");
  }
  try {
    for (const { path, bytes } of entries) {
      if (bytes === undefined) mkdirSync(join(folder, path));
      else writeFileSync(join(folder, path), bytes, { flag: "wx", mode: 0o644 });
    }
  } catch (error) {
    // Half a tree could be taken for the whole one.
    rmSync(folder, { recursive: true, force: true });
    const why = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    const message = `the output cannot be written there: ${why}; nothing was left behind`;
    throw new CommandStop({
      code: "cli/output-unwritable",
      message,
      hint: "free some space and try again",
      exit: EXIT.environment,
    });
  }
}

function frozen(digest: Digest): never {
  throw new CommandStop({
    code: "worker/output-frozen",
    message: `what the run left is in quarantine: ${digest}`,
    hint: "`nightcore quarantine list` says since when and why",
    exit: EXIT.denied,
  });
}

function missing(digest: Digest): never {
  throw new CommandStop({
    code: "worker/blob-missing",
    message: `a blob is missing, or is not what it was: ${digest}`,
    hint: "copy the blob from where it is kept, or run the module anew",
    exit: EXIT.environment,
  });
}
