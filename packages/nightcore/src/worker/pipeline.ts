import {
  assert,
  type Assessment,
  type Crypto,
  type Digest,
  digestOf,
  encodePieces,
  encodeTime,
  fail,
  type InputRead,
  makeRunId,
  meetBudgets,
  ok,
  type Random,
  type Result,
  type RunId,
} from "#core";
import { ASSESSMENT_RULES, type Decision, type Finding, issuePermit, nameRules, type Permit } from "#guardian";
import {
  type BlobStore,
  type Cancellation,
  type Engine,
  type EngineJob,
  type EngineReport,
  explainEngineFault,
  type LedgerFault,
  type ModuleSource,
  type Print,
} from "#ports";
import { type AcknowledgementAsked, type Event, type IntentEvent, joinSteps, type OutcomeEvent, type OutputSaid } from "#state";
import { listArguments } from "./argument-listing.ts";
import { assessmentEvents, assessOutcome } from "./assessment.ts";
import { admissionEvent, decisionEvent, trialOf, intentEvent, outcomeEvent, verificationEvent } from "./events.ts";
import { canaryEvents, plantCanaries } from "./canaries.ts";
import { findBreaker, incidentEvents } from "./incident.ts";
import { findingOf, RecentExaminations } from "./inspection.ts";
import { judgeModule, type Judgement, type JudgingPowers } from "./judgement.ts";
import type { KillOrder } from "./kill-order.ts";
import { killedFinding, type KillSwitch } from "./kill-switch.ts";
import { keepInputs, listMounts } from "./mount-listing.ts";
import { keepOutput } from "./output-tree.ts";
import { type About, aboutModule, aboutRun, type Recorder } from "./recorder.ts";
import type { RunRecord, RunRequest, RunStatus } from "./run-record.ts";

/** Everything that the pipeline works with. It has no power of its own. */
export type PipelinePowers = JudgingPowers & {
  readonly random: Random;
  readonly recorder: Recorder;
  readonly blobs: BlobStore;
  /** Undefined in a pipeline that only verifies and decides. */
  readonly engine: Engine | undefined;
  /** Hears what guests print while they run, before their outcome is durable: for a person who watches, never for the record. */
  readonly print?: Print | undefined;
  /** Ends runs by order; without one, nothing but their budgets and the caller does. */
  readonly killSwitch?: KillSwitch;
  /** What the ledger waits for before its appends resolve, for the record. Undefined: for no more than that they are durable. */
  readonly acknowledgement?: AcknowledgementAsked | undefined;
};

type Decided = Judgement & {
  readonly run: RunId;
  readonly request: RunRequest;
  readonly source: ModuleSource;
};

/**
 * The one way from bytes to execution: admit, verify, decide, record the intent, execute, record the outcome. Every stage
 * takes the sealed value of the stage before it. A fault of the ledger ends everything: what cannot be recorded does not run.
 */
export class Pipeline {
  readonly #powers: PipelinePowers;

  constructor(powers: PipelinePowers) {
    this.#powers = { recent: new RecentExaminations(), ...powers };
  }

  async process(source: ModuleSource, request: RunRequest, cancellation?: Cancellation): Promise<Result<RunRecord, LedgerFault>> {
    const decided = this.#decide(source, request);
    const { run, facts, decision, inspection } = decided;
    const permit = inspection.verified === undefined ? undefined : issuePermit(run, inspection.verified, { facts, decision });
    if (permit === undefined) return this.#recordDecision(decided);
    return this.#execute(decided, permit, cancellation);
  }

