import {
  type Assessment,
  type AssessmentFinding,
  type Budgets,
  type Digest,
  type Measure,
  type Measured,
  MEASURES,
  NO_REFUSALS,
  type Refusals,
  type Sample,
  sampleModule,
  type Strikes,
  type Usage,
  type Usual,
} from "#core";
import type { AssessmentPolicy } from "./assessment-policy.ts";
import { decideContainment } from "./containment.ts";
import { deviationsAbove, secondLargest, spreadOf } from "./robust-statistics.ts";

/** The version of these rules. A run is assessed by the rules of its time, and can be again. */
export const ASSESSMENT_RULES = "1";

/** How a run ended, as its outcome in the log says. */
export type EndedRun = {
  readonly at: string;
  readonly digest: Digest;
  readonly usage: Usage | null;
  readonly fault: { readonly code: string } | null;
  readonly refusals?: Refusals;
};

/** Everything that an assessment looks at; all of it is in the log. */
export type AssessmentBasis = {
  readonly outcome: EndedRun;
  /** What the run was granted. */
  readonly budgets: Budgets;
  /** What earlier runs of this tenant used, the oldest first. Asked for only where the run used much of something. */
  readonly samples: readonly Sample[];
  /** What was seen before of this module under this tenant. */
  readonly strikes: Strikes;
  readonly policy: AssessmentPolicy;
};

/**
 * Compares what a run did with what it was granted and with what its tenant's runs did before. A pure function of what is
 * recorded. It finds reasons against and nothing else: it adds points, it contains, and it never allows.
 * docs/formats/assessment.md has the rules.
 */
export function assessRun(basis: AssessmentBasis): Assessment {
  const { outcome, strikes: before, policy } = basis;
  const refusals = outcome.refusals ?? NO_REFUSALS;
  const fault = outcome.fault === null ? undefined : FAULTS.get(outcome.fault.code);
  const faults = fault === undefined || fault.code === DECOY.code ? 0 : 1;
  const strikes = { faults, escapes: refusals.escapes, badPointers: refusals.badPointers };
  const findings = [...countedFindings(basis, refusals), ...findUnusual(basis, refusals)];
  const points = findings.reduce((sum, finding) => sum + finding.points, 0);
  return { findings, points, strikes, contain: decideContainment({ at: outcome.at, strikes, before, policy: policy.contain }) };
}

type Found = { readonly code: string; readonly points: number; readonly words: string; readonly measure?: keyof Budgets };

const BUDGET = { code: "guardian/budget-reached", points: 5 } as const;
const CRASH = { code: "guardian/guest-fault", points: 2 } as const;
const DECOY = { code: "guardian/decoy-touched", points: 40 } as const;
const BROKEN = { code: "guardian/sandbox-broken", points: 20 } as const;

// Faults that the guest's own code leads to. What the host could not do, and what a person cancelled, is not among them.
const FAULTS: ReadonlyMap<string, Found> = new Map([
  ["engine/fuel-exhausted", { ...BUDGET, words: "it used up the fuel that it was granted", measure: "fuel" }],
  ["engine/deadline", { ...BUDGET, words: "it did not end in the time that it was granted", measure: "wallMs" }],
  ["engine/memory-exceeded", { ...BUDGET, words: "it needs more memory than it was granted", measure: "memoryBytes" }],
  ["engine/output-exceeded", { ...BUDGET, words: "it wrote more than it was granted", measure: "outputBytes" }],
  ["engine/trap", { ...CRASH, words: "it trapped" }],
  ["engine/stack-overflow", { ...CRASH, words: "it recursed too deeply" }],
  // No strike: its bytes are blocked for that alone.
  ["engine/canary", { ...DECOY, words: "it touched a decoy" }],
  ["engine/sandbox-died", { ...BROKEN, words: "its sandbox process died" }],
  ["engine/sandbox-out-of-memory", { ...BROKEN, words: "its sandbox process was killed for the memory that it wanted" }],
  ["engine/protocol", { ...BROKEN, words: "its sandbox process told what cannot be" }],
]);

const ESCAPE_POINTS = 10;
const POINTER_POINTS = 10;

/** What needs no history: a fault of the guest, a way out that it tried, a pointer to where it has no memory. */
function countedFindings({ outcome, budgets }: AssessmentBasis, refusals: Refusals): readonly AssessmentFinding[] {
  const findings: AssessmentFinding[] = [];
  const fault = outcome.fault === null ? undefined : FAULTS.get(outcome.fault.code);
  if (fault !== undefined) {
    const { code, points, words, measure } = fault;
    const granted = measure === undefined ? null : budgets[measure];
    const observed = measure === undefined ? 1 : (outcome.usage?.[measure] ?? 0);
    const message = granted === null ? words : `${words}: ${group(granted)} ${UNITS[measure ?? "fuel"]}`;
    findings.push({ code, message, measure: measure ?? null, observed, usual: null, granted, points });
  }
  const counted = { measure: null, usual: null, granted: 0 };
  const { escapes, badPointers } = refusals;
  if (escapes > 0) {
    const message = `it tried ${group(escapes)} ${escapes === 1 ? "way" : "ways"} out of the folders that it was given`;
    findings.push({ code: "guardian/escape-tried", message, observed: escapes, points: ESCAPE_POINTS, ...counted });
  }
  if (badPointers > 0) {
    const message = `it handed over ${group(badPointers)} ${badPointers === 1 ? "pointer" : "pointers"} outside of its memory`;
    findings.push({ code: "guardian/bad-pointer", message, observed: badPointers, points: POINTER_POINTS, ...counted });
  }
  return findings;
}

