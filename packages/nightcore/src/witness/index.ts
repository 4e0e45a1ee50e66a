/**
 * Witnessing: a server that cosigns the checkpoints of other people's logs, and the client that asks such servers for ours.
 *
 * This room decides nothing that the law has not: `judgeSubmission` says whether a checkpoint continues what was cosigned before.
 * It must never answer with a cosignature before the head that it covers is durable, and never cosign two heads of a log that
 * contradict each other, whoever asks at the same time. It follows C2SP tlog-witness and tlog-cosignature.
 */
export type { Pauses } from "./back-off.ts";
export { explainWitnessFault, submitCheckpoint } from "./client.ts";
export type { AskedWitness, Patience, Submission, WitnessFault } from "./client.ts";
export { askWitnesses } from "./quorum.ts";
export type { Asked, Asking, WitnessAnswer } from "./quorum.ts";
export { serveWitness } from "./server.ts";
export type { WitnessServer } from "./server.ts";
export { WitnessState } from "./witness-state.ts";
