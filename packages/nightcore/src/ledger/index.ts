/**
 * The log as mathematics and text: the Merkle tree and its proofs, tiles and bundles, signed notes and checkpoints, DSSE
 * envelopes and in-toto statements, and the receipt that joins them.
 *
 * This room decides whether evidence from a log is sound. It must never touch a disk, a clock or a key: SHA-256, Ed25519
 * verification and signing are handed in. It follows RFC 6962 and RFC 9162 (tree, proofs), C2SP tlog-tiles, tlog-checkpoint,
 * signed-note and tlog-proof, DSSE v1.0.2 and in-toto Statement v1; docs/formats/ledger.md restates what we write.
 */
export { consistencyPath, inclusionPath, rootOf, verifyConsistency, verifyInclusion } from "./audit-path.ts";
export type { PathFault, SubtreeHash } from "./audit-path.ts";
export { encodeCheckpoint, parseCheckpoint, parseSignedCheckpoint, signCheckpoint, verifyCheckpoint } from "./checkpoint.ts";
export type { Checkpoint, CheckpointFault } from "./checkpoint.ts";
export { encodeCosignedText, signCosignature, verifyCosignatures } from "./cosignature.ts";
export type { Cosignature, CosignatureFault } from "./cosignature.ts";
export { encodeEntries, ENTRY_BYTES_MAX, parseBundle, parseEntryOffsets, writeEntry } from "./entry-bundle.ts";
export type { BundleFault } from "./entry-bundle.ts";
export { explainEvidenceFault } from "./explain.ts";
export type { EvidenceFault } from "./explain.ts";
export { GrowingTiles } from "./growing-tiles.ts";
export type { TileContent } from "./growing-tiles.ts";
export { Frontier, HASH_BYTES, makeTreeHash, perfectRoot, TILE_WIDTH } from "./merkle-tree.ts";
export type { EmitHash, TreeHash } from "./merkle-tree.ts";
export { encodeLogKeys, parseLogKeys } from "./log-keys.ts";
export type { LogKeys } from "./log-keys.ts";
export { parseLogPolicy } from "./log-policy.ts";
export type { LogPolicy, LogPolicyFault, PolicyKey, PolicyWitness } from "./log-policy.ts";
export { addMlDsaSignature, encodeSubtreeMessage, verifyMlDsaCheckpoint } from "./ml-dsa-signature.ts";
export type { SignedTree } from "./ml-dsa-signature.ts";
export { encodeNote, parseNote, signNote, verifyNote } from "./note.ts";
export type { Note, NoteFault, NoteSignature } from "./note.ts";
export { RECEIPT_CHECKS, verifyReceipt } from "./receipt-verification.ts";
export type {
  ReceiptCheck,
  ReceiptCheckName,
  ReceiptFault,
  ReceiptVerdict,
  VerifiedEntry,
  VerifiedReceipt,
} from "./receipt-verification.ts";
export { encodeReceipt, makeReceiptEntry, parseReceipt } from "./receipt.ts";
export type { Receipt, ReceiptEntry, ReceiptFormatFault } from "./receipt.ts";
export { hashesAt, levelsOf, parseTilePath, tilePath, tilesBetween, tileWidth } from "./tile.ts";
export type { TileCoordinate, TilePathFault } from "./tile.ts";
export { encodeTlogProof, parseTlogProof } from "./tlog-proof.ts";
export type { TlogProof, TlogProofFault } from "./tlog-proof.ts";
export {
  encodeMlDsaVkey,
  encodeVkey,
  encodeWitnessVkey,
  isKeyName,
  isPaeLike,
  makeLogKey,
  makeMlDsaKey,
  makeWitnessKey,
  parseMlDsaVkey,
  parseVkey,
  parseWitnessVkey,
} from "./vkey.ts";
export type { LogKey, VkeyFault } from "./vkey.ts";
export { encodeSubmission, judgeSubmission } from "./witnessing.ts";
export type { AcceptedSubmission, SubmissionRefusal, WitnessedHead, WitnessedLog } from "./witnessing.ts";
