import type { Digest } from "#core";
import { nameRules, type PolicyAnswer, type PolicyEngine } from "#guardian";
import type { Event } from "#state";

/** What is looked for: the answer of this engine, under the rules of now, to exactly this question. */
export type AnswerSought = { readonly question: Digest; readonly engine: Pick<PolicyEngine, "name"> };

/**
 * Takes the policies' answer out of what the entry at `index` says, whose signature was checked. Only an allow that Cedar itself
 * answered is taken: it has no reasons, so no policy had one against it. Anything else is no answer, and Cedar is asked.
 */
export function takeAnswer(
  events: readonly Event[],
  index: number,
  { question, engine }: AnswerSought,
): PolicyAnswer | undefined {
  const event = events.find((one) => one.kind === "decision" && one.question === question);
  if (event?.kind !== "decision" || event.verdict !== "allow" || event.answeredBy !== undefined) return undefined;
  if (event.engine !== nameRules(engine) || event.reasons.length > 0) return undefined;
  const { permits = [] } = event;
  return permits.length === 0 ? undefined : { permits, reasons: [], asked: { question, answeredBy: index } };
}
