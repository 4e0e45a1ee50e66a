/**
 * The ledger on a disk: the one writer with its journal, the readers, proofs from tiles, and the verification of a whole log.
 *
 * This room decides when an entry counts as recorded (after its flush, never before) and when a log on disk is refused. It must
 * never sign two different heads of one size, sign after a failed flush, or change a published file. It follows
 * formats/ledger.md: C2SP tlog-tiles for what is published, our own journal format for what is not yet.
 */
export { backUpLedger } from "./backup.ts";
export type { Backup, BackupOptions } from "./backup.ts";
export { examineLedger } from "./examination.ts";
export type { ExaminationOptions, LedgerExamination } from "./examination.ts";
export type { FindingNature, LedgerFinding } from "./finding.ts";
export { LedgerDamage, openLedgerReader, openPublishedReader } from "./reader.ts";
export type { LedgerReaderOptions, TilesReader } from "./reader.ts";
export { nodeFiles } from "./file-layer.ts";
export type { FileLayer } from "./file-layer.ts";
export { readConsistency, readProof, readReceipt } from "./proof.ts";
export type { ReceiptRequest } from "./proof.ts";
export type { ArchivePlace, PrunedPart, PruningRecord } from "./pruned-part.ts";
export { pruneLedger } from "./pruning.ts";
export type { Pruned, PruningOptions } from "./pruning.ts";
export { restoreLedger } from "./restoring.ts";
export type { RestoreOptions } from "./restoring.ts";
export { clearRestoredMark, readRestoredMark, writeRestoredMark } from "./surroundings.ts";
export type { RestoredMark } from "./surroundings.ts";
export { verifyLedger } from "./verification.ts";
export type { LedgerVerification, LedgerVerificationOptions } from "./verification-report.ts";
export { openLedgerWriter } from "./writer.ts";
export type { LedgerWriterOptions } from "./writer-options.ts";
