import {
  type Digest,
  NO_STRIKES,
  raiseStanding,
  type Sample,
  sampleModule,
  type StandingPoints,
  type StrikeKind,
  type Strikes,
  STRIKES_MAX,
} from "#core";
import type { AssessmentEvent, OutcomeEvent } from "./events.ts";
import type { Row, Rows } from "./rows.ts";

export const SAMPLES_MAX = 50; // LIMIT: enough for a middle and a spread, little enough to be read for every run
const EVIDENCE_MAX = 8; // LIMIT: what a person reads, and a decision carries along

/** Whose standing: a tenant's, a module's under any tenant, or a module's under one. */
export type StandingSubject =
  | { readonly tenant: string; readonly digest?: undefined }
  | { readonly tenant?: undefined; readonly digest: Digest }
  | { readonly tenant: string; readonly digest: Digest };

/** The key of a subject's row. A tenant's name has no separator in it. */
export function subjectOf({ tenant, digest }: StandingSubject): string {
  if (digest === undefined) return `tenant/${tenant}`;
  return tenant === undefined ? `module/${digest}` : `module/${digest}/${tenant}`;
}

/** One thing that a run has shown, for people and for the decision to name. */
export type Evidence = {
  readonly at: string;
  readonly run: string;
  readonly digest: Digest;
  readonly code: string;
  readonly message: string;
  readonly points: number;
};

/**
 * Keeps what a run used in its tenant's row, when the run was assessed and came to its end: the newest samples and no more. The
 * faults of its module are in a row no longer.
 */
export function evolveSamples(rows: Rows, { tenant, digest, usage, fault, assessed, refusals }: OutcomeEvent): void {
  if (assessed === undefined || usage === null || fault !== null) return;
  const { fuel, memoryBytes, wallMs, outputBytes, hostCalls } = usage;
  const counts = [fuel, memoryBytes, Math.round(wallMs), outputBytes, hostCalls, refusals?.deniedCalls ?? 0];
  const before = rowOf(rows, { tenant });
  const samples = `${textOf(before, "samples")}${sampleModule(digest)},${counts.join(",")};`;
  rows.put("standing", { ...before, samples: dropOldest(samples) });
  const pair = rows.get("standing", subjectOf({ tenant, digest }));
  if (pair === undefined || strikesOf(pair).faults.length === 0) return;
  rows.put("standing", { ...pair, strikes: JSON.stringify({ ...strikesOf(pair), faults: [] }) });
}

// By cutting text: it happens at every run, and reading all samples to drop one would cost more than the run's other rows.
function dropOldest(samples: string): string {
  let at = samples.length;
  for (let kept = 0; kept <= SAMPLES_MAX; kept++) {
    if (at <= 0) return samples;
    at = samples.lastIndexOf(";", at - 1);
  }
  return samples.slice(at + 1);
}

/** The newest runs of a tenant that came to their end, the oldest first. */
export function readSamples(rows: Pick<Rows, "get">, tenant: string): readonly Sample[] {
  const samples = textOf(rows.get("standing", subjectOf({ tenant })), "samples");
  if (samples === "") return [];
  return samples
    .slice(0, -1)
    .split(";")
    .map((sample) => {
      const [module = "", ...counts] = sample.split(",");
      const [fuel = 0, memoryBytes = 0, wallMs = 0, outputBytes = 0, hostCalls = 0, deniedCalls = 0] = counts.map(Number);
      return { module, fuel, memoryBytes, wallMs, outputBytes, hostCalls, deniedCalls };
    });
}

/** Raises the standing of the tenant and of the module, and counts strikes for the module under this tenant, until it is contained. */
export function evolveStanding(rows: Rows, event: AssessmentEvent, index: number): void {
  const { tenant, digest, at, run, points } = event;
  const found = event.findings.map(({ code, message, ...of }): Evidence => ({
    at,
    run,
    digest,
    code,
    message,
    points: of.points,
  }));
  for (const subject of [{ tenant }, { digest }] as const) {
    const before = rowOf(rows, subject);
    const raised = raiseStanding(pointsOf(before), points, at);
    const evidence = JSON.stringify([...evidenceOf(before), ...found].slice(-EVIDENCE_MAX));
    rows.put("standing", { ...before, ...raised, evidence, log_index: index });
  }
  const pair = rowOf(rows, { tenant, digest });
  rows.put("standing", { ...pair, strikes: JSON.stringify(strikesAfter(strikesOf(pair), event)), log_index: index });
}

// What led to a containment is not counted again: whoever releases the module gives it a new beginning.
function strikesAfter(before: Strikes, { at, strikes, contain }: AssessmentEvent): Strikes {
  if (contain !== null) return NO_STRIKES;
  const after = (kind: StrikeKind) =>
    strikes[kind] === 0 ? before[kind] : [...before[kind], [at, strikes[kind]] as const].slice(-STRIKES_MAX);
  return { faults: after("faults"), escapes: after("escapes"), badPointers: after("badPointers") };
}

/** The points of a subject as of its newest finding; undefined when there never was one. */
export function readStandingPoints(rows: Pick<Rows, "get">, subject: StandingSubject): StandingPoints | undefined {
  const row = rows.get("standing", subjectOf(subject));
  return row === undefined || row["at"] === null ? undefined : pointsOf(row);
}

/** The newest findings about a subject, the oldest first. */
export function readEvidence(rows: Pick<Rows, "get">, subject: StandingSubject): readonly Evidence[] {
  return evidenceOf(rows.get("standing", subjectOf(subject)));
}

/** What counts towards containing a module under a tenant. */
export function readStrikes(rows: Pick<Rows, "get">, tenant: string, digest: Digest): Strikes {
  return strikesOf(rows.get("standing", subjectOf({ tenant, digest })));
}

function rowOf(rows: Rows, subject: StandingSubject): Row {
  const key = subjectOf(subject);
  const { tenant = null, digest = null } = subject;
  const nothing = { points: 0, at: null, samples: "", strikes: "", evidence: "", log_index: null };
  return rows.get("standing", key) ?? { subject: key, tenant, digest, ...nothing };
}

function pointsOf(row: Row): StandingPoints {
  return { points: Number(row["points"]), at: textOf(row, "at") };
}

// Our own JSON, from our own signed entries.
function evidenceOf(row: Row | undefined): readonly Evidence[] {
  const text = textOf(row, "evidence");
  return text === "" ? [] : (JSON.parse(text) as readonly Evidence[]);
}

function strikesOf(row: Row | undefined): Strikes {
  const text = textOf(row, "strikes");
  return text === "" ? NO_STRIKES : (JSON.parse(text) as Strikes);
}

function textOf(row: Row | undefined, column: string): string {
  const value = row?.[column];
  return typeof value === "string" ? value : "";
}
