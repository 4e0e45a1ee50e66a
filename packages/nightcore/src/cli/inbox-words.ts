import { type Digest, encodeTime, escapeControls } from "#core";
import { approvalPolicyOf, approvalsOf, type Facts, type Weighing } from "#guardian";
import type { Timeline } from "#worker";
import { isSamePerson, personOf, shortKey, type TrustStore } from "#trust";

/** How a tenant of the inbox stands, in one word. */
export type InboxState = "approved" | "break-glass" | "waiting" | "rejected" | "refused";

/** The state that a weighing amounts to. */
export function stateOf(weighing: Weighing): InboxState {
  if (weighing.breakGlass !== undefined) return "break-glass";
  if (weighing.satisfied) return "approved";
  const codes = weighing.reasons.map(({ code }) => code);
  if (codes.includes("guardian/approval-rejected")) return "rejected";
  return codes.every((code) => code === "guardian/approval-missing") ? "waiting" : "refused";
}

/** Somebody whose key stands in a role that is asked for, and why that person still cannot approve these bytes. */
export type Candidate = {
  readonly person: string;
  readonly key: string;
  readonly roles: readonly string[];
  readonly excluded: string | undefined;
  readonly approved: boolean;
};

/** Who could approve a tenant's module now, by the trust store of now. */
export function findCandidates(facts: Facts, weighing: Weighing, store: TrustStore): readonly Candidate[] {
  const nowMs = Date.parse(facts.at);
  const { submitters, signerPerson } = approvalsOf(facts);
  const asked = approvalPolicyOf(facts).require.map(({ role }) => role);
  const counted = weighing.approvals.filter(({ counts }) => counts).map(({ approval }) => approval.person ?? "");
  return store.keys.flatMap((key) => {
    const roles = asked.filter((role) => store.gapOf(key.keyId, role, { tenant: facts.tenant, nowMs }) === undefined);
    if (roles.length === 0) return [];
    const person = personOf(key);
    const submitted = submitters.some((one) => isSamePerson(one, person));
    const signed = signerPerson !== undefined && isSamePerson(signerPerson, person);
    const excluded = submitted ? "submitted it" : signed ? "signed it" : undefined;
    const approved = counted.some((one) => isSamePerson(one, person));
    return [{ person, key: shortKey(key.keyId), roles, excluded, approved }];
  });
}

const CANDIDATES_MAX = 64; // LIMIT: names that an entry carries

/** The persons among them who could, once each. */
export function nameCandidates(candidates: readonly Candidate[]): readonly string[] {
  const able = candidates.filter(({ excluded }) => excluded === undefined).map(({ person }) => person);
  return [...new Set(able)].slice(0, CANDIDATES_MAX);
}

/** What is still needed, in words; empty when nothing is. */
export function nameMissing({ require }: Weighing): string {
  const open = require.filter(({ filled, count }) => filled < count);
  return open.map(({ role, filled, count }) => `${count - filled} as ${role}`).join(" and ");
}

/** A row's text made safe for a terminal. */
export function shown(value: string | number | null | undefined): string {
  return escapeControls(String(value ?? ""));
}

/** The first letters of a digest. */
export function brief(digest: Digest | string | undefined | null): string {
  return digest === undefined || digest === null ? "none" : digest.slice(0, 16);
}

/** The moment of now: by the log where it is written, else by the machine's clock. */
export function nowText(session?: { readonly timeline: Timeline }): string {
  return encodeTime(session?.timeline.now() ?? Date.now());
}
