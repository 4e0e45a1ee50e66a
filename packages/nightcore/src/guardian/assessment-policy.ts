import { STRIKES_MAX } from "#core";
import type { MemberReader } from "#trust";

/** From when on a run is unusual, and from when on its module is contained. */
export type AssessmentPolicy = {
  /** With fewer runs to compare with, nothing is compared. */
  readonly runsMin: number;
  /** Unusual is only what is at least so many times the middle of earlier runs, */
  readonly times: number;
  /** and at least so many standard deviations above it. */
  readonly deviations: number;
  readonly contain: ContainmentPolicy;
};

/** How much of what is too much for one module under one tenant. A threshold of 0 contains nothing. */
export type ContainmentPolicy = {
  readonly withinHours: number;
  /** Runs in a row that a fault of the guest ended. */
  readonly faults: number;
  /** Calls, of one run or of many. */
  readonly escapes: number;
  readonly badPointers: number;
  /** Approvals of what is contained end with it. */
  readonly revokeApprovals: boolean;
};

/** What holds where a policy says nothing. */
export const BASE_ASSESSMENT: AssessmentPolicy = {
  runsMin: 20,
  times: 8,
  deviations: 8,
  contain: { withinHours: 24, faults: 10, escapes: 10, badPointers: 10, revokeApprovals: true },
};

const RUNS_MAX = 50; // LIMIT: so many runs are remembered; more would mean never
const TIMES_MAX = 1_000_000; // LIMIT: beyond it there is nothing to be unusual
const HOURS_MAX = 24 * 365; // LIMIT: a year

/** Reads the member `assessment` of a policy file; what it does not state comes from `base`. */
export function readAssessmentPolicy(members: MemberReader, base: AssessmentPolicy): AssessmentPolicy {
  const stated = members.object("assessment");
  const contain = stated.object("contain");
  const read: AssessmentPolicy = {
    runsMin: atLeast(stated, { path: "assessment.runs_min", min: 2, max: RUNS_MAX }) ?? base.runsMin,
    times: atLeast(stated, { path: "assessment.times", min: 1, max: TIMES_MAX }) ?? base.times,
    deviations: stated.count("deviations", TIMES_MAX) ?? base.deviations,
    contain: {
      withinHours:
        atLeast(contain, { path: "assessment.contain.within_hours", min: 1, max: HOURS_MAX }) ?? base.contain.withinHours,
      faults: contain.count("faults", STRIKES_MAX) ?? base.contain.faults,
      escapes: contain.count("escapes", STRIKES_MAX) ?? base.contain.escapes,
      badPointers: contain.count("bad_pointers", STRIKES_MAX) ?? base.contain.badPointers,
      revokeApprovals: contain.flag("revoke_approvals") ?? base.contain.revokeApprovals,
    },
  };
  stated.adopt(contain);
  members.adopt(stated);
  return read;
}

type Bounded = { readonly path: string; readonly min: number; readonly max: number };

function atLeast(members: MemberReader, { path, min, max }: Bounded): number | undefined {
  const value = members.count(path.slice(path.lastIndexOf(".") + 1), max);
  return value === undefined || value >= min ? value : members.refuse(`\`${path}\` is less than ${min}`);
}
