import { join } from "node:path";
import { type Bytes, fail, ok, type Result } from "#core";
import { type Checkpoint, type LogKey, makeTreeHash, TILE_WIDTH, tilePath, verifyConsistency } from "#ledger";
import type { LedgerFault } from "#ports";
import { sha256 } from "#store/keys";
import { faultOfError, ledgerFault, nodeFiles } from "./file-layer.ts";
import { judgeFindings, type LedgerFinding } from "./finding.ts";
import { findJournal, type FoundJournal, JOURNAL_FOLDER } from "./journal-search.ts";
import { readWriter } from "./lock.ts";
import { readConsistency } from "./proof.ts";
import type { ArchivePlace } from "./pruned-part.ts";
import { CHECKPOINT_FILE, listLeftovers, PUBLIC_FOLDER } from "./public-folder.ts";
import { parseHead, readPublishedHead, readSecondSignature, readVerifierKey } from "./published-head.ts";
import { openLedgerReader } from "./reader.ts";
import { isRestored, RESTORED_FILE, WITNESSED_FILE } from "./surroundings.ts";
import type { LedgerVerificationOptions, TreeVerification } from "./verification-report.ts";
import { PROBLEMS_MAX, verifyTree } from "./verification.ts";

/** What to examine. `witnessed`: a checkpoint of this log that was kept elsewhere, with whatever cosignatures it has. */
export type ExaminationOptions = Omit<LedgerVerificationOptions, "journal"> & { readonly witnessed: Bytes | undefined };

/** What an examination found, in the order of the files. */
export type LedgerExamination = Omit<TreeVerification, "problems"> & {
  readonly findings: readonly LedgerFinding[];
  /** Whether there were more than are listed. */
  readonly cut: boolean;
  /** What `size` and `root` were compared with: what is published, what a witness keeps, or nothing that is signed. */
  readonly comparedWith: "checkpoint" | "witnessed" | "nothing";
  /** Who holds the writer's lock, in words; empty when nobody does. */
  readonly writer: string;
};

/**
 * Looks at everything that a ledger consists of and judges what it finds, also when the checkpoint itself is damaged: then the
 * tree is compared with a checkpoint that was witnessed, or, without one, with itself. Reads only, beside a writer too.
 */
export async function examineLedger(options: ExaminationOptions): Promise<Result<LedgerExamination, LedgerFault>> {
  const key = readVerifierKey(options.vkey);
  if (!key.ok) return key;
  try {
    return ok(await examine(options, key.value));
  } catch (error) {
    return fail(faultOfError(error, ""));
  }
}

async function examine(options: ExaminationOptions, key: LogKey): Promise<LedgerExamination> {
  const { folder, witnessed, archive } = options;
  const published = readPublishedHead(folder, key);
  const kept = witnessed === undefined ? undefined : parseHead(witnessed, key, WITNESSED_FILE);
  const believed = published.ok ? published.value : kept?.ok === true ? kept.value : undefined;
  const expected = believed ?? { size: countBundled(folder), root: undefined };
  const { problems, ...verification } = await verifyTree(options, key, expected);
  const { size, durableSize } = verification;
  const journal = lookAtJournal(folder, size);
  const findings = [...judgeFindings(problems, { journal, publishedSize: size })];
  const second = published.ok ? readSecondSignature(folder, options.vkey) : undefined;
  for (const head of [published, second]) if (head?.ok === false) findings.unshift(judgeCheckpoint(head.fault, journal));
  const standing = { published, durableSize, sound: problems.length === 0, folder, publicKey: key.publicKey, archive };
  const known = kept === undefined ? undefined : judgeKept(kept, standing);
  if (known !== undefined) findings.push(known);
  if (isRestored(folder)) {
    const fault = ledgerFault("ledger/restored", RESTORED_FILE, "");
    findings.push({ fault, file: RESTORED_FILE, offset: undefined, entries: undefined, nature: "authoritative" });
  }
  const writer = await readWriter(folder);
  // What a writer is about to rename is nothing that was left behind.
  for (const file of writer === "" ? listLeftovers(folder) : []) {
    const fault = ledgerFault("ledger/leftover", file, "");
    findings.push({ fault, file, offset: undefined, entries: undefined, nature: "derived" });
  }
  const comparedWith = published.ok ? "checkpoint" : believed === undefined ? "nothing" : "witnessed";
  return { ...verification, findings, cut: problems.length >= PROBLEMS_MAX, comparedWith, writer };
}

