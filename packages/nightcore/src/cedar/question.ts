import type { CedarValueJson, EntityJson } from "@cedar-policy/cedar-wasm/web";
import { type Digest, digestOf, type Sha256, utf8 } from "#core";
import { isApproved, type JudgedFacts, nameRules, type PolicyRequest, weighStanding } from "#guardian";
import { CEDAR_COMPILER } from "./library.ts";
import type { Mentioned } from "./mentioned.ts";

/** What stands for every entity of its type where the policies cannot tell one from another. */
const ANY = "any";

/** Everything that Cedar is told about one run, and in the order in which it is always built. */
export type Call = {
  readonly principal: { readonly type: string; readonly id: string };
  readonly action: { readonly type: string; readonly id: string };
  readonly resource: { readonly type: string; readonly id: string };
  readonly context: Readonly<Record<string, CedarValueJson>>;
  readonly entities: readonly EntityJson[];
};

/**
 * The digest of a question: of the call, the version of the policies that is asked, Cedar's own version and that of the rules. The
 * answer is a function of it (docs/decisions/0036-answers-of-the-log.md).
 */
export function digestQuestion(sha256: Sha256, version: string, call: Call): Digest {
  return digestOf(sha256, utf8(JSON.stringify({ rules: nameRules({ name: CEDAR_COMPILER }), policies: version, call })));
}

/** Facts as what Cedar is told of them: no more than the policies mention. */
export function encodeCall(facts: JudgedFacts, { risk, grant }: PolicyRequest, mentioned: Mentioned): Call {
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
