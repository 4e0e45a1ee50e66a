import { type MemberReader, parseRole, type Role } from "#trust";
import { readRequirements, type Requirement } from "./requirement.ts";

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

const ROLES_MAX = 16; // LIMIT: each stands in the facts of decisions
const DAYS_MAX = 3650; // LIMIT: ten years
const MINUTES_MAX = 24 * 60; // LIMIT: an emergency that lasts longer is no emergency
const REVIEW_HOURS_MAX = 30 * 24; // LIMIT: a month

/** Reads the member `approvals` of a policy; what it does not state comes from `base`. */
export function readApprovalPolicy(members: MemberReader, base: ApprovalPolicy): ApprovalPolicy {
  const approvals = members.object("approvals");
  const breakGlass = approvals.object("break_glass");
  const policy: ApprovalPolicy = {
    require: readRequirements(approvals, "require", "`approvals.require`") ?? base.require,
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

/** No role at all is a way to say that there is no break-glass. */
function readRoles(members: MemberReader): readonly Role[] | undefined {
  const list = members.list("roles");
  if (list === undefined) return undefined;
  const roles = list.map((item) => (typeof item === "string" ? parseRole(item) : undefined)).filter((role) => role !== undefined);
  return roles.length === list.length && roles.length <= ROLES_MAX && !roles.includes("signer")
    ? roles
    : members.refuse(`\`approvals.break_glass.roles\` is not a list of at most ${ROLES_MAX} roles`);
}
