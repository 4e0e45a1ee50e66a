import { BUDGET_NAMES, parseTime, quote } from "#core";
import { isSamePerson } from "#trust";
import type { ApprovalStatement } from "./approval.ts";
import { type ApprovalFacts, approvalsOf, policyVersionOf, type RecordedApproval, signerKeyOf } from "./approval-facts.ts";
import { type ApprovalPolicy, BASE_APPROVALS } from "./approval-policy.ts";
import { askedRun, type GrantedRun } from "./asked-run.ts";
import type { Reason } from "./decision.ts";
import type { Facts, Finding } from "./facts.ts";
import { fillRequirements, type Requirement } from "./requirement.ts";

const DAY_MS = 86_400_000;
/** LIMIT: clocks of an approver's machine and of the host differ by this much without anybody being wrong. */
export const CLOCK_TOLERANCE_MS: number = 5 * 60_000;

/** One approval on the scales: whether it holds now, and if not, why. */
export type WeighedApproval = {
  readonly approval: RecordedApproval;
  /** It counts towards the requirement, or it is a break-glass in force. */
  readonly counts: boolean;
  readonly finding: Finding | undefined;
};

/** What the recorded approvals amount to, against what the policy requires. */
export type Weighing = {
  readonly needed: boolean;
  readonly satisfied: boolean;
  readonly require: readonly (Requirement & { readonly filled: number })[];
  readonly approvals: readonly WeighedApproval[];
  /** The break-glass that lets it run, if that is why it may. */
  readonly breakGlass: RecordedApproval | undefined;
  readonly reasons: readonly Reason[];
};

/** The approval policy of facts; policies in records from before there was one have none. */
export function approvalPolicyOf({ policy }: Facts): ApprovalPolicy {
  return (policy.state === "read" ? policy.policy.approvals : undefined) ?? BASE_APPROVALS;
}

/**
 * Weighs what was approved against what would run: the present bytes, at this entry, with these capabilities and budgets,
 * under this version of the policy, at this moment. Whatever does not fit says why, in its own code.
 */
export function weighApprovals(facts: Facts): Weighing {
  const asked = askedRun(facts);
  const approvals = approvalsOf(facts);
  const policy = approvalPolicyOf(facts);
  const needed = facts.source === "agent" || facts.source === "import";
  const singly = approvals.given.map((approval) => ({ approval, finding: findGap(approval, { facts, asked, policy }) }));
  const weighed = markRepeated(singly);
  const require = fillPlaces(weighed, policy.require);
  const approved = require.every(({ filled, count }) => filled >= count);
  const glass = weighed.find(({ approval, finding }) => finding === undefined && actOf(approval) === "break-glass");
  // An emergency that nobody looked at afterwards is the last one until somebody does.
  const overdue = glass === undefined || approved ? [] : reasonsOverdue(facts, approvals);
  const breakGlass = approved || overdue.length > 0 ? undefined : glass?.approval;
  const satisfied = approved || breakGlass !== undefined;
  const missing = !needed || satisfied ? [] : reasonsMissing(facts, approvals, { weighed, require });
  return { needed, satisfied, require, approvals: weighed, breakGlass, reasons: needed ? [...overdue, ...missing] : [] };
}

/** Whether people have approved exactly what is asked for. */
export function isApproved(facts: Facts): boolean {
  return weighApprovals(facts).satisfied;
}

type Question = { readonly facts: Facts; readonly asked: GrantedRun; readonly policy: ApprovalPolicy };
type Gap = (approval: RecordedApproval, statement: ApprovalStatement, question: Question) => Finding | undefined;

/** The first thing that keeps an approval from holding. */
function findGap(approval: RecordedApproval, question: Question): Finding | undefined {
  const { statement, finding } = approval;
  if (finding !== undefined) return finding;
  if (statement === undefined) return { code: "guardian/approval-malformed", message: "an approval cannot be read" };
  for (const gapOf of GAPS) {
    const gap = gapOf(approval, statement, question);
    if (gap !== undefined) return gap;
  }
  return undefined;
}

const GAPS: readonly Gap[] = [gapOfBinding, gapOfEnd, gapOfPerson, gapOfRole, gapOfTime, gapOfTerms];

function gapOfBinding(approval: RecordedApproval, statement: ApprovalStatement, { facts }: Question): Finding | undefined {
  const by = nameApproval(approval);
  if (statement.log !== approvalsOf(facts).log)
    return { code: "guardian/approval-other-log", message: `${by} was given for the log ${quote(statement.log)}` };
  if (statement.tenant !== facts.tenant)
    return { code: "guardian/approval-other-tenant", message: `${by} was given for tenant ${quote(statement.tenant)}` };
  if (statement.digest !== facts.module.digest)
    return { code: "guardian/approval-other-digest", message: `${by} was given for the bytes ${statement.digest.slice(0, 16)}` };
  return undefined;
}

