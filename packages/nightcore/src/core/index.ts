/**
 * The words that every other room speaks: identifiers, digests, budgets, capabilities, results, strict JSON.
 *
 * This room decides nothing. It must never hold a power: it opens no file, reads no clock and draws no random number; such
 * functions are named here as types and handed in by `cli`. It follows RFC 4648 (base64), RFC 8259 (JSON), RFC 9562 (UUID
 * version 7) and RFC 3339 (time).
 */
export { ACKNOWLEDGEMENT_LEVELS, isBelow, parseAcknowledgementLevel, UNREACHED } from "./acknowledgement.ts";
export type { AcknowledgementLevel, Unreached } from "./acknowledgement.ts";
export type { Assessment, AssessmentFinding, Containment, Usual } from "./assessment.ts";
export { encodeBase64, encodeHex, parseBase64, parseHex } from "./base64.ts";
export type { EncodingFault } from "./base64.ts";
export { BLOCK_CAUSES, BLOCK_KINDS, encodeImportSet, parseImportSet } from "./block.ts";
export type { Block, BlockCause, BlockKind, BlockTarget } from "./block.ts";
export { BUDGET_NAMES, meetBudgets } from "./budget.ts";
export type { BudgetName, Budgets, Usage } from "./budget.ts";
export { concatBytes, equalBytes, parseUtf8, utf8 } from "./bytes.ts";
export type { Bytes } from "./bytes.ts";
export { CANARY_FOLDER, CANARY_KINDS, canaryNeedles, encodeCanaryName, makeCanaries, parseCanaryName } from "./canary.ts";
export type { Canary, CanaryKind, CanaryName } from "./canary.ts";
export { CAPABILITIES, parseCapability } from "./capability.ts";
export type { Capability } from "./capability.ts";
export { encodeTime, parseTime } from "./clock.ts";
export type { Clock, Random } from "./clock.ts";
export { digestOf, parseDigest } from "./digest.ts";
export type { Digest, Sha256 } from "./digest.ts";
export { explainCoreFault } from "./explain.ts";
export type { CoreFault } from "./explain.ts";
export {
  checkpointsIn,
  compareHostCallTraces,
  encodeHostCallTrace,
  HOST_CALLS,
  NOT_RETURNED,
  parseHostCallTrace,
  TRACE_BYTES_MAX,
  TRACE_CHECKPOINTS_MAX,
  TRACED_CALLS_MAX,
  traceSpacing,
} from "./host-call-trace.ts";
export type { HostCallTrace, TraceDifference, TraceDigest, TracedCall } from "./host-call-trace.ts";
export { keyIdOf, makeRunId, parseRunId, parseTenantName } from "./identifier.ts";
export type { KeyId, RunId, TenantName } from "./identifier.ts";
export {
  encodePieces,
  INPUT_BYTES_MAX,
  INPUT_PIECE_BYTES_MAX,
  INPUT_PIECE_COST,
  parsePieces,
  replayInput,
} from "./input-stream.ts";
export type { InputRead, InputStream } from "./input-stream.ts";
export { isJsonObject, parseJson } from "./json.ts";
export type { Json, JsonFault, JsonObject } from "./json.ts";
export { escapeControls, quote } from "./quote.ts";
export { NO_REFUSALS } from "./refusals.ts";
export type { Refusals } from "./refusals.ts";
export { assert, fail, ok, unreachable } from "./result.ts";
export type { Explanation, Fault, Result } from "./result.ts";
export { bandOf, RISK_BANDS, RISK_MAX } from "./risk-band.ts";
export type { RiskBand } from "./risk-band.ts";
export { MEASURES, NO_STRIKES, sampleModule, STRIKE_KINDS, STRIKES_MAX } from "./sample.ts";
export type { Measure, Measured, Sample, Strike, StrikeKind, Strikes } from "./sample.ts";
export type { Crypto, SignEd25519, SignMlDsa44, VerifierCrypto, VerifyEd25519, VerifyMlDsa44 } from "./signature.ts";
export { decayStanding, raiseStanding, STANDING_POINTS_MAX } from "./standing.ts";
export type { StandingPoints } from "./standing.ts";
export { checkOutputTree, OUTPUT_BYTES_MAX, OUTPUT_ENTRIES_MAX, OUTPUT_PATH, OUTPUT_PATH_BYTES_MAX } from "./output-tree.ts";
export type { OutputEntry } from "./output-tree.ts";
