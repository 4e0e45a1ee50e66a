import { join } from "node:path";
import { type Bytes, fail, ok, parseUtf8, type Result } from "#core";
import { type Checkpoint, type LogKey, parseLogKeys, verifyCheckpoint, verifyMlDsaCheckpoint } from "#ledger";
import type { LedgerFault } from "#ports";
import { sha256, verifyEd25519, verifyMlDsa44 } from "#store/keys";
import { ledgerFault, nodeFiles, readWhole } from "./file-layer.ts";
import { CHECKPOINT_FILE, PUBLIC_FOLDER } from "./public-folder.ts";

/** Reads the key that a caller trusts: the first one, where a log has two. */
export function readVerifierKey(vkey: string): Result<LogKey, LedgerFault> {
  const keys = parseLogKeys(sha256, vkey);
  if (keys.ok) return ok(keys.value.ed25519);
  return fail(ledgerFault("ledger/corrupt-checkpoint", "", `the verifier key is refused: ${keys.fault.code}`));
}

/** Whether the published checkpoint is signed by the second key that a caller trusts; undefined where none was named. */
export function readSecondSignature(folder: string, vkey: string): Result<Checkpoint, LedgerFault> | undefined {
  const keys = parseLogKeys(sha256, vkey);
  if (!keys.ok || keys.value.mlDsa44 === undefined) return undefined;
  const where = `${PUBLIC_FOLDER}/${CHECKPOINT_FILE}`;
  const note = parseUtf8(readWhole(nodeFiles, join(folder, where)) ?? new Uint8Array(0));
  const head = note.ok ? verifyMlDsaCheckpoint(note.value, keys.value.mlDsa44, verifyMlDsa44) : note;
  if (head.ok) return head;
  const unsigned = head.fault.code === "ledger/note-unsigned";
  const detail = unsigned ? "it is not signed by the log's ML-DSA-44 key" : `ML-DSA-44: ${head.fault.code}`;
  return fail(ledgerFault("ledger/corrupt-checkpoint", where, detail));
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