  #decide(source: ModuleSource, request: RunRequest): Decided {
    const judgement = judgeModule(source, request, this.#powers);
    return { ...judgement, run: makeRunId(judgement.atMs, this.#powers.random(16)), request, source };
  }

  /** What is recorded before anything follows from the decision; with the intent, where a run does. */
  #passage(
    { run, facts, inspection, decision, trial }: Decided,
    intent?: Event & IntentEvent,
  ): readonly { about: About; event: Event }[] {
    const { policyEngine, acknowledgement, trial: tried } = this.#powers;
    const about = inspection.digest === undefined ? aboutRun(run) : aboutModule(facts.tenant, inspection.digest);
    const decided = decisionEvent({ run, facts }, decision, {
      engine: nameRules(policyEngine),
      trial: trialOf(decision, trial, tried?.shelf.version?.number),
    });
    const passage = joinSteps({
      admission: admissionEvent({ run, facts }, inspection),
      verification: verificationEvent({ run, facts }),
      decision: acknowledgement === undefined ? decided : { ...decided, acknowledgement },
      intent,
    });
    return [passage, ...incidentEvents({ run, facts }, decision)].map((event) => ({ about, event }));
  }

  async #recordDecision(decided: Decided): Promise<Result<RunRecord, LedgerFault>> {
    const indexes = await this.#powers.recorder.record(this.#passage(decided));
    if (!indexes.ok) return fail(indexes.fault);
    return ok(this.#describe(decided, { status: statusOf(decided.decision), indexes: indexes.value }));
  }

  async #execute(decided: Decided, permit: Permit, cancellation?: Cancellation) {
    const { engine, recorder, crypto, blobs, clock, isolation, print } = this.#powers;
    assert(engine !== undefined, "a permit was issued in a pipeline without an engine");
    const { run, facts } = decided;
    const job = this.#prepareJob(decided, permit);
    const about = aboutModule(facts.tenant, job.digest);
    const inputs = {
      stdin: digestOf(crypto.sha256, job.stdin),
      mounts: listMounts(job.mounts, crypto.sha256),
      called: listArguments(job, crypto.sha256),
    };
    const intent = intentEvent({ run, facts }, { permit, job, engine: engine.version, isolation, ...inputs });
    // Before the intent, so that one that can be read has its bytes, and before the guest, so that its deadline is its own.
    keepInputs(blobs, job, inputs);
    // INVARIANT: the intent is durable before the guest starts; whoever finds an intent without an outcome knows what may have run.
    const before = await recorder.record(this.#passage(decided, intent));
    if (!before.ok) return fail(before.fault);

    const signer = facts.signature.trusted ? facts.signature.keyId : undefined;
    const guard = this.#powers.killSwitch?.guard({ tenant: facts.tenant, signer }, cancellation);
    const report = await engine.run(job, guard ?? cancellation, print);
    const finding = nameEnd(report, guard?.end());
    const outputTree = keepOutput(blobs, crypto, report.output);
    const trace = report.trace && keep(blobs, crypto, report.trace);
    const outputs = { stdout: keep(blobs, crypto, report.stdout), stderr: keep(blobs, crypto, report.stderr) };
    const kept = { ...outputs, outputTree, trace, stdin: report.input && keepRead(blobs, crypto, report.input) };
    const ended = outcomeEvent({ run, facts }, { digest: job.digest, report, finding, kept, nowMs: clock() });
    const { outcome, assessment } = this.#assess(decided, intent, ended);
    const more = assessment === undefined ? [] : assessmentEvents(outcome, assessment, signer);
    // INVARIANT: nobody hears of the outcome before it is durable, and what contains its module is durable with it.
    const touched = canaryEvents(outcome, report, signer);
    const after = await recorder.record([{ about, event: outcome }, ...more, ...touched]);
    if (!after.ok) return fail(after.fault);
    // An assessment is about the run and not a part of it.
    const indexes = [...before.value, ...after.value.slice(0, 1)];
    return ok(
      this.#describe(decided, { status: outcome.status, indexes, report, outputTree, fault: finding ?? undefined, assessment }),
    );
  }

  // A trial runs with less than it needs, on purpose: it is neither assessed nor a history for others.
  #assess({ request, facts }: Decided, intent: IntentEvent, outcome: Event & OutcomeEvent) {
    if (request.trial !== undefined) return { outcome, assessment: undefined };
    const { recorder, rows } = this.#powers;
    const assessed = { rules: ASSESSMENT_RULES, entries: recorder.applied };
    return { outcome: { ...outcome, assessed }, assessment: assessOutcome({ facts, intent, outcome }, rows) };
  }

