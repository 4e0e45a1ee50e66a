import type { Assessment } from "#core";
import { ASSESSMENT_RULES, assessRun, BASE_ASSESSMENT, type Facts } from "#guardian";
import { type Event, type IntentEvent, type OutcomeEvent, readSamples, readStrikes, type Rows } from "#state";

/** What the log says of one run that an assessment looks at: the policy of its decision, its grant, its end. */
export type AssessedRun = {
  readonly facts: Pick<Facts, "policy">;
  readonly intent: Pick<IntentEvent, "budgets">;
  readonly outcome: OutcomeEvent;
};

/**
 * Assesses a run beside the history that the rows hold. The same for a run that has just ended and for one of the log, with
 * the rows that folding its `assessed.entries` entries gives.
 */
export function assessOutcome({ facts, intent, outcome }: AssessedRun, rows: Pick<Rows, "get">): Assessment {
  const { tenant, digest } = outcome;
  const stated = facts.policy.state === "read" ? facts.policy.policy.assessment : undefined;
  return assessRun({
    outcome,
    budgets: intent.budgets,
    samples: readSamples(rows, tenant),
    strikes: readStrikes(rows, tenant, digest),
    policy: stated ?? BASE_ASSESSMENT,
  });
}

/** What an assessment adds to its outcome's append: nothing where nothing was found, and a block of the bytes where it contains. */
export function assessmentEvents({ run, tenant, at, digest }: OutcomeEvent, assessment: Assessment): readonly Event[] {
  if (assessment.findings.length === 0) return [];
  const said: Event = { kind: "assessment", run, tenant, at, digest, rules: ASSESSMENT_RULES, ...assessment };
  if (assessment.contain === null) return [said];
  return [said, { kind: "quarantine", at, digest, reason: `contained: ${assessment.contain.message}` }];
}
