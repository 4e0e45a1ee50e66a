import { type Json, isJsonObject } from "#core";
import { type MemberReader, parseRole, type Role } from "#trust";

/** So many different persons in this role. */
export type Requirement = { readonly role: Role; readonly count: number };

/** Who has to approve what an agent wrote or what came from outside, and what is allowed in an emergency. */
export type ApprovalPolicy = {
  /** All of these together; one person fills one place. Never empty. */
  readonly require: readonly Requirement[];
  readonly expiresDaysMax: number;
  readonly breakGlass: { readonly roles: readonly Role[]; readonly minutesMax: number; readonly reviewHours: number };
};

/** One approver, for 90 days at the most; break-glass for an hour by whoever holds that role, reviewed within a day. */
export const BASE_APPROVALS: ApprovalPolicy = {
  require: [{ role: "approver", count: 1 }],
  expiresDaysMax: 90,
  breakGlass: { roles: ["break-glass"], minutesMax: 60, reviewHours: 24 },
};

const PERSONS_MAX = 16; // LIMIT: of all roles together; who waits for more than that waits for ever
const DAYS_MAX = 3650; // LIMIT: ten years
const MINUTES_MAX = 24 * 60; // LIMIT: an emergency that lasts longer is no emergency
const REVIEW_HOURS_MAX = 30 * 24; // LIMIT: a month

/** Reads the member `approvals` of a policy; what it does not state comes from `base`. */
export function readApprovalPolicy(members: MemberReader, base: ApprovalPolicy): ApprovalPolicy {
  const approvals = members.object("approvals");
  const breakGlass = approvals.object("break_glass");
  const policy: ApprovalPolicy = {
    require: readRequire(approvals) ?? base.require,
    expiresDaysMax: approvals.whole("expires_days_max", DAYS_MAX) ?? base.expiresDaysMax,
    breakGlass: {
      roles: readRoles(breakGlass) ?? base.breakGlass.roles,
      minutesMax: breakGlass.whole("minutes_max", MINUTES_MAX) ?? base.breakGlass.minutesMax,
      reviewHours: breakGlass.whole("review_hours", REVIEW_HOURS_MAX) ?? base.breakGlass.reviewHours,
    },
  };
  approvals.adopt(breakGlass);
  members.adopt(approvals);
  return policy;
}

function readRequire(members: MemberReader): readonly Requirement[] | undefined {
  const list = members.list("require");
  if (list === undefined) return undefined;
  const found = list.map(readRequirement).filter((one) => one !== undefined);
  const persons = found.reduce((sum, { count }) => sum + count, 0);
  const distinct = new Set(found.map(({ role }) => role)).size === found.length;
  if (found.length === list.length && found.length > 0 && distinct && persons <= PERSONS_MAX) return found;
  return members.refuse(
    `\`approvals.require\` is not a list of {role, count}, each role once and at most ${PERSONS_MAX} persons together`,
  );
}

function readRequirement(value: Json): Requirement | undefined {
  if (!isJsonObject(value) || Object.keys(value).some((name) => name !== "role" && name !== "count")) return undefined;
  const { count = 1 } = value;
  const role = typeof value["role"] === "string" ? parseRole(value["role"]) : undefined;
  // A signer signs; what it signs, others approve.
  if (role === undefined || role === "signer") return undefined;
  return typeof count === "number" && Number.isInteger(count) && count > 0 ? { role, count } : undefined;
}

/** No role at all is a way to say that there is no break-glass. */
function readRoles(members: MemberReader): readonly Role[] | undefined {
  const list = members.list("roles");
  if (list === undefined) return undefined;
  const roles = list.map((item) => (typeof item === "string" ? parseRole(item) : undefined)).filter((role) => role !== undefined);
  return roles.length === list.length && !roles.includes("signer")
    ? roles
    : members.refuse("`approvals.break_glass.roles` is not a list of roles");
}
