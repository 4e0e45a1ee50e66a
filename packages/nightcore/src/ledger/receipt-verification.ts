import { assert, type Bytes, type Crypto, fail, ok, type Result, utf8 } from "#core";
import { type PathFault, verifyInclusion } from "./audit-path.ts";
import { type Checkpoint, type CheckpointFault, verifyCheckpoint } from "./checkpoint.ts";
import { type EnvelopeFault, parseEnvelope, verifyEnvelope } from "#attest";
import { makeTreeHash } from "./merkle-tree.ts";
import { parseReceipt, type Receipt, type ReceiptFormatFault } from "./receipt.ts";
import { parseStatement, type Statement, type StatementFault } from "#attest";
import { parseTlogProof, type TlogProof, type TlogProofFault } from "./tlog-proof.ts";
import { type LogKeys, parseLogKeys } from "./log-keys.ts";
import type { LogKey, VkeyFault } from "./vkey.ts";

export type ReceiptFault =
  | VkeyFault
  | ReceiptFormatFault
  | TlogProofFault
  | CheckpointFault
  | EnvelopeFault
  | StatementFault
  | PathFault
  | { readonly code: "ledger/receipt-two-checkpoints"; readonly entry: number }
  | { readonly code: "ledger/receipt-unordered"; readonly entry: number }
  | { readonly code: "ledger/receipt-foreign-run"; readonly entry: number; readonly run: string };

/** The checks of a receipt, in the order in which they are made. */
export const RECEIPT_CHECKS = [
  "verifier key",
  "receipt format",
  "one checkpoint for all proofs",
  "checkpoint signature and origin",
  "entries in the order of the log",
  "entries included in the log",
  "entries signed by the log's key",
  "entries are statements",
  "entries belong to the run",
] as const;
export type ReceiptCheckName = (typeof RECEIPT_CHECKS)[number];
/** `skipped`: an earlier check failed, so this one has nothing to stand on. */
export type ReceiptCheck = { readonly name: ReceiptCheckName; readonly outcome: "ok" | "failed" | "skipped" };

/** A statement that the log's key signed, where it stands in the log, and the bytes that were verified. */
export type VerifiedEntry = { readonly index: number; readonly payload: Bytes; readonly statement: Statement };

/** What a receipt has been shown to prove: these entries, under this checkpoint of this log, all of the one run. */
export type VerifiedReceipt = {
  readonly run: string;
  /** What the verifier named. Only the Ed25519 key has been used so far. */
  readonly logKeys: LogKeys;
  readonly checkpoint: Checkpoint;
  readonly entries: readonly VerifiedEntry[];
};

/** Every check with its outcome, and what was established or the first fault. */
export type ReceiptVerdict = { readonly checks: readonly ReceiptCheck[]; readonly result: Result<VerifiedReceipt, ReceiptFault> };

/**
 * Verifies a receipt with nothing but the log's verifier keys (one in a line; ML-DSA-44 is not used here). Establishes that each statement was signed by the log's key,
 * stands at its index under one checkpoint which that key signed, and belongs to the run. It does not establish that the
 * receipt is complete, nor that others were shown the same log: witnesses do that.
 */
export function verifyReceipt(receiptBytes: Bytes, vkey: string, crypto: Crypto): ReceiptVerdict {
  const done: ReceiptCheckName[] = [];
  const result = runChecks({ receiptBytes, vkey, crypto }, (name) => done.push(name));
  const checks = RECEIPT_CHECKS.map((name, i) => {
    if (i < done.length) assert(done[i] === name, "the checks are made in their order");
    const outcome = i < done.length ? "ok" : i === done.length ? "failed" : "skipped";
    return { name, outcome } as const;
  });
  return { checks, result };
}

type Evidence = { readonly receiptBytes: Bytes; readonly vkey: string; readonly crypto: Crypto };
type Passed = (name: ReceiptCheckName) => void;

