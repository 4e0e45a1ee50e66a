import { type Crypto, type Digest, type Json, parseTime, quote, type Result, utf8 } from "#core";
import {
  type ApprovalFault,
  explainApprovalFault,
  fillRequirements,
  parsePolicyAct,
  type PolicyActName,
  type PolicyActStatement,
  type Requirement,
} from "#guardian";
import type { PolicyVersionRow } from "#state";
import { EVERY_TENANT, isSamePerson, type TrustStore } from "#trust";
import { openSigned, type SignedStatement } from "./signed-statement.ts";

/** What consent to a version is weighed with: the keys of now, the rules of now. */
export type ConsentPowers = {
  readonly store: TrustStore;
  readonly crypto: Crypto;
  readonly nowMs: number;
  /** The name of this log. */
  readonly log: string;
  /** So many different persons in each of these roles, by the version in force. */
  readonly require: readonly Requirement[];
  /** Why the policies in force do not let this person approve; undefined when they do. */
  readonly refuse: (person: string, roles: readonly string[]) => string | undefined;
};

/** One act on the scales: who said it, and why it does not count, if it does not. */
export type WeighedAct = { readonly person: string; readonly act: PolicyActName; readonly problem: string | undefined };

/** What the acts about a version amount to. */
export type Consent = {
  readonly acts: readonly WeighedAct[];
  readonly approvers: readonly string[];
  /** Why it cannot be put in force yet, in words; empty when it can. */
  readonly missing: readonly string[];
};

/** A signed act as the log has it, opened with the keys of now. */
function openPolicyAct(
  envelope: Json,
  powers: Pick<ConsentPowers, "store" | "crypto">,
): Result<SignedStatement<PolicyActStatement>, ApprovalFault> {
  return openSigned(utf8(JSON.stringify(envelope)), parsePolicyAct, powers);
}

/**
 * Weighs everything that persons signed about a version: each act is verified again, its key must stand in a role for every
 * tenant now, the policies in force must let its holder approve, and one person counts once. Whoever proposed does not approve.
 */
export function weighConsent(version: PolicyVersionRow, powers: ConsentPowers): Consent {
  const proposer = version.proposedBy?.person;
  const seen: string[] = [];
  const rolesOfSeen: (readonly string[])[] = [];
  const rejecting: string[] = [];
  const acts = version.acts.map((recorded): WeighedAct => {
    const opened = openPolicyAct(recorded.by?.envelope ?? null, powers);
    const person = opened.ok ? opened.value.person : (recorded.by?.person ?? "nobody");
    const act = recorded.change === "approved" ? "approval" : "rejection";
    if (!opened.ok) return { person, act, problem: explainApprovalFault(opened.fault).message };
    const { statement } = opened.value;
    const roles = rolesOf(statement, powers);
    const problem =
      gapOfStatement(statement, { act, version: version.version, number: version.number, log: powers.log }) ??
      (roles.length === 0 ? `the key of ${quote(person)} has no role for all tenants now` : powers.refuse(person, roles));
    if (problem !== undefined) return { person, act, problem };
    if (act === "rejection") {
      rejecting.push(person);
      return { person, act, problem };
    }
    if (proposer !== undefined && isSamePerson(person, proposer))
      return { person, act, problem: "whoever proposed it does not approve it" };
    if (seen.some((one) => isSamePerson(one, person)))
      return { person, act, problem: `${quote(person)} has approved it already` };
    seen.push(person);
    rolesOfSeen.push(roles);
    return { person, act, problem };
  });
  const rejections = rejecting.map((person) => `${quote(person)} rejected it`);
  return { acts, approvers: seen, missing: [...rejections, ...missingOf(rolesOfSeen, powers.require)] };
}

function gapOfStatement(
  statement: PolicyActStatement,
  about: { readonly act: PolicyActName; readonly version: Digest; readonly number: number; readonly log: string },
): string | undefined {
  if (statement.log !== about.log) return `it was signed for the log ${quote(statement.log)}`;
  if (statement.version !== about.version || statement.number !== about.number)
    return `it was signed for version ${statement.number}, ${statement.version.slice(0, 16)}`;
  return statement.act === about.act ? undefined : `what was signed is a ${statement.act}`;
}

/** The roles in which a key may speak for the whole workspace now, signing modules aside. */
function rolesOf({ keyId, at }: PolicyActStatement, { store, nowMs }: ConsentPowers): readonly string[] {
  // What was signed before the key was trusted in the role, or after, does not count.
  const then = store.rolesOf(keyId, { tenant: EVERY_TENANT, nowMs: parseTime(at) ?? 0 });
  const now = store.rolesOf(keyId, { tenant: EVERY_TENANT, nowMs });
  return now.filter((role) => role !== "signer" && then.includes(role));
}

function missingOf(persons: readonly (readonly string[])[], require: readonly Requirement[]): readonly string[] {
  return fillRequirements(persons, require).flatMap(({ role, count, filled }) => {
    const open = count - filled;
    if (open === 0) return [];
    return [`${open} more ${open === 1 ? "person" : "persons"} in the role ${quote(role)} must approve it`];
  });
}