/** A checkpoint is derived only where the journal still holds the log from its first entry. */
function judgeCheckpoint(fault: LedgerFault, journal: FoundJournal | undefined): LedgerFinding {
  const file = `${PUBLIC_FOLDER}/${CHECKPOINT_FILE}`;
  const isDerived = fault.code === "ledger/absent" && journal?.firstIndex === 0;
  return { fault, file, offset: undefined, entries: undefined, nature: isDerived ? "derived" : "authoritative" };
}

type Standing = {
  readonly published: Result<Checkpoint, LedgerFault>;
  readonly durableSize: number;
  readonly sound: boolean;
  readonly folder: string;
  readonly publicKey: Bytes;
  readonly archive: ArchivePlace | undefined;
};

/** What is wrong between the log and a checkpoint of it that was kept elsewhere. */
function judgeKept(kept: Result<Checkpoint, LedgerFault>, standing: Standing): LedgerFinding | undefined {
  const { published, durableSize, sound } = standing;
  const place = { file: WITNESSED_FILE, offset: undefined, entries: undefined };
  if (!kept.ok) return { fault: kept.fault, ...place, nature: "derived" };
  const { size } = kept.value;
  if (size > durableSize) {
    const detail = `${size} entries were cosigned, and here are ${durableSize}`;
    return { fault: ledgerFault("ledger/rollback", WITNESSED_FILE, detail), ...place, nature: "authoritative" };
  }
  // Beside damage it cannot be told what the log was; and what is not published yet is published before it is cosigned.
  if (!published.ok || !sound || size === 0 || size > published.value.size) return undefined;
  if (isContinued(standing, kept.value)) return undefined;
  const detail = `the tree that was cosigned at ${size} entries is not the beginning of this one`;
  return { fault: ledgerFault("ledger/forked", WITNESSED_FILE, detail), ...place, nature: "authoritative" };
}

function isContinued({ folder, publicKey, archive }: Standing, kept: Checkpoint): boolean {
  const reader = openLedgerReader({ folder, publicKey, archive });
  if (!reader.ok) return true; // said already, as what it is
  const { size: to, root: toRoot } = reader.value.published;
  const path = readConsistency(reader.value, { from: kept.size, to });
  if (!path.ok) return true;
  return verifyConsistency(makeTreeHash(sha256), { from: kept.size, fromRoot: kept.root, to, toRoot, path: path.value }).ok;
}

function lookAtJournal(folder: string, publishedSize: number): FoundJournal | undefined {
  try {
    return findJournal(nodeFiles, folder, { publishedSize, checkAll: true });
  } catch (error) {
    faultOfError(error, JOURNAL_FOLDER); // the verification has named it; a bug is thrown on
    return undefined;
  }
}

/** How many entries the bundles hold, from the first one on: the size of a log whose checkpoint is not to be believed. */
function countBundled(folder: string): number {
  const path = (index: number) => join(folder, PUBLIC_FOLDER, tilePath({ level: "entries", index, width: TILE_WIDTH }));
  // Where the first bundle is gone, pruned or not, the tiles above tell how many there were.
  let full = nodeFiles.exists(path(0)) ? 0 : countHashed(folder);
  while (nodeFiles.exists(path(full))) full++;
  return full * TILE_WIDTH + longestPartial(path(full));
}

/** How many full bundles the tiles of level 1 have a hash of. */
function countHashed(folder: string): number {
  const path = (index: number) => join(folder, PUBLIC_FOLDER, tilePath({ level: 1, index, width: TILE_WIDTH }));
  let full = 0;
  while (nodeFiles.exists(path(full))) full++;
  return full * TILE_WIDTH + longestPartial(path(full));
}

/** The width of the longest partial form of a tile; 0 when there is none. */
function longestPartial(path: string): number {
  const widths = nodeFiles.list(`${path}.p`).filter((name) => /^[1-9][0-9]{0,2}$/.test(name));
  return Math.max(0, ...widths.map(Number).filter((width) => width < TILE_WIDTH));
}
