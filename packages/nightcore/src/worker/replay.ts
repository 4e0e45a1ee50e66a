import {
  assert,
  type Bytes,
  type Digest,
  digestOf,
  encodeTime,
  type Explanation,
  fail,
  type Fault,
  type InputStream,
  ok,
  parseHex,
  parsePieces,
  replayInput,
  type Result,
  type Sha256,
} from "#core";
import type { BlobStore, Cancellation, Engine, EngineFault, EngineJob, EngineReport, Mount } from "#ports";
import { type Event, findBlocks, type IntentEvent, isBlocked, type OutcomeEvent, type ReplayEvent, type Rows } from "#state";
import { findHostCallDivergence, type HostCallDivergence } from "./host-call-divergence.ts";
import { rebuildArguments } from "./argument-listing.ts";
import { replantCanaries } from "./canaries.ts";
import { isEmptyDigest, rebuildMount } from "./mount-listing.ts";
import { listOutput } from "./output-tree.ts";

/** What a run that was executed started from, and how it ended. */
type Executed = { readonly intent: IntentEvent; readonly outcome: OutcomeEvent };

/** What the log says of one run: what it started from and how it ended, as far as it says so. */
export type RecordedRun = { readonly intent: IntentEvent | undefined; readonly outcome: OutcomeEvent | undefined };

/** Why a run cannot be made again. */
export type ReplayFaultCode = "worker/not-replayable" | "worker/blob-missing";
export type ReplayFault = Fault & { readonly code: ReplayFaultCode; readonly detail: string };

/** What is compared, in this order; the first that differs is named. */
export const COMPARED = ["exit", "fault", "results", "stdout", "stderr", "output tree", "fuel", "host calls", "memory"] as const;
/** The first difference between a record and its replay, each side as text. */
export type Divergence = {
  readonly what: (typeof COMPARED)[number];
  readonly recorded: string;
  readonly replayed: string;
  /** Where the two first called the host differently; absent where the calls are the same, or the record has no trace. */
  readonly hostCall?: HostCallDivergence;
};

/** What a replay found. `engine` has both versions: equal ones are comparable, others are told and compared all the same. */
export type Replay = {
  readonly engine: { readonly recorded: string; readonly replayed: string };
  readonly divergence: Divergence | undefined;
};

/** POWER: runs guests, and finds the bytes that they start from. The rows say which of them are quarantined. */
export type ReplayPowers = {
  readonly engine: Engine;
  readonly blobs: BlobStore;
  readonly sha256: Sha256;
  readonly rows: Pick<Rows, "get">;
};

/** Ends that say when the host lost patience or the sandbox died, and nothing about what the guest would do. */
const ENDED_FROM_OUTSIDE: ReadonlyMap<string, string> = new Map([
  ["engine/deadline", "it was ended by its deadline, and how far it came is not the guest's doing"],
  ["engine/cancelled", "it was cancelled, and how far it came is not the guest's doing"],
  ["engine/sandbox-died", "its sandbox process died"],
  ["engine/sandbox-out-of-memory", "its sandbox process was killed by the system for want of memory"],
  ["engine/input-failed", "its input broke off, and why is not kept"],
  ["engine/input-exceeded", "more input came than it could be given"],
  ["engine/protocol", "its sandbox process sent an answer that cannot be right"],
  ["engine/unavailable", "no engine could be started"],
  ["worker/killed", "it was killed by order, and how far it came is not the guest's doing"],
  ["worker/interrupted", "the worker stopped before it had an outcome"],
]);

/** Why nothing can be said by running it again; undefined when it can. Asks nothing of the blobs. */
export function checkReplayable({ intent, outcome }: RecordedRun): ReplayFault | undefined {
  const because = (detail: string): ReplayFault => ({ code: "worker/not-replayable", detail });
  if (intent === undefined) return because("nothing was executed");
  if (outcome === undefined) return because("it has no outcome yet");
  const real = intent.capabilities.filter((capability) => capability.endsWith(":real"));
  if (real.length > 0) return because(`it had ${real.join(" and ")}, and what the machine said then is not kept`);
  const ended = outcome.fault === null ? undefined : ENDED_FROM_OUTSIDE.get(outcome.fault.code);
  if (ended !== undefined) return because(ended);
  if (outcome.usage === null || outcome.stdout === null || outcome.stderr === null) return because("nobody saw its end");
  return undefined;
}

