import { isJsonObject, type Json } from "#core";
import type {
  AdmissionEvent,
  DecisionEvent,
  Event,
  ImportEvent,
  IntentEvent,
  OutcomeEvent,
  VerificationEvent,
} from "./events.ts";
import {
  evolveApproval,
  evolveContainment,
  evolveIncident,
  evolveRejection,
  evolveReview,
  evolveSubmission,
  evolveWithdrawal,
  noteDecisionTime,
} from "./approval-fold.ts";
import { evolveAnswer } from "./answer.ts";
import { evolvePolicy } from "./policy-fold.ts";
import { asBlock, evolveBlock, evolveRelease } from "./block.ts";
import { evolveInputs, evolveOutputs } from "./flow.ts";
import { stepsOf } from "./passage.ts";
import type { Row, Rows } from "./rows.ts";
import { evolveSamples, evolveStanding } from "./standing.ts";

/** Where in the log an event stands. */
export type At = { readonly index: number };

/**
 * Applies one entry of the log to the projection. A pure function of the rows and the event: folding the log from the
 * start, or from any point where it was stopped, gives the same rows.
 */
export function evolve(rows: Rows, event: Event, { index }: At): void {
  evolveNotice(rows, event, index);
  switch (event.kind) {
    case "passage":
      for (const step of stepsOf(event)) evolve(rows, step, { index });
      return;
    case "admission":
      return evolveAdmission(rows, event, index);
    case "verification":
      return evolveVerification(rows, event, index);
    case "decision":
      return evolveDecision(rows, event, index);
    case "intent":
      return evolveIntent(rows, event, index);
    case "outcome":
      evolveSamples(rows, event);
      return evolveOutcome(rows, event, index);
    case "assessment":
      evolveContainment(rows, event);
      return evolveStanding(rows, event, index);
    case "trust":
      return rows.put("trust", { name: "store", digest: event.store, at: event.at, log_index: index });
    case "policy":
      return evolvePolicy(rows, event, index);
    case "quarantine":
      return evolveBlock(rows, asBlock(event), index);
    case "block":
      return evolveBlock(rows, event, index);
    case "release":
      return evolveRelease(rows, event, index);
    case "import":
      return evolveImport(rows, event);
    case "deletion":
      for (const digest of event.blobs) rows.put("deleted_blobs", { digest, at: event.at, log_index: index });
      return;
    case "submission":
      return evolveSubmission(rows, event, index);
    case "approval":
      return evolveApproval(rows, event, index);
    case "rejection":
      return evolveRejection(rows, event, index);
    case "withdrawal":
      return evolveWithdrawal(rows, event);
    case "review":
      return evolveReview(rows, event);
    case "incident":
      return evolveIncident(rows, event, index);
    case "workspace":
    case "recovery":
    case "replay":
    case "acknowledgement":
    case "pruning":
    case "restoration":
    case "clock":
      return;
    default:
      // A kind that a later version wrote; this version's projections do not show it.
      return;
  }
}

/** Makes an entry findable that no run's row leads to. */
function evolveNotice(rows: Rows, event: Event, index: number): void {
  switch (event.kind) {
    case "passage":
    case "admission":
    case "verification":
    case "decision":
    case "intent":
    case "outcome":
      return;
    default: {
      const said: { readonly [name: string]: unknown } = event;
      const text = (name: string) => (typeof said[name] === "string" ? said[name] : null);
      const { kind } = event;
      const at = text("at");
      const of = (wanted: string) =>
        event.kind === "block" ? (event.targets.find((one) => one.kind === wanted)?.target ?? null) : null;
      const digest = text("digest") ?? text("sourceDigest") ?? text("store") ?? text("version") ?? of("digest");
      const tenant = text("tenant") ?? of("tenant");
      const key_id = keyOf(event) ?? of("signer");
      rows.put("notices", { log_index: index, kind, at, run: text("run"), tenant, digest, key_id });
    }
  }
}

function keyOf(event: Event): string | null {
  if (event.kind === "approval") return event.keyId;
  if (event.kind === "rejection" || event.kind === "withdrawal" || event.kind === "review") return event.by.keyId;
  if (event.kind !== "trust" || !isJsonObject(event.record)) return null;
  const { keyId } = event.record;
  return typeof keyId === "string" ? keyId : null;
}

const EMPTY_RUN: Row = {
  tenant: null,
  digest: null,
  size_bytes: null,
  mode: null,
  status: "deciding",
  code: null,
  message: null,
  verified: 0,
  key_id: null,
  policy: null,
  decided_at: null,
  finished_at: null,
  exit_code: null,
  wall_ms: null,
  fuel: null,
  memory_bytes: null,
  output_bytes: null,
  indexes: "",
};

function changeRun(
  rows: Rows,
  { run, tenant }: { readonly run: string; readonly tenant: string },
  index: number,
  change: Row,
): void {
  const before = rows.get("runs", run) ?? { ...EMPTY_RUN, run };
  rows.put("runs", { ...before, tenant, ...change, indexes: withIndex(String(before.indexes), index) });
}

