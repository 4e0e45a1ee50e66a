/**
 * Conducts: takes modules through admission, verification, decision, execution and record, one or many, and keeps the
 * projection in step with the log.
 *
 * It must never execute without a permit, start a guest before its intent is durable, report an outcome before that is
 * durable, or go on when the ledger has failed. It holds no power; everything it works with is handed in by `cli`.
 */
export { processAll } from "./batch.ts";
export type { BatchOptions } from "./batch.ts";
export { interruptedEvent } from "./events.ts";
export { Pipeline } from "./pipeline.ts";
export type { PipelinePowers } from "./pipeline.ts";
export { PolicyShelf } from "./policy-shelf.ts";
export type { ReadPolicy } from "./policy-shelf.ts";
export { aboutModule, Recorder } from "./recorder.ts";
export type { About } from "./recorder.ts";
export type { RunRecord, RunRequest, RunStatus } from "./run-record.ts";