// What is blocked is not run for curiosity either.
function checkQuarantine({ intent }: RecordedRun, { rows }: ReplayPowers): ReplayFault | undefined {
  if (intent === undefined) return undefined;
  const { digest, tenant, run } = intent;
  const key = rows.get("runs", run)?.["key_id"];
  const signer = typeof key === "string" ? key : undefined;
  const [block] = findBlocks(rows, { digest, tenant, signer, imports: [], inputs: [] });
  if (block === undefined) return undefined;
  const what = block.kind === "digest" ? "its module is quarantined since" : "it is blocked since";
  return { code: "worker/not-replayable", detail: `${what} (block ${block.id})` };
}

/** The job that a record describes, every byte of it found by its digest: what came as a stream comes again, in the same pieces. */
export function rebuildJob(
  { intent, outcome }: Executed,
  { blobs, sha256, rows }: Pick<ReplayPowers, "blobs" | "sha256" | "rows">,
): Result<EngineJob, ReplayFault> {
  let missing: string | undefined;
  const find = (digest: Digest, what: string) => {
    const bytes = blobs.get(digest);
    // A store that hands out other bytes than it was asked for is not believed either.
    if (bytes !== undefined && digestOf(sha256, bytes) === digest) return bytes;
    const deleted = rows.get("deleted_blobs", digest);
    const since =
      deleted === undefined ? "" : `, deleted under the retention policy at ${deleted["at"]} (entry ${deleted["log_index"]})`;
    const held = isBlocked(rows, digest) ? ", in quarantine" : "";
    missing ??= `${what}, ${digest}${since}${held}`;
    return undefined;
  };
  const bytes = find(intent.digest, "the module");
  const empty = isEmptyDigest(intent.stdin.digest, sha256);
  const stdin = empty ? new Uint8Array() : find(intent.stdin.digest, "the input");
  const input = outcome.stdin && rebuildInput(outcome.stdin, find);
  if (outcome.stdin !== undefined && input === undefined)
    missing ??= `the lengths of the input's pieces, ${outcome.stdin.pieces}`;
  const mounts: Mount[] = [];
  for (const said of intent.mounts) {
    const mount = rebuildMount(said, find, sha256);
    if (mount === undefined) missing ??= `the listing of ${JSON.stringify(said.guestPath)}, ${said.digest}`;
    else mounts.push(mount);
  }
  const called = rebuildArguments(intent, find);
  if (called === undefined) missing ??= `the arguments, ${intent.arguments?.digest ?? "which the intent does not name"}`;
  if (missing !== undefined || bytes === undefined || stdin === undefined || called === undefined) {
    return fail({ code: "worker/blob-missing", detail: missing ?? intent.digest });
  }
  const seed = parseHex(intent.seed);
  if (!seed.ok) return fail({ code: "worker/not-replayable", detail: "its seed is malformed" });
  const canaries = replantCanaries(intent.canaries ?? [], seed.value, sha256);
  if (canaries === undefined) return fail({ code: "worker/not-replayable", detail: "a decoy of it has no name" });
  const { tenant, digest, capabilities, budgets } = intent;
  const entry = intent.entry === "_start" ? undefined : intent.entry;
  const given = { stdin, input, mounts, capabilities, budgets, seed: seed.value };
  const job = { tenant, digest, bytes, entry, ...called, ...given };
  return ok(canaries.length === 0 ? job : { ...job, canaries });
}

/** A stream as it was recorded; undefined when a part of it is missing, or is not one. */
function rebuildInput(
  { digest, bytes, pieces }: NonNullable<OutcomeEvent["stdin"]>,
  find: (digest: Digest, what: string) => Bytes | undefined,
): InputStream | undefined {
  if (bytes === 0) return replayInput({ bytes: new Uint8Array(), pieces: [] });
  const all = find(digest, "the input");
  const lengths = find(pieces, "the lengths of the input's pieces");
  const parsed = lengths && parsePieces(lengths, bytes);
  return all === undefined || parsed === undefined ? undefined : replayInput({ bytes: all, pieces: parsed });
}

/**
 * Runs a recorded run again, under its own budgets, and compares. The engine's own failures (a deadline that a slower machine
 * does not meet, a sandbox that dies) are faults like others, and so divergences. Records nothing.
 */
