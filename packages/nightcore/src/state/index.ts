/**
 * What the log amounts to: runs, tenants, modules, blocks, what flowed between runs, the recorded trust store and imported histories, each a
 * fold of the entries in their order.
 *
 * It must never know anything that is not in the log, so that its rows can be thrown away and made again with the same
 * content. It holds no power: rows are read and written through the `Rows` that it is handed. The rule that the log is the
 * truth and the rest a deterministic fold is Night Core's own (docs/ARCHITECTURE.md).
 */
export { readAnswerIndex, readExpectedAnswer } from "./answer.ts";
export {
  blocksDigests,
  digestBlocks,
  findBlocks,
  isBlocked,
  isOrderRecorded,
  newestDigestChange,
  parseBlockId,
} from "./block.ts";
export type { BlockQuestion } from "./block.ts";
export { EVENT_TYPES, readEvent } from "./events.ts";
export type {
  AcknowledgementAsked,
  AdmissionEvent,
  AssessmentEvent,
  BlockEvent,
  ClockEvent,
  DecisionEvent,
  DeletionEvent,
  Event,
  EventKind,
  ImportedRecord,
  ImportEvent,
  IntentEvent,
  NewestShown,
  OutcomeEvent,
  OutputSaid,
  PassageEvent,
  PolicyEvent,
  Predecessor,
  PruningEvent,
  QuarantineEvent,
  RecoveryEvent,
  ReleaseEvent,
  ReplayEvent,
  RestorationEvent,
  TrustEvent,
  VerificationEvent,
  WorkspaceEvent,
} from "./events.ts";
export type {
  Actor,
  ApprovalEvent,
  IncidentEvent,
  RejectionEvent,
  ReviewEvent,
  SubmissionEvent,
  Submitter,
  WithdrawalEvent,
} from "./approval-events.ts";
export { approvalRecord, readClearance } from "./clearance.ts";
export type { Clearance } from "./clearance.ts";
export { findEntries, VERDICTS } from "./finding.ts";
export type { EntryQuestion } from "./finding.ts";
export { readFlows } from "./flow.ts";
export { evolve } from "./fold.ts";
export type { At } from "./fold.ts";
export { readLatestTime } from "./latest-time.ts";
export { joinSteps, splitPassage, stepsOf } from "./passage.ts";
export type { Steps } from "./passage.ts";
export { readPolicyHead, readPolicyVersion } from "./policy-fold.ts";
export type { PolicyAct, PolicyHead, PolicyVersionRow } from "./policy-fold.ts";
export { readEvidence, readSamples, readStandingPoints, readStrikes, SAMPLES_MAX, subjectOf } from "./standing.ts";
export type { Evidence, StandingSubject } from "./standing.ts";
export { MemoryRows, SCHEMA_VERSION, TABLES } from "./rows.ts";
export type { ColumnType, Question, Range, Row, Rows, Table, TableName, Value } from "./rows.ts";
