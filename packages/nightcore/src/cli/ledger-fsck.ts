import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { escapeControls } from "#core";
import { explainLedgerFault } from "#ports";
import { Projection } from "#store/sqlite";
import { examineLedger, type LedgerExamination, type LedgerFinding } from "#store/tiles";
import { type Layout, readIfThere } from "#store/workspace";
import { type FindingWords, wordFindings } from "./finding-words.ts";
import { EXIT, type Invocation } from "./invocation.ts";
import { logKeysOf } from "./ledger-vkey.ts";
import { archiveOf, openConfiguration, openSession, readNodePublicKey } from "./session.ts";
import type { WorkspaceRepairs } from "./recovery.ts";
import { wordPruning } from "./pruning-words.ts";
import { unwrap } from "./unwrap.ts";
import { examineSurroundings, PROJECTION_FILE } from "./workspace-findings.ts";

/**
 * Names everything that is wrong with the log and what is derived from it, tells what can be given again from what cannot, and
 * says what to do next. With `--repair` it gives the former again, if nothing of the latter is damaged, and records that.
 */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json } = invocation;
  let examined = await examine(invocation);
  let repairs: WorkspaceRepairs | undefined;
  const asked = invocation.flag("repair");
  if (asked && isRepairable(examined)) {
    repairs = await repair(invocation, examined);
    examined = await examine(invocation);
  }
  const { findings, ...examination } = examined;
  const words = wordFindings(findings);
  if (json)
    terminal.print(JSON.stringify({ sound: words.length === 0, ...examination, findings: words, repaired: repairs ?? null }));
  for (const found of words) sayFinding(found, invocation);
  saySummary(examined, invocation);
  if (asked && repairs === undefined && words.length > 0)
    terminal.say("nothing was repaired: beside what nothing here gives again, everything stays as it is, as evidence");
  return exitOf(findings);
}

type Examined = LedgerExamination;

async function examine(invocation: Invocation): Promise<Examined> {
  const { terminal } = invocation;
  const { layout, configuration } = await openConfiguration(invocation);
  const publicKey = readNodePublicKey(layout);
  const examination = unwrap(
    await examineLedger({
      folder: layout.ledger,
      vkey: logKeysOf({ layout, configuration, publicKey }),
      archive: archiveOf({ layout, configuration }),
      witnessed: readIfThere(layout.witnessed),
      signatures: true,
      onProgress: (checked, size) => terminal.progress(Math.min(checked, size), size, "entries"),
    }),
    explainLedgerFault,
  );
  // Beside a writer the projection moves between two looks at it, and what is unfinished is being written.
  const around = examination.writer === "" ? examineSurroundings({ layout, configuration, publicKey }) : [];
  return { ...examination, findings: [...examination.findings, ...around] };
}

function isRepairable({ findings }: Examined): boolean {
  return findings.length > 0 && findings.every(({ nature }) => nature === "derived");
}

/** Repairs what is beside the ledger, then the ledger itself while it is opened, and has both recorded there. */
async function repair(invocation: Invocation, { findings }: Examined): Promise<WorkspaceRepairs> {
  const { layout } = await openConfiguration(invocation);
  const outside = findings.filter(({ file }) => file.startsWith("../"));
  const rewritten = outside.filter(({ fault }) => fault.code !== "ledger/leftover").map(({ file }) => file);
  const removed = outside.filter(({ fault }) => fault.code === "ledger/leftover").map(({ file }) => file);
  const repairs = { rewritten, removed };
  const session = await openSession(invocation, { thread: false, repairs, prepare: () => putAside(layout, repairs) });
  const { rewrittenFiles, removedFiles } = session.ledger.recovery;
  await session.finish();
  return { rewritten: [...rewrittenFiles, ...rewritten], removed: [...removedFiles, ...removed] };
}

/** With the lock held, takes away what is made again and what is left over. What no key has signed is kept under another name. */
function putAside(layout: Layout, { rewritten, removed }: WorkspaceRepairs): void {
  for (const file of rewritten) {
    if (file === PROJECTION_FILE) Projection.remove(layout.state);
    else renameSync(join(layout.ledger, file), join(layout.ledger, `${file}.damaged`));
  }
  for (const file of removed) rmSync(join(layout.ledger, file), { force: true });
}

function sayFinding({ nature, code, count, message, advice, entries }: FindingWords, { terminal }: Invocation): void {
  const label = nature === "derived" ? terminal.paint("yellow", "derived      ") : terminal.paint("red", "authoritative");
  const about = entries === null || entries.to <= entries.from ? "" : `, entries ${entries.from} to ${entries.to - 1}`;
  const more = count > 1 ? `, and ${count - 1} more in this file` : "";
  terminal.say(`${label} ${escapeControls(message)}${about}${more} ${terminal.paint("dim", `[${code}]`)}`);
  terminal.say(`              next: ${advice}`);
}

const COMPARED = {
  checkpoint: "",
  witnessed: "; compared with what was witnessed, for want of a checkpoint",
  nothing: "; compared with itself alone, for want of a checkpoint",
} as const;

function saySummary(examined: Examined, { terminal }: Invocation): void {
  const { findings, size, durableSize, root, writer, cut, comparedWith, verifiedFrom } = examined;
  const lost = findings.filter(({ nature }) => nature === "authoritative").length;
  const verdict =
    findings.length === 0
      ? terminal.paint("green", "sound")
      : `${findings.length}${cut ? " or more" : ""} findings, ${lost} of them cannot be repaired`;
  const journal = durableSize > size ? `, ${durableSize - size} more in the journal` : "";
  const beside = writer === "" ? "" : `; the ledger is ${writer}, so the projection was not compared`;
  const away = verifiedFrom > 0 ? "; the projection was not compared without the entries that were pruned" : "";
  terminal.say(`${verdict}: ${size} entries${journal}, root ${root}${COMPARED[comparedWith]}${beside}${away}`);
  for (const words of wordPruning(examined)) terminal.say(words);
}

/** 0: nothing is wrong any more; 1: something derived is, and was not repaired; 4: something is that no repair can give again. */
function exitOf(findings: readonly LedgerFinding[]): number {
  if (findings.length === 0) return EXIT.ok;
  return findings.some(({ nature }) => nature === "authoritative") ? EXIT.verificationFailed : EXIT.runFailed;
}