export async function replayRun(
  run: RecordedRun,
  powers: ReplayPowers,
  cancellation?: Cancellation,
): Promise<Result<Replay, ReplayFault>> {
  const refusal = checkReplayable(run) ?? checkQuarantine(run, powers);
  if (refusal !== undefined) return fail(refusal);
  const { intent, outcome } = run;
  assert(intent !== undefined && outcome !== undefined, "a run that can be replayed was executed");
  const job = rebuildJob({ intent, outcome }, powers);
  if (!job.ok) return job;
  const report = await powers.engine.run(job.value, cancellation);
  if (report.fault !== undefined && CANNOT_TELL.has(report.fault.code)) return fail(explainFailure(report.fault));
  const engine = { recorded: intent.engine, replayed: powers.engine.version };
  return ok({ engine, divergence: findDivergence(outcome, report, powers) });
}

/** Faults of the replay itself, which say nothing about the guest. */
const CANNOT_TELL: ReadonlySet<string> = new Set(["engine/cancelled", "engine/unavailable"]);

function explainFailure({ code, detail }: EngineFault): ReplayFault {
  const what = code === "engine/cancelled" ? "the replay was cancelled" : "no engine can be started";
  return { code: "worker/not-replayable", detail: detail === "" ? what : `${what}: ${detail}` };
}

/**
 * The first of {@link COMPARED} in which a report is not what the record says, and the first host call that differs, which may
 * be why; undefined when it is all the same.
 */
function findDivergence(
  outcome: OutcomeEvent,
  report: EngineReport,
  { blobs, sha256 }: Pick<ReplayPowers, "blobs" | "sha256">,
): Divergence | undefined {
  const { usage, hostCallTrace } = outcome;
  assert(usage !== null, "an outcome that nobody saw is not compared");
  const pairs: Readonly<Record<(typeof COMPARED)[number], readonly [recorded: string, replayed: string]>> = {
    exit: [String(outcome.exitCode ?? "none"), String(report.exitCode ?? "none")],
    fault: [outcome.fault?.code ?? "none", report.fault?.code ?? "none"],
    results: [outcome.results.join(", "), report.results.join(", ")],
    stdout: [outcome.stdout?.digest ?? "none", digestOf(sha256, report.stdout)],
    stderr: [outcome.stderr?.digest ?? "none", digestOf(sha256, report.stderr)],
    "output tree": [outcome.outputTree?.digest ?? "none", listOutput(report.output, sha256)?.said.digest ?? "none"],
    fuel: [String(usage.fuel), String(report.usage.fuel)],
    "host calls": [
      `${usage.hostCalls}${traced(hostCallTrace?.digest)}`,
      `${report.usage.hostCalls}${traced(hostCallTrace && report.trace && digestOf(sha256, report.trace))}`,
    ],
    memory: [String(usage.memoryBytes), String(report.usage.memoryBytes)],
  };
  for (const what of COMPARED) {
    const [recorded, replayed] = pairs[what];
    if (recorded === replayed) continue;
    const hostCall = hostCallTrace && findHostCallDivergence(hostCallTrace.digest, report.trace, { blobs, sha256 });
    return hostCall === undefined ? { what, recorded, replayed } : { what, recorded, replayed, hostCall };
  }
  return undefined;
}

function traced(digest: Digest | undefined): string {
  return digest === undefined ? "" : ` traced as ${digest}`;
}

/** A replay as an entry of the log. */
export function replayEvent(intent: IntentEvent, { engine, divergence }: Replay, nowMs: number): Event & ReplayEvent {
  const { run, tenant, digest } = intent;
  const at = encodeTime(nowMs);
  const identical = divergence === undefined;
  return { kind: "replay", run, tenant, at, digest, engine: engine.replayed, identical, divergence: divergence ?? null };
}

/** What to tell a person who asked for a replay and got none. */
export function explainReplayFault({ code, detail }: ReplayFault): Explanation {
  if (code === "worker/not-replayable") return { message: `the run cannot be replayed: ${detail}` };
  const hint = "a replay needs the bytes that the run started from; copy the blob from where it is kept, or run the module anew";
  return { message: `a blob is missing, or is not what it was: ${detail}`, hint };
}