/** The checks, one after the other. `passed` is told after each; the first fault ends them. */
function runChecks({ receiptBytes, vkey, crypto }: Evidence, passed: Passed): Result<VerifiedReceipt, ReceiptFault> {
  const logKeys = parseLogKeys(crypto.sha256, vkey);
  if (!logKeys.ok) return logKeys;
  const logKey = logKeys.value.ed25519;
  passed("verifier key");

  const receipt = parseReceipt(receiptBytes);
  if (!receipt.ok) return receipt;
  const proofs = parseProofs(receipt.value);
  if (!proofs.ok) return proofs;
  passed("receipt format");

  const note = oneCheckpoint(proofs.value);
  if (!note.ok) return note;
  passed("one checkpoint for all proofs");

  const checkpoint = verifyCheckpoint(note.value, logKey, crypto.verifyEd25519);
  if (!checkpoint.ok) return checkpoint;
  passed("checkpoint signature and origin");

  const ordered = verifyOrder(proofs.value);
  if (!ordered.ok) return ordered;
  passed("entries in the order of the log");

  const included = verifyInclusions(receipt.value, proofs.value, checkpoint.value, crypto);
  if (!included.ok) return included;
  passed("entries included in the log");

  const payloads = verifyEnvelopes(receipt.value, logKey, crypto);
  if (!payloads.ok) return payloads;
  passed("entries signed by the log's key");

  const entries = parseStatements(payloads.value, proofs.value);
  if (!entries.ok) return entries;
  passed("entries are statements");

  const belonging = verifyRun(receipt.value.run, entries.value);
  if (!belonging.ok) return belonging;
  passed("entries belong to the run");
  return ok({ run: receipt.value.run, logKeys: logKeys.value, checkpoint: checkpoint.value, entries: entries.value });
}

function parseProofs(receipt: Receipt): Result<readonly TlogProof[], TlogProofFault> {
  const proofs: TlogProof[] = [];
  for (const entry of receipt.entries) {
    const proof = parseTlogProof(entry.proof);
    if (!proof.ok) return proof;
    proofs.push(proof.value);
  }
  return ok(proofs);
}

function oneCheckpoint(proofs: readonly TlogProof[]): Result<string, ReceiptFault> {
  const note = proofs[0]?.checkpoint ?? "";
  const other = proofs.findIndex((proof) => proof.checkpoint !== note);
  return other < 0 ? ok(note) : fail({ code: "ledger/receipt-two-checkpoints", entry: other });
}

/** Indexes rise strictly: no entry twice, none before its predecessor. */
function verifyOrder(proofs: readonly TlogProof[]): Result<void, ReceiptFault> {
  const wrong = proofs.findIndex((proof, i) => i > 0 && proof.index <= (proofs[i - 1]?.index ?? 0));
  return wrong < 0 ? ok(undefined) : fail({ code: "ledger/receipt-unordered", entry: wrong });
}

function verifyInclusions(
  receipt: Receipt,
  proofs: readonly TlogProof[],
  { size, root }: Checkpoint,
  crypto: Crypto,
): Result<void, PathFault> {
  const hash = makeTreeHash(crypto.sha256);
  for (const [i, { index, path }] of proofs.entries()) {
    const leaf = hash.leaf(utf8(receipt.entries[i]?.envelope ?? ""));
    const included = verifyInclusion(hash, { index, size, leaf, path, root });
    if (!included.ok) return included;
  }
  return ok(undefined);
}

function verifyEnvelopes(receipt: Receipt, logKey: LogKey, crypto: Crypto): Result<readonly Bytes[], EnvelopeFault> {
  const payloads: Bytes[] = [];
  for (const entry of receipt.entries) {
    const envelope = parseEnvelope(utf8(entry.envelope));
    if (!envelope.ok) return envelope;
    const payload = verifyEnvelope(envelope.value, logKey.publicKey, crypto.verifyEd25519);
    if (!payload.ok) return payload;
    payloads.push(payload.value);
  }
  return ok(payloads);
}

function parseStatements(
  payloads: readonly Bytes[],
  proofs: readonly TlogProof[],
): Result<readonly VerifiedEntry[], StatementFault> {
  const entries: VerifiedEntry[] = [];
  for (const [i, payload] of payloads.entries()) {
    const statement = parseStatement(payload);
    if (!statement.ok) return statement;
    entries.push({ index: proofs[i]?.index ?? 0, payload, statement: statement.value });
  }
  return ok(entries);
}

function verifyRun(run: string, entries: readonly VerifiedEntry[]): Result<void, ReceiptFault> {
  for (const [i, { statement }] of entries.entries()) {
    const said = statement.predicate["run"];
    if (said !== run) {
      return fail({ code: "ledger/receipt-foreign-run", entry: i, run: typeof said === "string" ? said : "" });
    }
  }
  return ok(undefined);
}
