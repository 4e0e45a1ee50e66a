import { quote, type RunId } from "#core";
import { type Decision, type Facts, weighApprovals } from "#guardian";
import type { DecisionEvent, Event, IncidentEvent } from "#state";

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
  const glass = findBreaker(facts, decision);
  if (glass === undefined) return attacks;
  const message = `it runs because ${quote(glass.person)} broke the glass: ${quote(glass.comment)}`;
  return [...attacks, { ...base, code: "guardian/break-glass-used", message }];
}

/** Whose approvals stand behind a run that is allowed; undefined where there are none that were enough. */
export function consentOf(facts: Facts, { verdict }: Decision): DecisionEvent["consent"] {
  if (verdict !== "allow") return undefined;
  const { satisfied, breakGlass, approvals } = weighApprovals(facts);
  if (!satisfied) return undefined;
  const given = approvals.filter(({ counts }) => counts).map(({ approval }) => approval);
  const counted = breakGlass === undefined ? given.filter(({ statement }) => statement?.act === "approval") : [breakGlass];
  return { persons: counted.map(({ person }) => person ?? ""), breakGlass: breakGlass !== undefined };
}

/** Who broke the glass for a run that is allowed, with no other consent that would be enough, and what for. */
export function findBreaker(
  facts: Facts,
  { verdict }: Decision,
): { readonly person: string; readonly comment: string } | undefined {
  if (verdict !== "allow") return undefined;
  const { breakGlass } = weighApprovals(facts);
  if (breakGlass === undefined) return undefined;
  return { person: breakGlass.person ?? "somebody", comment: breakGlass.statement?.comment ?? "" };
}
