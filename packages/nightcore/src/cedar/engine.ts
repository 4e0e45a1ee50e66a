import type { CedarValueJson, EntityJson, Response } from "@cedar-policy/cedar-wasm/web";
import { quote } from "#core";
import {
  type CompiledPolicy,
  isApproved,
  type JudgedFacts,
  type PolicyAnswer,
  type PolicyEngine,
  type PolicyRequest,
  type Reason,
  weighStanding,
} from "#guardian";
import { type Cedar, CEDAR_COMPILER, loadCedar } from "./library.ts";
import { type Mentioned, readMentioned } from "./mentioned.ts";

const RECENT_MAX = 1024; // LIMIT: answers kept, a few hundred bytes each

/** Policies that have been compiled, as the log names them: `name` is the digest of the version. */
export type PolicySet = { readonly name: string; readonly policies: readonly CompiledPolicy[] };

/**
 * Opens the policies of one version for judging. Cedar is loaded now; a set that Cedar refuses throws, and the caller denies.
 * A judgement is a function of its question, so the answers to the newest questions are kept: a warm tenant asks the same again.
 */
export function openCedarEngine({ name, policies }: PolicySet): PolicyEngine {
  const cedar = loadCedar();
  // Cedar keeps prepared sets by name for ever, so that a set of the same name is the same set: the name is a digest.
  const whole = prepare(cedar, name, policies);
  const unheld = `${name}/unheld`;
  let unheldPrepared = false;
  const byId = new Map(policies.map((policy) => [policy.id, policy]));
  const mentioned = readMentioned(policies.map(({ text }) => text));
  const recent = new Map<string, PolicyAnswer>();
  // V8 compiles what is called for the first time: now, while others wait for their processes, and not within a decision.
  ask(cedar, whole, FIRST_CALL);
  return {
    name: CEDAR_COMPILER,
    judge(facts, request) {
      const call = encodeCall(facts, request, mentioned);
      // Everything that Cedar is told, and in the order in which it is always built.
      const question = JSON.stringify(call);
      const known = recent.get(question);
      if (known !== undefined) return known;
      const answer = judgeCall(call);
      if (recent.size >= RECENT_MAX) recent.clear();
      recent.set(question, answer);
      return answer;
    },
  };

  function judgeCall(call: Call): PolicyAnswer {
    const { decision, diagnostics } = ask(cedar, whole, call);
    const errors = diagnostics.errors.map(({ policyId, error }) => failed(policyId, error.message));
    if (decision === "allow") return { permits: errors.length > 0 ? [] : diagnostics.reason.toSorted(), reasons: errors };
    const forbids = diagnostics.reason.toSorted().map((id) => forbidden(byId.get(id), id));
    const reasons = [...errors, ...forbids];
    if (reasons.length === 0 || reasons.some(({ verdict }) => verdict !== "hold")) return { permits: [], reasons };
    // Only people are waited for. Whether it would be permitted then is asked of the same policies without the holds.
    if (!unheldPrepared)
      prepare(
        cedar,
        unheld,
        policies.filter((policy) => policy.effect === "permit" || policy.verdict !== "hold"),
      );
    unheldPrepared = true;
    return withPermits(reasons, ask(cedar, unheld, call));
  }
}

/** What stands for every entity of its type where the policies cannot tell one from another. */
const ANY = "any";
const NOBODY = { type: "Key", id: "nobody" };
const FIRST_CALL: Call = {
  principal: NOBODY,
  action: { type: "Action", id: "prove" },
  resource: { type: "Module", id: "nothing" },
  context: {},
  entities: [{ uid: NOBODY, attrs: {}, parents: [] }],
};

function prepare(cedar: Cedar, name: string, policies: readonly CompiledPolicy[]): string {
  const staticPolicies = Object.fromEntries(policies.map(({ id, text }) => [id, text]));
  const prepared = cedar.preparsePolicySet(name, { staticPolicies, templates: {}, templateLinks: [] });
  if (prepared.type === "failure") throw new Error(prepared.errors.map(({ message }) => message).join("; "));
  return name;
}

