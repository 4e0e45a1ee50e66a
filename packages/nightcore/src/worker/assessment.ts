import type { Assessment, KeyId } from "#core";
import { ASSESSMENT_RULES, assessRun, BASE_ASSESSMENT, type Facts } from "#guardian";
import { type Event, type IntentEvent, type OutcomeEvent, readSamples, readStrikes, type Rows } from "#state";
import { type About, aboutModule } from "./recorder.ts";

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
    get samples() {
      return readSamples(rows, tenant);
    },
    strikes: readStrikes(rows, tenant, digest),
    policy: stated ?? BASE_ASSESSMENT,
  });
}

/**
 * What an assessment adds to its outcome's append: nothing where nothing was found; and a block of the bytes where it contains,
 * which whoever signed them does not release.
 */
export function assessmentEvents(
  outcome: OutcomeEvent,
  assessment: Assessment,
  signer: KeyId | undefined,
): readonly { readonly about: About; readonly event: Event }[] {
  const { run, tenant, at, digest } = outcome;
  const { findings, contain } = assessment;
  if (findings.length === 0) return [];
  const event: Event = { kind: "assessment", run, tenant, at, digest, rules: ASSESSMENT_RULES, ...assessment };
  const said = { about: aboutModule(tenant, digest), event };
  if (contain === null) return [said];
  const reason = `contained: ${contain.message}`;
  const targets = [{ kind: "digest", target: digest }] as const;
  const block: Event = { kind: "block", at, targets, reason, cause: "containment", causedBy: signer ?? null, run, order: null };
  return [said, { about: { name: "block", digest: null }, event: block }];
}
