import { quote } from "#core";
import type { CompiledPolicy } from "#guardian";
import { loadCedar } from "./library.ts";

/** What people do, by the names of the schema's actions. */
export type Deed = "approve" | "reject" | "review" | "breakGlass" | "revokeApproval" | "release" | "approvePolicy";

/** Who wants to do what, with the roles that the trust store gives this person now. A tenant, or the workspace as a whole. */
export type Question = {
  readonly person: string;
  readonly roles: readonly string[];
  readonly deed: Deed;
  readonly tenant?: string | undefined;
};

/** The policies that permit it; or why not, in words. */
export type Authority = (question: Question) => { readonly permits: readonly string[]; readonly refusal: string | undefined };

/** Says what people may do under the policies of one version. Deny by default; a policy that fails is a deny. */
export function openAuthority(name: string, policies: readonly CompiledPolicy[]): Authority {
  const cedar = loadCedar();
  const staticPolicies = Object.fromEntries(policies.map(({ id, text }) => [id, text]));
  const prepared = cedar.preparsePolicySet(name, { staticPolicies, templates: {}, templateLinks: [] });
  if (prepared.type === "failure") throw new Error(prepared.errors.map(({ message }) => message).join("; "));
  return ({ person, roles, deed, tenant }) => {
    const principal = { type: "Person", id: person };
    const answer = cedar.statefulIsAuthorized({
      principal,
      action: { type: "Action", id: deed },
      resource: tenant === undefined ? { type: "Workspace", id: "this" } : { type: "Tenant", id: tenant },
      context: {},
      entities: [{ uid: principal, attrs: {}, parents: kindsOf(roles).map((role) => ({ type: "Role", id: role })) }],
      preparsedPolicySetId: name,
      validateRequest: false,
    });
    if (answer.type === "failure") return { permits: [], refusal: answer.errors.map(({ message }) => message).join("; ") };
    const { decision, diagnostics } = answer.response;
    const ids = diagnostics.reason.toSorted();
    const error = diagnostics.errors[0];
    if (error !== undefined) return { permits: [], refusal: `policy ${quote(error.policyId)} failed: ${error.error.message}` };
    if (decision === "allow") return { permits: ids, refusal: undefined };
    const by = ids.map((id) => quote(id)).join(", ");
    return { permits: [], refusal: ids.length === 0 ? "no policy permits it" : `forbidden by policy ${by}` };
  };
}

/** The roles with those that they are kinds of: `approver:security` is a kind of `approver`. */
function kindsOf(roles: readonly string[]): readonly string[] {
  return [...new Set(roles.flatMap((role) => [role, role.split(":")[0] ?? role]))];
}