// The steps of a passage share an entry.
function withIndex(indexes: string, index: number): string {
  if (indexes === "") return String(index);
  const last = indexes.slice(indexes.lastIndexOf(",") + 1);
  return last === String(index) ? indexes : `${indexes},${index}`;
}

function changeTenant(rows: Rows, tenant: string, at: string, change: (before: Row) => Row): void {
  const before = rows.get("tenants", tenant) ?? {
    tenant,
    first_seen_at: at,
    last_seen_at: at,
    last_run: null,
    last_status: null,
    last_ran_digest: null,
    decisions: 0,
    executions: 0,
    failures: 0,
  };
  rows.put("tenants", { ...before, last_seen_at: at, ...change(before) });
}

function evolveAdmission(rows: Rows, event: AdmissionEvent, index: number): void {
  const { digest, sizeBytes } = event;
  changeRun(rows, event, index, { digest, size_bytes: sizeBytes });
  if (digest === null || rows.get("modules", digest) !== undefined) return;
  rows.put("modules", {
    digest,
    first_seen_at: event.at,
    first_tenant: event.tenant,
    size_bytes: sizeBytes,
    manifest_was_signed: 0,
    executions: 0,
    failures: 0,
  });
}

function evolveVerification(rows: Rows, event: VerificationEvent, index: number): void {
  changeRun(rows, event, index, { verified: event.trusted ? 1 : 0, key_id: event.keyId });
  const module = event.digest === null ? undefined : rows.get("modules", event.digest);
  if (module !== undefined && event.trusted && event.manifestSigned) rows.put("modules", { ...module, manifest_was_signed: 1 });
}

/** The digest of the version of the policies that a decision was made by, or of its one policy; null where there was none to read. */
function policyOf(facts: Json): string | null {
  const policy = isJsonObject(facts) ? (facts["policyVersion"] ?? facts["policy"]) : undefined;
  const digest = policy !== undefined && isJsonObject(policy) ? policy["digest"] : undefined;
  return typeof digest === "string" ? digest : null;
}

const STATUS_OF_VERDICT = { allow: "allowed", hold: "held", deny: "denied", quarantine: "quarantined" } as const;

function evolveDecision(rows: Rows, event: DecisionEvent, index: number): void {
  const reason = event.reasons[0];
  const policy = policyOf(event.facts);
  noteDecisionTime(rows, event, index);
  evolveAnswer(rows, event, { index, version: policy });
  const status = event.verdict === "allow" && event.mode === "proof" ? "verified" : STATUS_OF_VERDICT[event.verdict];
  changeRun(rows, event, index, {
    mode: event.mode,
    status,
    code: reason?.code ?? null,
    message: reason?.message ?? null,
    policy,
    decided_at: event.at,
  });
  changeTenant(rows, event.tenant, event.at, (before) => ({
    last_run: event.run,
    last_status: status,
    decisions: Number(before.decisions) + 1,
  }));
}

function evolveIntent(rows: Rows, event: IntentEvent, index: number): void {
  changeRun(rows, event, index, { status: "started" });
  evolveInputs(rows, event, index);
}

function evolveOutcome(rows: Rows, event: OutcomeEvent, index: number): void {
  const { usage, fault } = event;
  changeRun(rows, event, index, {
    status: event.status,
    code: fault?.code ?? null,
    message: fault?.message ?? null,
    finished_at: event.at,
    exit_code: event.exitCode,
    wall_ms: usage?.wallMs ?? null,
    fuel: usage?.fuel ?? null,
    memory_bytes: usage?.memoryBytes ?? null,
    output_bytes: usage?.outputBytes ?? null,
  });
  evolveOutputs(rows, event, index);
  const failures = event.status === "failed" ? 1 : 0;
  changeTenant(rows, event.tenant, event.at, (before) => ({
    last_status: event.status,
    // Only what came to its end: what failed is no predecessor to measure another by.
    last_ran_digest: failures === 0 ? event.digest : (before.last_ran_digest ?? null),
    executions: Number(before.executions) + 1,
    failures: Number(before.failures) + failures,
  }));
  const module = rows.get("modules", event.digest);
  if (module === undefined) return;
  const executions = Number(module.executions) + 1;
  rows.put("modules", { ...module, executions, failures: Number(module.failures) + failures });
}

function evolveImport(rows: Rows, event: ImportEvent): void {
  event.records.forEach((record, n) => {
    rows.put("imported", {
      // The same file imported twice lands on the same rows.
      id: `${event.sourceDigest}/${event.part}/${n}`,
      kind: event.form,
      source: event.source,
      tenant: record.tenant,
      digest: record.digest,
      size_bytes: record.sizeBytes,
      verified: record.verified === null ? null : Number(record.verified),
      status: record.status,
      wall_ms: record.wallMs,
      at: record.at,
    });
  });
}
