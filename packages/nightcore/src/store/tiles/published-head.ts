import { join } from "node:path";
import { type Bytes, fail, parseUtf8, type Result } from "#core";
import { type Checkpoint, type LogKey, parseVkey, verifyCheckpoint } from "#ledger";
import type { LedgerFault } from "#ports";
import { sha256, verifyEd25519 } from "#store/keys";
import { ledgerFault, nodeFiles, readWhole } from "./file-layer.ts";
import { CHECKPOINT_FILE, PUBLIC_FOLDER } from "./public-folder.ts";

/** Reads the key that a caller trusts. */
export function readVerifierKey(vkey: string): Result<LogKey, LedgerFault> {
  const key = parseVkey(sha256, vkey);
  return key.ok ? key : fail(ledgerFault("ledger/corrupt-checkpoint", "", `the verifier key is refused: ${key.fault.code}`));
}

/** The published checkpoint, its signature verified. */
export function readPublishedHead(folder: string, key: LogKey): Result<Checkpoint, LedgerFault> {
  const where = `${PUBLIC_FOLDER}/${CHECKPOINT_FILE}`;
  const bytes = readWhole(nodeFiles, join(folder, where));
  return bytes === undefined ? fail(ledgerFault("ledger/absent", where, "")) : parseHead(bytes, key, where);
}

/** A checkpoint from bytes of whatever origin: those that the log's key has not signed are refused. `where` they come from. */
export function parseHead(bytes: Bytes, key: LogKey, where: string): Result<Checkpoint, LedgerFault> {
  const note = parseUtf8(bytes);
  const head = note.ok ? verifyCheckpoint(note.value, key, verifyEd25519) : note;
  return head.ok ? head : fail(ledgerFault("ledger/corrupt-checkpoint", where, head.fault.code));
}
