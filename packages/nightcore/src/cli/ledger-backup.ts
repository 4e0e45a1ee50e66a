import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { explainLedgerFault } from "#ports";
import { backUpLedger, type TilesReader, verifyLedger } from "#store/tiles";
import { readIfThere, replaceFile } from "#store/workspace";
import { listCompanions } from "./backup-companions.ts";
import { CommandStop, EXIT, type Invocation, usageStop } from "./invocation.ts";
import { logKeysOf } from "./ledger-vkey.ts";
import { openConfiguration, openReader, openSession, readNodePublicKey, type View } from "./session.ts";
import { unwrap } from "./unwrap.ts";

const PUBLICATION_WAIT_MS = 10_000; // LIMIT: a writer publishes within about a second
const LOOK_MS = 50;

/** Copies the log, or what an earlier backup lacks, with everything that had been acknowledged when the command began. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json, root, positionals } = invocation;
  const [shown] = positionals;
  if (shown === undefined) throw usageStop("a folder is needed", "see `nightcore help ledger backup`");
  const folder = resolve(root, shown);
  const { layout, configuration } = await openConfiguration(invocation);
  const files = { layout, configuration, publicKey: readNodePublicKey(layout) };
  const vkey = logKeysOf(files);
  // Before the log is looked at: what a witness has cosigned by now is in the backup, and never more.
  const companions = listCompanions(layout, layout.policyVersions).map(({ name, path }) => ({ name, bytes: readIfThere(path) }));
  const reader = await readPublished(invocation, files);
  const missing = reader.size - reader.published.size;
  const backup = unwrap(
    await backUpLedger({
      reader,
      vkey,
      folder,
      onProgress: (done, size) => terminal.progress(done, size, "entries"),
    }),
    explainLedgerFault,
  );
  mkdirSync(join(folder, "workspace"), { recursive: true });
  for (const { name, bytes } of companions) {
    if (bytes !== undefined) replaceFile(join(folder, name), bytes);
  }
  if (invocation.flag("verify")) {
    const { problems } = unwrap(await verifyLedger({ folder, vkey, signatures: true, journal: false }), explainLedgerFault);
    const [first] = problems;
    if (first !== undefined)
      throw new CommandStop({ code: first.code, ...explainLedgerFault(first), exit: EXIT.verificationFailed });
  }
  if (json) terminal.print(JSON.stringify({ ...backup, missing }));
  const less = missing > 0 ? `; ${missing} newer ones were not published in time and are not in it` : "";
  terminal.say(`${backup.size} entries are in the backup, ${backup.added} of them new, root ${backup.root}${less}`);
  terminal.say(terminal.paint("dim", "the node's private key and the blobs are not in it; keep them elsewhere"));
  return EXIT.ok;
}

/** A reader that sees everything published which was acknowledged when this began: by a writer beside us, or else by ourselves. */
async function readPublished(
  invocation: Invocation,
  files: Pick<View, "layout" | "configuration" | "publicKey">,
): Promise<TilesReader> {
  const open = () => openReader(files);
  const { size, published } = open();
  if (published.size >= size) return open();
  try {
    await (await openSession(invocation, { thread: false, lockWaitMs: 0 })).finish();
  } catch (error) {
    if (!(error instanceof CommandStop && error.code === "ledger/locked")) throw error;
  }
  let reader = open();
  for (let waitedMs = 0; reader.published.size < size && waitedMs < PUBLICATION_WAIT_MS; waitedMs += LOOK_MS) {
    await wait(LOOK_MS);
    reader = open();
  }
  return reader;
}