  #prepareJob({ request, source, mounts, facts }: Decided, permit: Permit): EngineJob {
    const { module } = permit.module.admitted;
    const { trial } = request;
    const { entry, ...granted } = permit.grant;
    const capabilities = granted.capabilities.filter((one) => trial?.capabilities.includes(one) !== false);
    const budgets = trial?.budgets === undefined ? granted.budgets : meetBudgets(granted.budgets, trial.budgets);
    const seed = trial?.seed ?? this.#powers.random(32);
    const canaries = plantCanaries(facts, { env: request.env, seed, sha256: this.#powers.crypto.sha256 });
    return {
      tenant: source.tenant,
      digest: module.digest,
      bytes: module.bytes,
      entry: entry === "_start" ? undefined : entry,
      numericArgs: entry === "_start" ? [] : request.args,
      argv: [source.tenant, ...(entry === "_start" ? request.args : [])],
      env: request.env,
      stdin: capabilities.includes("stdin") ? request.stdin : new Uint8Array(),
      input: capabilities.includes("stdin") ? request.input : undefined,
      mounts: capabilities.includes("fs:read") ? mounts : [],
      capabilities,
      budgets,
      seed,
      ...(canaries.length === 0 ? {} : { canaries }),
    };
  }

  #describe(
    decided: Decided,
    end: {
      readonly status: RunStatus;
      readonly indexes: readonly number[];
      readonly report?: EngineReport;
      readonly outputTree?: OutputSaid | undefined;
      readonly fault?: RunRecord["fault"];
      readonly assessment?: Assessment | undefined;
    },
  ): RunRecord {
    const { run, source, request, atMs, inspection, facts, decision } = decided;
    const { signature } = facts;
    const { report } = end;
    const nowMs = this.#powers.clock();
    return {
      run,
      tenant: source.tenant,
      path: source.path,
      mode: request.mode,
      status: end.status,
      verdict: decision.verdict,
      reasons: decision.reasons,
      breakGlass: findBreaker(facts, decision),
      digest: inspection.digest,
      sizeBytes: inspection.sizeBytes,
      signature: signature.trusted
        ? { trusted: true, keyId: signature.keyId, keyName: signature.keyName, manifestSigned: signature.manifestSigned }
        : { trusted: false, keyId: undefined, keyName: undefined, manifestSigned: false },
      entry: facts.entry.name,
      capabilities: decision.grant?.capabilities ?? [],
      budgets: decision.grant?.budgets,
      backend: facts.backend,
      isolation: report === undefined ? [] : facts.isolation,
      startedAt: facts.at,
      finishedAt: encodeTime(nowMs),
      wholeMs: nowMs - atMs,
      fault: end.fault,
      exitCode: report?.exitCode,
      results: report?.results ?? [],
      stdout: report?.stdout ?? new Uint8Array(),
      stderr: report?.stderr ?? new Uint8Array(),
      usage: report?.usage,
      outputTree: end.outputTree,
      deniedPaths: report?.deniedPaths ?? [],
      observed: report?.observed,
      assessment: end.assessment,
      sandboxUnseen: looksForFiles(report) && decision.grant?.capabilities.includes("fs:read") === false && source.hasSandbox(),
      indexes: end.indexes,
    };
  }
}

// What ended because of an order says so; what had ended by itself just before says that.
function nameEnd({ fault }: EngineReport, order: KillOrder | undefined): Finding | null {
  if (fault === undefined) return null;
  return order !== undefined && fault.code === "engine/cancelled" ? killedFinding(order) : findingOf(fault, explainEngineFault);
}

function statusOf({ verdict }: Decision): RunStatus {
  const statuses = { allow: "verified", hold: "held", deny: "denied", quarantine: "quarantined" } as const;
  return statuses[verdict];
}

/** Whether the guest has asked which folders it has, as whatever works with files does first. */
function looksForFiles(report: EngineReport | undefined): boolean {
  return report?.observed?.calls.includes("fd_prestat_get") === true;
}

function keepRead(blobs: BlobStore, crypto: Crypto, { bytes, pieces }: InputRead): OutcomeEvent["stdin"] {
  return { digest: keep(blobs, crypto, bytes), bytes: bytes.length, pieces: keep(blobs, crypto, encodePieces(pieces)) };
}

function keep(blobs: BlobStore, { sha256 }: Crypto, bytes: Uint8Array): Digest {
  const digest = digestOf(sha256, bytes);
  if (bytes.length > 0) blobs.put(digest, bytes);
  return digest;
}