/** Of a measure: its code, its points, its unit, and how much above the middle is too little to look at, on any machine. */
type Rule = { readonly code: string; readonly points: number; readonly floor: number };

const MIB = 1024 * 1024;
const RULES: Readonly<Record<Measure, Rule>> = {
  fuel: { code: "guardian/unusual-fuel", points: 10, floor: 1_000_000 }, // LIMIT: some milliseconds
  memoryBytes: { code: "guardian/unusual-memory", points: 10, floor: 16 * MIB }, // LIMIT: what a language's runtime grows by at once
  wallMs: { code: "guardian/unusual-time", points: 5, floor: 5_000 }, // LIMIT: a busy machine delays a run by seconds
  outputBytes: { code: "guardian/unusual-output", points: 5, floor: 65_536 }, // LIMIT: a stack trace, or a list
  hostCalls: { code: "guardian/unusual-host-calls", points: 10, floor: 10_000 }, // LIMIT: reading one file by bytes
  deniedCalls: { code: "guardian/unusual-denied-calls", points: 10, floor: 16 }, // LIMIT: looking for a configuration in the usual places
};

const UNITS: Readonly<Record<Measure, string>> = {
  fuel: "units of fuel",
  memoryBytes: "bytes of memory",
  wallMs: "milliseconds",
  outputBytes: "bytes of output",
  hostCalls: "host calls",
  deniedCalls: "denied calls",
};

const AGAIN = 2; // LIMIT: below twice what two earlier runs reached, it is nothing new

function findUnusual(basis: AssessmentBasis, refusals: Refusals): readonly AssessmentFinding[] {
  const { outcome, budgets, policy } = basis;
  if (outcome.usage === null) return [];
  const observed: Measured = { ...outcome.usage, deniedCalls: refusals.deniedCalls };
  const large = MEASURES.filter((measure) => Math.round(observed[measure]) >= RULES[measure].floor);
  if (large.length === 0) return [];
  const { samples } = basis;
  const module = sampleModule(outcome.digest);
  const own = samples.filter((sample) => sample.module === module);
  // A module is compared with itself as soon as there is enough of it; before, with what else its tenant ran.
  const compared = own.length >= policy.runsMin ? own : samples;
  if (compared.length < policy.runsMin) return [];
  const limits: Partial<Record<Measure, number>> = budgets;
  return large.flatMap((measure) => {
    const figures = compared.map((sample) => sample[measure]);
    const figure = Math.round(observed[measure]);
    const { code, points, floor } = RULES[measure];
    // The cheap question first: for nearly every run, it ends it.
    if (figure <= AGAIN * secondLargest(figures)) return [];
    const spread = spreadOf(figures);
    if (figure - spread.median < floor || figure < policy.times * spread.median) return [];
    if (deviationsAbove(figure, spread) < policy.deviations) return [];
    const usual: Usual = { of: compared === own ? "module" : "tenant", runs: compared.length, ...spread };
    const granted = limits[measure] ?? null;
    const message = sayUnusual({ measure, figure, usual, granted, policy });
    return [{ code, message, measure, observed: figure, usual, granted, points }];
  });
}

type Unusual = {
  readonly measure: Measure;
  readonly figure: number;
  readonly usual: Usual;
  readonly granted: number | null;
  readonly policy: AssessmentPolicy;
};

function sayUnusual({ measure, figure, usual, granted, policy }: Unusual): string {
  const { of, runs, median, deviation } = usual;
  const whose = of === "module" ? "this tenant with this module" : "this tenant";
  const times = median === 0 ? "" : `, ${round(figure / median)} times that`;
  const above = deviationsAbove(figure, usual);
  const apart = above === Infinity ? "half of these or more are exactly that" : `${round(above)} deviations above it`;
  const share = granted === null ? "" : `; ${round((100 * figure) / granted)} % of what was granted`;
  return (
    `${group(figure)} ${UNITS[measure]}: the middle of the last ${runs} runs of ${whose} is ${group(median)} (deviation ${group(deviation)})${times}, ` +
    `${apart}; unusual from ${policy.times} times and ${policy.deviations} deviations on${share}`
  );
}

function round(figure: number): string {
  return figure >= 10 ? group(Math.round(figure)) : String(Math.round(figure * 10) / 10);
}

function group(figure: number): string {
  return String(Math.round(figure)).replace(/\B(?=(\d{3})+$)/g, " ");
}
