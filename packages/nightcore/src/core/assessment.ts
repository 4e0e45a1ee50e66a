import type { Measure, StrikeKind } from "./sample.ts";

/** What a figure of a run was compared with: the middle of earlier runs, and how far these lie from it in the middle. */
export type Usual = {
  /** Runs of the same module, or of whatever the tenant ran. */
  readonly of: "module" | "tenant";
  readonly runs: number;
  readonly median: number;
  readonly deviation: number;
};

/** What is unusual about a run, in figures and in words. */
export type AssessmentFinding = {
  readonly code: string;
  readonly message: string;
  /** Null for what is counted and not compared. */
  readonly measure: Measure | null;
  readonly observed: number;
  readonly usual: Usual | null;
  /** What the run might have used at the most; null where nothing limits it. */
  readonly granted: number | null;
  /** Added to the standing of the module and of its tenant. */
  readonly points: number;
};

/** Why a module is contained: its bytes are blocked from here on. */
export type Containment = {
  /** The threshold of the policy that was reached. */
  readonly trigger: StrikeKind;
  readonly seen: number;
  readonly threshold: number;
  readonly withinHours: number;
  /** Whether approvals of these bytes for this tenant end as well. */
  readonly revokeApprovals: boolean;
  /** All of it in one line. */
  readonly message: string;
};

/** What a run was found to be: nothing but reasons against, of which there may be none. */
export type Assessment = {
  readonly findings: readonly AssessmentFinding[];
  /** Of all findings together. */
  readonly points: number;
  /** What counts towards containment. */
  readonly strikes: Readonly<Record<StrikeKind, number>>;
  readonly contain: Containment | null;
};