type Call = {
  readonly principal: { readonly type: string; readonly id: string };
  readonly action: { readonly type: string; readonly id: string };
  readonly resource: { readonly type: string; readonly id: string };
  readonly context: Readonly<Record<string, CedarValueJson>>;
  readonly entities: readonly EntityJson[];
};

function ask(cedar: Cedar, preparsedPolicySetId: string, call: Call): Response {
  // The request is of our making and the policies were checked against its schema; checking it again would cost as much as the answer.
  const answer = cedar.statefulIsAuthorized({
    ...call,
    entities: [...call.entities],
    preparsedPolicySetId,
    validateRequest: false,
  });
  if (answer.type === "failure") throw new Error(answer.errors.map(({ message }) => message).join("; "));
  return answer.response;
}

function withPermits(holds: readonly Reason[], { decision, diagnostics }: Response): PolicyAnswer {
  if (decision === "allow") return { permits: diagnostics.reason.toSorted(), reasons: holds };
  const message = "no policy would permit it either, if it were approved";
  return { permits: [], reasons: [...holds, { verdict: "deny", code: "guardian/no-permit", message }] };
}

// Cedar passes over a policy that fails, a forbid too. Here it is a deny.
function failed(policy: string, message: string): Reason {
  return { verdict: "deny", code: "guardian/policy-failed", policy, message: `policy ${quote(policy)} failed: ${message}` };
}

function forbidden(policy: CompiledPolicy | undefined, id: string): Reason {
  const message = policy?.reason ?? `policy ${quote(id)} forbids it`;
  const verdict = policy?.verdict ?? "deny";
  const hint = policy?.hint;
  return { verdict, code: "guardian/policy-forbids", policy: id, message, ...(hint === undefined ? {} : { hint }) };
}

function encodeCall(facts: JudgedFacts, { risk, grant }: PolicyRequest, mentioned: Mentioned): Call {
  const { module, signature, history } = facts;
  const principal = { type: "Key", id: mentioned.tells("Key") ? signature.keyId : ANY };
  const resource = { type: "Module", id: mentioned.tells("Module") ? module.digest : ANY };
  const context = {
    ...{
      source: facts.source,
      entry: grant.entry,
      capabilities: [...grant.capabilities],
      operatorGrants: [...facts.operatorGrants],
    },
    ...grant.budgets,
    ...{ manifestSigned: signature.manifestSigned, approved: isApproved(facts) },
    ...{ backend: facts.backend, isolation: [...facts.isolation], riskScore: risk.score, riskBand: risk.band },
    standing: weighStanding(facts).points,
    known: history.firstSeenAt !== undefined,
    changed: history.previousDigest !== undefined && history.previousDigest !== module.digest,
    ...{ previousRuns: history.previousRuns ?? 0, previousFailures: history.previousFailures ?? 0 },
    ...{ digestRuns: history.digestRuns ?? 0, digestFailures: history.digestFailures ?? 0 },
    ...{ tenantRuns: history.tenantRuns ?? 0, tenantFailures: history.tenantFailures ?? 0 },
  };
  const attributes = { sizeBytes: module.sizeBytes, imports: [...module.imports], features: [...module.features] };
  return {
    principal,
    action: { type: "Action", id: facts.mode === "run" ? "run" : "prove" },
    resource,
    context: mentioned.pick(context),
    entities: [
      ...describe(principal, { name: signature.keyName }, mentioned),
      ...describe(resource, attributes, mentioned, { type: "Tenant", id: facts.tenant }),
    ],
  };
}

/** An entity as the policies can see it; nothing where they speak neither of its attributes nor of what it belongs to. */
function describe(
  uid: Call["principal"],
  attributes: Readonly<Record<string, CedarValueJson>>,
  mentioned: Mentioned,
  parent?: Call["principal"],
): readonly EntityJson[] {
  const attrs = mentioned.pick(attributes);
  const parents = parent !== undefined && mentioned.has(parent.type) ? [parent] : [];
  return Object.keys(attrs).length > 0 || parents.length > 0 ? [{ uid, attrs, parents }] : [];
}
