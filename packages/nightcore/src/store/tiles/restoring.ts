import { existsSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { fail, ok, type Result } from "#core";
import type { LedgerFault } from "#ports";
import { type Backup, backUpLedger } from "./backup.ts";
import { attempt, type FileLayer, ledgerFault, nodeFiles } from "./file-layer.ts";
import { readVerifierKey } from "./published-head.ts";
import { openLedgerReader } from "./reader.ts";
import { changeNames, type RestoredMark, writeRestoredMark } from "./surroundings.ts";

/** Which backup to put where. */
export type RestoreOptions = {
  /** The backup. Verify it first: only what its copy needs is checked here. */
  readonly from: string;
  readonly vkey: string;
  /** The ledger folder, which must not be there. */
  readonly folder: string;
  readonly at: string;
  /** The largest size of this log that anybody around here has seen, and who; a larger one than the backup's closes the log. */
  readonly seen: { readonly size: number; readonly seenBy: string };
  readonly files?: FileLayer;
};

/**
 * Puts a backup where a ledger is to be, marked as restored: nothing is appended to it until it has been shown that nothing newer
 * was signed. The folder appears whole and with its mark, or not at all. Refuses to write over a ledger (`ledger/occupied`).
 */
export async function restoreLedger(
  options: RestoreOptions,
): Promise<Result<Backup & { readonly mark: RestoredMark }, LedgerFault>> {
  const { from, vkey, folder, at, seen, files = nodeFiles } = options;
  if (existsSync(folder)) return fail(ledgerFault("ledger/occupied", "", ""));
  const key = readVerifierKey(vkey);
  if (!key.ok) return key;
  // Without an archive: a backup is whole, and a copy of a pruned log is none.
  const reader = openLedgerReader({ folder: from, publicKey: key.value.publicKey });
  if (!reader.ok) return reader;
  const aside = `${folder}.restoring`; // what an earlier restoring left there is nothing yet
  rmSync(aside, { recursive: true, force: true });
  const copied = await backUpLedger({ reader: reader.value, vkey, folder: aside, files });
  if (!copied.ok) return copied;
  const { size } = copied.value;
  const mark = { size, at, newer: seen.size > size ? seen : null };
  return attempt("", () => {
    writeRestoredMark(files, aside, mark);
    changeNames(files, dirname(folder), () => files.rename(aside, folder));
    return ok({ ...copied.value, mark });
  });
}
