/**
 * Conducts: takes modules through admission, verification, decision, execution and record, one or many, and keeps the
 * projection in step with the log. Makes recorded runs again, and finds out what a module needs, on the same engine.
 *
 * It must never execute without a permit, or the intent that one made; start a guest before its intent is durable; report
 * an outcome before that is durable; or go on when the ledger has failed. It holds no power; everything it works with is
 * handed in by `cli`.
 */
export { processAll } from "./batch.ts";
export type { BatchOptions } from "./batch.ts";
export { weighCandidate } from "./approvals.ts";
export type { ApprovalAuthority, CandidatePowers } from "./approvals.ts";
export { interruptedEvent } from "./events.ts";
export { judgeModule } from "./judgement.ts";
export type { Judgement, JudgingPowers } from "./judgement.ts";
export { explainHostCallDivergence } from "./host-call-divergence.ts";
export type { HostCallDivergence } from "./host-call-divergence.ts";
export { compareModules, profileModule } from "./module-difference.ts";
export type { ModuleDifference, ModuleProfile } from "./module-difference.ts";
export { encodeKillOrder, parseKillOrder } from "./kill-order.ts";
export type { KillOrder } from "./kill-order.ts";
export { KillGuard, killedFinding, KillSwitch } from "./kill-switch.ts";
export type { KillScope } from "./kill-switch.ts";
export { MARGIN_PERCENT, observeModule, proposeBudgets } from "./observation.ts";
export type { Judged, Observation, ObservationOptions } from "./observation.ts";
export { parseOutputManifest } from "./output-tree.ts";
export type { ListedOutput } from "./output-tree.ts";
export { Pipeline } from "./pipeline.ts";
export type { PipelinePowers } from "./pipeline.ts";
export { weighConsent } from "./policy-consent.ts";
export type { Consent, WeighedAct } from "./policy-consent.ts";
export { PolicyShelf } from "./policy-shelf.ts";
export type { PolicyVersion, ShelvedPolicies } from "./policy-shelf.ts";
export { assessmentEvents, assessOutcome } from "./assessment.ts";
export type { AssessedRun } from "./assessment.ts";
export { assessAgain } from "./reassessment.ts";
export type { Misassessment, Reassessment } from "./reassessment.ts";
export { takeAnswer } from "./recorded-answer.ts";
export type { AnswerSought } from "./recorded-answer.ts";
export { aboutModule, Recorder } from "./recorder.ts";
export type { About, Recorded } from "./recorder.ts";
export { traceRecall } from "./recall.ts";
export type { Recall, RecalledOutput, RecalledRun, RecallPowers, RecallSeed } from "./recall.ts";
export { encodeRelease, judgeRelease, RELEASE_TYPE } from "./release.ts";
export type { Release, ReleaseFaultCode, ReleasePowers, ReleaseQuestion, ReleaseStatement } from "./release.ts";
export { checkReplayable, COMPARED, explainReplayFault, replayEvent, replayRun } from "./replay.ts";
export type { Divergence, RecordedRun, Replay, ReplayFault, ReplayFaultCode, ReplayPowers } from "./replay.ts";
export type { RunRecord, RunRequest, RunStatus, Trial } from "./run-record.ts";
export { AGENT_TENANT_PREFIX, judgeSubmission } from "./submission.ts";
export type { Acceptance, JudgedSubmission } from "./submission.ts";
export { limitPruning } from "./log-pruning.ts";
export type { PruningBounds, PruningLimit, PruningQuestion } from "./log-pruning.ts";
export { deletionEvents, findExpired } from "./retention.ts";
export type { RetentionPolicy, RetentionPowers } from "./retention.ts";
export { Timeline } from "./timeline.ts";
export { countFlips, decideAgain, decideUnder, factsOf, findFlip } from "./what-if.ts";
export type { Deciding, Flip } from "./what-if.ts";