function gapOfEnd(approval: RecordedApproval, _: ApprovalStatement, { facts }: Question): Finding | undefined {
  const by = nameApproval(approval);
  const { revoked, index } = approval;
  if (revoked !== undefined)
    return { code: "guardian/approval-revoked", message: `${by} was revoked at ${revoked.at}: ${quote(revoked.reason)}` };
  const { rejected } = approvalsOf(facts);
  if (rejected === undefined || rejected.index < index) return undefined;
  const message = `${quote(rejected.by)} rejected these bytes at ${rejected.at}, after ${by}: ${quote(rejected.reason)}`;
  return { code: "guardian/approval-rejected", message };
}

function gapOfPerson(approval: RecordedApproval, statement: ApprovalStatement, { facts }: Question): Finding | undefined {
  const { submitters, signerPerson } = approvalsOf(facts);
  const person = approval.person ?? "";
  if (submitters.some((submitter) => isSamePerson(submitter, person)))
    return { code: "guardian/approval-by-submitter", message: `${quote(person)} submitted this module and cannot approve it` };
  const signed = statement.keyId === signerKeyOf(facts) || (signerPerson !== undefined && isSamePerson(signerPerson, person));
  if (signed)
    return { code: "guardian/approval-by-signer", message: `${quote(person)} signed this module and cannot approve it` };
  return undefined;
}

/** Roles in which this kind of approval can count. */
function rolesFor(statement: ApprovalStatement, policy: ApprovalPolicy): readonly string[] {
  return statement.act === "break-glass" ? policy.breakGlass.roles : policy.require.map(({ role }) => role);
}

function gapOfRole(approval: RecordedApproval, statement: ApprovalStatement, { policy }: Question): Finding | undefined {
  const roles = rolesFor(statement, policy);
  const standings = approval.standings.filter(({ role }) => roles.includes(role));
  if (standings.some(({ finding }) => finding === undefined)) return undefined;
  const why = standings[0]?.finding?.message ?? "nobody may";
  const message = `${nameApproval(approval)} does not count in role ${roles.join(" or ") || "break-glass"}: ${why}`;
  return { code: "guardian/approval-role-ended", message };
}

function gapOfTime(approval: RecordedApproval, statement: ApprovalStatement, { facts, policy }: Question): Finding | undefined {
  const by = nameApproval(approval);
  const now = parseTime(facts.at) ?? Number.NaN;
  const given = parseTime(statement.givenAt) ?? Number.NaN;
  const expires = parseTime(statement.expires) ?? Number.NaN;
  const later = approval.seenLater ?? (given - now <= CLOCK_TOLERANCE_MS ? undefined : statement.givenAt);
  if (later !== undefined) {
    const message = `the clock went back: it is ${facts.at}, and ${by} is from a log that has seen ${later}`;
    return { code: "guardian/approval-clock-moved", message, hint: "set the clock right, or approve again" };
  }
  // Written so that a time that is none ends the approval.
  if (!(now < expires)) return { code: "guardian/approval-expired", message: `${by} expired at ${statement.expires}` };
  const longest = statement.act === "break-glass" ? policy.breakGlass.minutesMax * 60_000 : policy.expiresDaysMax * DAY_MS;
  if (expires - given <= longest) return undefined;
  return { code: "guardian/approval-too-long", message: `${by} holds longer than the policy lets approvals hold` };
}

function gapOfTerms(approval: RecordedApproval, statement: ApprovalStatement, { facts, asked }: Question): Finding | undefined {
  const by = nameApproval(approval);
  if (statement.entry !== asked.entry) {
    const message = `${by} is for the entry ${quote(statement.entry)}, not for ${quote(asked.entry)}`;
    return { code: "guardian/approval-other-entry", message };
  }
  const beyond = asked.capabilities.filter((capability) => !statement.capabilities.includes(capability));
  if (beyond.length > 0) {
    const message = `${by} does not cover ${beyond.map((capability) => quote(capability)).join(", ")}`;
    return { code: "guardian/approval-capability-new", message, hint: "a new capability always needs a new approval" };
  }
  const over = BUDGET_NAMES.filter((name) => asked.budgets[name] > statement.budgets[name]);
  if (over.length > 0) {
    const said = over.map((name) => `${name} ${asked.budgets[name]} over ${statement.budgets[name]}`).join(", ");
    return { code: "guardian/approval-budget-raised", message: `${by} covers less: ${said}` };
  }
  if (statement.policy === policyVersionOf(facts)) return undefined;
  return { code: "guardian/approval-other-policy", message: `${by} was given under another version of the policy` };
}

