import { quote, type RunId } from "#core";
import { type Decision, type Facts, weighApprovals } from "#guardian";
import type { Event, IncidentEvent } from "#state";

/** Reasons that somebody has to look into, whatever else was decided: none of them comes about by itself. */
const INCIDENTS: ReadonlySet<string> = new Set([
  "guardian/approved-bytes-swapped",
  "guardian/bytes-not-submitted",
  "guardian/approval-forged",
  "guardian/approval-clock-moved",
]);

/** The incidents that a decision makes: attacks on what was approved, and every use of break-glass. */
export function incidentEvents(
  { run, facts }: { readonly run: RunId; readonly facts: Facts },
  decision: Decision,
): readonly (Event & IncidentEvent)[] {
  const base = { kind: "incident", at: facts.at, run, tenant: facts.tenant, digest: facts.module.digest ?? null } as const;
  const attacks = decision.reasons
    .filter(({ code }) => INCIDENTS.has(code))
    .map(({ code, message }) => ({ ...base, code, message }));
  if (decision.verdict !== "allow") return attacks;
  const { needed, breakGlass } = weighApprovals(facts);
  if (!needed || breakGlass === undefined) return attacks;
  const message = `it runs because ${quote(breakGlass.person ?? "somebody")} broke the glass: ${quote(breakGlass.statement?.comment ?? "")}`;
  return [...attacks, { ...base, code: "guardian/break-glass-used", message }];
}
