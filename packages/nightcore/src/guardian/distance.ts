import { RISK_MAX } from "#core";
import { type Decision, decideAtScore, type PolicyEngine, type Verdict } from "./decision.ts";
import type { Facts } from "./facts.ts";

/** The nearest score with another verdict. */
export type Threshold = { readonly score: number; readonly verdict: Verdict };

/** How far a decision is from being another one, by its score alone; undefined where no score would change it. */
export type Distance = { readonly above: Threshold | undefined; readonly below: Threshold | undefined };

/** Decides at every other score, everything else as it is, and finds the nearest ones that come out differently. */
export function measureDistance(
  facts: Facts,
  { risk, verdict }: Pick<Decision, "risk" | "verdict">,
  engine?: PolicyEngine,
): Distance {
  const at = (score: number): Threshold | undefined => {
    const other = decideAtScore(facts, score, engine).verdict;
    return other === verdict ? undefined : { score, verdict: other };
  };
  let above: Threshold | undefined;
  let below: Threshold | undefined;
  for (let score = risk.score + 1; score <= RISK_MAX && above === undefined; score++) above = at(score);
  for (let score = risk.score - 1; score >= 0 && below === undefined; score--) below = at(score);
  return { above, below };
}