function actOf({ statement }: RecordedApproval): ApprovalStatement["act"] {
  return statement?.act ?? "approval";
}

type Single = { readonly approval: RecordedApproval; readonly finding: Finding | undefined };

/** One person counts once, with the key that was used first and its newest approval; a second key of the same person is said to be that. */
function markRepeated(singly: readonly Single[]): readonly WeighedApproval[] {
  const holds = singly.filter(({ approval, finding }) => finding === undefined && actOf(approval) === "approval");
  const firstOf = (person: string | undefined) =>
    holds.findLast(({ approval }) => isSamePerson(approval.person ?? "", person ?? ""))?.approval.statement?.keyId;
  const seen = new Set<string>();
  return singly.map(({ approval, finding }) => {
    if (finding !== undefined || actOf(approval) === "break-glass") return { approval, counts: finding === undefined, finding };
    const keyId = approval.statement?.keyId ?? "";
    if (firstOf(approval.person) !== keyId) {
      const message = `${nameApproval(approval)} is by a person who has approved with another key; one person counts once`;
      return { approval, counts: false, finding: { code: "guardian/approval-same-person", message } };
    }
    const newest = !seen.has(keyId);
    seen.add(keyId);
    return { approval, counts: newest, finding };
  });
}

/** Puts as many persons as possible into the places that the roles ask for, each into one (a matching by augmenting paths). */
function fillPlaces(weighed: readonly WeighedApproval[], require: readonly Requirement[]) {
  const persons = weighed
    .filter(({ counts, approval }) => counts && actOf(approval) === "approval")
    .map(({ approval }) => approval.standings.filter(({ finding }) => finding === undefined).map(({ role }) => role));
  return fillRequirements(persons, require);
}

function reasonsOverdue({ at }: Facts, { openReviews }: ApprovalFacts): readonly Reason[] {
  return openReviews
    .filter(({ due }) => at >= due)
    .map(({ id, person, due }) => ({
      verdict: "deny",
      code: "guardian/break-glass-unreviewed",
      message: `${quote(person)} broke the glass for this tenant, and nobody reviewed it by ${due}`,
      hint: `another person reviews it: \`nightcore inbox review ${id.slice(0, 16)} --key KEY --comment TEXT\``,
    }));
}

/** An approval that was given and does not hold is a deny in its own code; one that was never given waits for a person. */
function reasonsMissing(
  { source, module, tenant }: Facts,
  { otherApproved, submitted, given, rejected }: ApprovalFacts,
  { weighed, require }: { readonly weighed: readonly WeighedApproval[]; readonly require: Weighing["require"] },
): readonly Reason[] {
  if (module.digest === undefined) return [];
  const found = (module.digest as string).slice(0, 16);
  const lapsed = weighed.flatMap(({ finding }): readonly Reason[] =>
    finding === undefined ? [] : [{ verdict: "deny", ...finding }],
  );
  if (given.length === 0 && submitted !== true && otherApproved !== undefined) {
    const message = `the bytes were exchanged: ${otherApproved.slice(0, 16)} was approved, and ${found} is in its place`;
    const hint = "find out who wrote to the module's folder; new code comes in through the inbox";
    return [{ verdict: "deny", code: "guardian/approved-bytes-swapped", message, hint }];
  }
  if (given.length === 0 && submitted === false) {
    const message = `the bytes ${found} are not what was submitted for this tenant`;
    return [{ verdict: "deny", code: "guardian/bytes-not-submitted", message, hint: "new code comes in through the inbox" }];
  }
  if (rejected !== undefined && lapsed.length === 0) {
    const message = `${quote(rejected.by)} rejected these bytes at ${rejected.at}: ${quote(rejected.reason)}`;
    return [{ verdict: "deny", code: "guardian/approval-rejected", message }];
  }
  const origin = source === "agent" ? "an agent wrote this module" : "this module came in from outside";
  const open = require.filter(({ filled, count }) => filled < count);
  const still = open.map(({ role, filled, count }) => `${count - filled} as ${role}`).join(" and ");
  const message = given.length === 0 ? `${origin}, and no person has approved it` : `${origin}, and it still needs ${still}`;
  const hint = `\`nightcore inbox show ${quoteless(tenant)}\` says what it is and who may approve it`;
  return [...lapsed, { verdict: "hold", code: "guardian/approval-missing", message, hint }];
}

function quoteless(tenant: string): string {
  return quote(tenant).slice(1, -1);
}

function nameApproval({ person, statement, id }: RecordedApproval): string {
  const kind = statement?.act === "break-glass" ? "break-glass" : "approval";
  return `the ${kind} ${id.slice(0, 16)}${person === undefined ? "" : ` of ${quote(person)}`}`;
}
