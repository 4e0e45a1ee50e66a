import { type Digest, encodeCanaryName, encodeHex, encodeTime, type Json, type RunId } from "#core";
import type { Decision, Facts, Permit } from "#guardian";
import type { EngineJob, EngineReport } from "#ports";
import type { AdmissionEvent, DecisionEvent, Event, IntentEvent, OutcomeEvent, OutputSaid, VerificationEvent } from "#state";
import { consentOf } from "./incident.ts";
import { boundNames, type Inspection } from "./inspection.ts";
import type { ListedArguments } from "./argument-listing.ts";
import type { ListedMount } from "./mount-listing.ts";

type OfRun = { readonly run: RunId; readonly facts: Facts };

/** What admission found, as an entry. */
export function admissionEvent({ run, facts }: OfRun, inspection: Inspection): Event & AdmissionEvent {
  const { digest, sizeBytes, admitted } = inspection;
  return {
    kind: "admission",
    run,
    tenant: facts.tenant,
    at: facts.at,
    digest: digest ?? null,
    sizeBytes: sizeBytes ?? null,
    admitted: admitted.ok,
    finding: facts.module.admitted ? null : facts.module.finding,
    shape: admitted.ok ? shapeOf(inspection) : null,
  };
}

function shapeOf({ admitted }: Inspection): Json {
  if (!admitted.ok) return null;
  const { imports, exports, memories, features, functionCount } = admitted.value.shape;
  return {
    functions: functionCount,
    imports: imports.length,
    exports: boundNames(exports.map(({ name }) => name)),
    memories: memories.map(({ pagesMin, pagesMax }) => ({ pagesMin, pagesMax: pagesMax ?? null })),
    features: [...features],
  };
}

/** What verification found, as an entry. */
export function verificationEvent({ run, facts }: OfRun): Event & VerificationEvent {
  const { signature, module, trustStore } = facts;
  return {
    kind: "verification",
    run,
    tenant: facts.tenant,
    at: facts.at,
    digest: module.digest ?? null,
    trusted: signature.trusted,
    keyId: signature.trusted ? signature.keyId : null,
    form: signature.trusted ? signature.form : null,
    manifestSigned: signature.trusted && signature.manifestSigned,
    finding: signature.trusted ? null : signature.finding,
    trustStore,
  };
}

/** The decision with all of its facts, as an entry. */
export function decisionEvent(
  { run, facts }: OfRun,
  decision: Decision,
  { engine, trial }: { readonly engine: string; readonly trial: DecisionEvent["trial"] },
): Event & DecisionEvent {
  const consent = consentOf(facts, decision);
  return {
    kind: "decision",
    run,
    tenant: facts.tenant,
    at: facts.at,
    digest: facts.module.digest ?? null,
    mode: facts.mode,
    verdict: decision.verdict,
    reasons: decision.reasons,
    grant: (decision.grant ?? null) as unknown as Json,
    risk: decision.risk as unknown as Json,
    permits: decision.permits,
    ...decision.asked,
    facts: facts as unknown as Json,
    engine,
    ...(trial === undefined ? {} : { trial }),
    ...(consent === undefined ? {} : { consent }),
  };
}

/** What a version on trial said, in short; in full, as reasons, where it said something else than the one in force. */
export function trialOf(decision: Decision, trial: Decision | undefined, number: number | undefined): DecisionEvent["trial"] {
  if (trial === undefined || number === undefined) return undefined;
  const { verdict } = trial;
  if (verdict === decision.verdict) return { number, verdict };
  const reasons = trial.reasons.map(({ code, policy, message }) => ({
    code,
    message,
    ...(policy === undefined ? {} : { policy }),
  }));
  return { number, verdict, reasons };
}

/** Everything that is needed to make the run again, as the entry that precedes it. */
export function intentEvent(
  { facts }: OfRun,
  {
    permit,
    job,
    engine,
    isolation,
    stdin,
    mounts,
    called,
  }: {
    readonly permit: Permit;
    readonly job: EngineJob;
    readonly engine: string;
    readonly isolation: readonly string[];
    readonly stdin: Digest;
    readonly mounts: readonly ListedMount[];
    readonly called: ListedArguments;
  },
): Event & IntentEvent {
  return {
    kind: "intent",
    run: permit.run,
    tenant: facts.tenant,
    at: facts.at,
    digest: job.digest,
    entry: job.entry ?? "_start",
    ...called.said,
    stdin: { digest: stdin, bytes: job.stdin.length, ...(job.input === undefined ? {} : { streamed: true }) },
    mounts: mounts.map(({ said }) => said),
    capabilities: job.capabilities,
    budgets: job.budgets,
    seed: encodeHex(job.seed),
    ...(job.canaries === undefined ? {} : { canaries: job.canaries.map(encodeCanaryName) }),
    engine,
    isolation,
  };
}

/** Digests of the outputs that were kept as blobs. */
export type Kept = {
  readonly stdout: Digest;
  readonly stderr: Digest;
  readonly outputTree: OutputSaid | undefined;
  readonly trace: Digest | undefined;
  /** What it was given of a stream; undefined without one. */
  readonly stdin: OutcomeEvent["stdin"];
};

/** How the run ended, as an entry. `ran` means: exit code 0 and no fault. */
export function outcomeEvent(
  { run, facts }: OfRun,
  {
    digest,
    report,
    finding,
    kept,
    nowMs,
  }: {
    readonly digest: Digest;
    readonly report: EngineReport;
    readonly finding: OutcomeEvent["fault"];
    readonly kept: Kept;
    readonly nowMs: number;
  },
): Event & OutcomeEvent {
  return {
    kind: "outcome",
    run,
    tenant: facts.tenant,
    at: encodeTime(nowMs),
    digest,
    status: finding === null && report.exitCode === 0 ? "ran" : "failed",
    exitCode: report.exitCode ?? null,
    fault: finding,
    results: report.results,
    stdout: { digest: kept.stdout, bytes: report.stdout.length },
    stderr: { digest: kept.stderr, bytes: report.stderr.length },
    usage: report.usage,
    ...(kept.stdin === undefined ? {} : { stdin: kept.stdin }),
    ...(kept.outputTree === undefined ? {} : { outputTree: kept.outputTree }),
    ...(report.refusals === undefined ? {} : { refusals: report.refusals }),
    ...(kept.trace === undefined ? {} : { hostCallTrace: { digest: kept.trace, bytes: report.trace?.length ?? 0 } }),
  };
}

/** A run whose intent is in the log and whose outcome never came: the worker died in between. */
export function interruptedEvent(
  run: RunId,
  { tenant, digest }: { readonly tenant: string; readonly digest: Digest },
  nowMs: number,
): Event & OutcomeEvent {
  return {
    kind: "outcome",
    run,
    tenant,
    at: encodeTime(nowMs),
    digest,
    status: "failed",
    exitCode: null,
    fault: { code: "worker/interrupted", message: "the worker stopped before this run had an outcome" },
    results: [],
    stdout: null,
    stderr: null,
    usage: null,
  };
}
