import { bandOf, BUDGET_NAMES, type Digest, quote, RISK_MAX } from "#core";
import { weighApprovals } from "./approval-weighing.ts";
import { askedCapabilities, askedRun, type GrantedRun } from "./asked-run.ts";
import type { Facts, Finding } from "./facts.ts";
import { refuseBlocked } from "./block.ts";
import { type Risk, RISK_WEIGHTS, scoreRisk } from "./risk.ts";
import type { TenantPolicy } from "./tenant-policy.ts";

/** `hold` waits for a person; `quarantine` is a deny that sticks to the bytes. */
export type Verdict = "allow" | "hold" | "deny" | "quarantine";

/** Why not: a finding, how much it weighs, and the policy that says so, where one does. */
export type Reason = Finding & { readonly verdict: Exclude<Verdict, "allow">; readonly policy?: string };

/** A verdict with everything that led to it. */
export type Decision = {
  readonly verdict: Verdict;
  /** Every reason against, the worst first. Empty exactly when the verdict is `allow`. */
  readonly reasons: readonly Reason[];
  readonly grant: GrantedRun | undefined;
  readonly risk: Risk;
  /** The ids of the policies that permit it, in the authors' words. Empty when no policy was asked. */
  readonly permits: readonly string[];
  /** What the policies were asked, where the record is to say so. */
  readonly asked?: AskedPolicies;
};

/** A question to the policies by its digest; `answeredBy`: the entry of the log that has the answer, where they were not asked again. */
export type AskedPolicies = { readonly question: Digest; readonly answeredBy?: number };

/** What the policies in force say: which of them permit, and the reasons of those that forbid. */
export type PolicyAnswer = {
  readonly permits: readonly string[];
  readonly reasons: readonly Reason[];
  readonly asked?: AskedPolicies;
};

/** What policies are asked about: facts of a module that was admitted, that a trusted key signed, and that has limits. */
export type JudgedFacts = Facts & {
  readonly module: Extract<Facts["module"], { admitted: true }>;
  readonly signature: Extract<Facts["signature"], { trusted: true }>;
  readonly policy: Extract<Facts["policy"], { state: "read" }>;
};

/** The seam for policies: judges recorded facts, a pure function of them. It adds reasons and can never take one away. */
export type PolicyEngine = {
  /** The engine and its version, for the record. */
  readonly name: string;
  judge(facts: JudgedFacts, request: PolicyRequest): PolicyAnswer;
};

/** What the rules worked out of the facts before the policies are asked. */
export type PolicyRequest = { readonly risk: Risk; readonly grant: GrantedRun };

/** What decides, for the record: the version of the rules, and the engine that judges beside them. */
export function nameRules(engine: Pick<PolicyEngine, "name"> | undefined): string {
  return engine === undefined ? RULES_VERSION : `${RULES_VERSION}+${engine.name}`;
}

// Answers that logs have are taken under the same rules only (docs/decisions/0036-answers-of-the-log.md): whoever changes what Cedar
// is told, or what follows from its answer, counts on.
const RULES_VERSION = "nightcore-rules/2";
const WEIGHT: Readonly<Record<Verdict, number>> = { allow: 0, hold: 1, deny: 2, quarantine: 3 };

/**
 * Decides from facts alone: deny by default, the worst verdict wins, every reason is named. What no policy permits is
 * denied; without an engine the rules alone decide, as they did in the first version. A fault inside a rule or the policy
 * engine is a deny.
 */
export function decide(facts: Facts, engine?: PolicyEngine): Decision {
  const unknown: Risk = { score: RISK_MAX, band: "quarantine", contributions: [] };
  return failClosed(unknown, () => decideAt(facts, riskOf(facts), engine));
}

/** The same with another score than the facts amount to: how near a decision is to being another one. */
export function decideAtScore(facts: Facts, score: number, engine?: PolicyEngine): Decision {
  const risk: Risk = { score, band: bandOf(score), contributions: [] };
  return failClosed(risk, () => decideAt(facts, risk, engine));
}

function failClosed(risk: Risk, make: () => Decision): Decision {
  try {
    return make();
  } catch (error) {
    const message = `the decision failed, so it is a deny: ${error instanceof Error ? error.message : "unknown"}`;
    const reason = { verdict: "deny", code: "guardian/decision-failed", message } as const;
    return { verdict: "deny", reasons: [reason], grant: undefined, risk, permits: [] };
  }
}

function riskOf(facts: Facts): Risk {
  return scoreRisk(facts, (facts.policy.state === "read" ? facts.policy.policy.riskWeights : undefined) ?? RISK_WEIGHTS);
}

function decideAt(facts: Facts, risk: Risk, engine: PolicyEngine | undefined): Decision {
  const { permits, reasons: judged, asked } = askPolicies(facts, risk, engine);
  const reasons = [...RULES.flatMap((rule) => rule(facts)), ...judged];
  const sorted = reasons.toSorted((a, b) => WEIGHT[b.verdict] - WEIGHT[a.verdict]);
  const worst = sorted[0];
  const told = { risk, permits, ...(asked === undefined ? {} : { asked }) };
  if (worst !== undefined) return { verdict: worst.verdict, reasons: sorted, grant: undefined, ...told };
  return { verdict: "allow", reasons: [], grant: grantOf(facts), ...told };
}

// What is refused before it has a signer, a shape or limits has nothing that a policy could be asked about.
function askPolicies(facts: Facts, risk: Risk, engine: PolicyEngine | undefined): PolicyAnswer {
  if (engine === undefined || !isJudged(facts)) return { permits: [], reasons: [] };
  const answer = engine.judge(facts, { risk, grant: grantOf(facts) });
  if (answer.permits.length > 0 || answer.reasons.length > 0) return answer;
  const hint = "`nightcore policy show` prints the policies in force";
  return { ...answer, reasons: deny("guardian/no-permit", "no policy permits it, and what is not permitted is denied", hint) };
}

function isJudged(facts: Facts): facts is JudgedFacts {
  return facts.module.admitted && facts.signature.trusted && facts.policy.state === "read";
}

type Rule = (facts: Facts) => readonly Reason[];

const RULES: readonly Rule[] = [
  refuseUnread,
  ({ signature }) => (signature.trusted ? [] : [{ verdict: "deny", ...signature.finding }]),
  ({ manifest }) => (manifest.state === "refused" ? [{ verdict: "deny", ...manifest.finding }] : []),
  ({ policy }) => (policy.state === "refused" ? [{ verdict: "deny", ...policy.finding }] : []),
  ({ mounts }) => (mounts?.state === "refused" ? [{ verdict: "deny", ...mounts.finding }] : []),
  refuseBlocked,
  refuseMissingEntry,
  refuseForeignManifest,
  refuseWeakerSignature,
  (facts) => weighApprovals(facts).reasons,
  (facts) =>
    facts.policy.state === "read"
      ? POLICY_RULES.flatMap((rule) => rule(facts, (facts.policy as { policy: TenantPolicy }).policy))
      : [],
];

const POLICY_RULES: readonly ((facts: Facts, policy: TenantPolicy) => readonly Reason[])[] = [
  refuseByRequirement,
  refuseCapability,
  refuseBudget,
];

function deny(code: string, message: string, hint?: string): readonly Reason[] {
  return [hint === undefined ? { verdict: "deny", code, message } : { verdict: "deny", code, message, hint }];
}

// Bytes that were taken into the vault cannot be read here, and that is what keeps them from running.
function refuseUnread({ module }: Facts): readonly Reason[] {
  if (module.admitted) return [];
  return [{ verdict: module.finding.code === "source/quarantined" ? "quarantine" : "deny", ...module.finding }];
}

function refuseMissingEntry({ entry, module }: Facts): readonly Reason[] {
  if (!module.admitted || entry.present) return [];
  const message = `the module exports no function ${quote(entry.name)}, so there is nothing to run`;
  return deny("guardian/no-entry", message, "name an exported function with `--entry NAME`, or in the manifest");
}

function refuseForeignManifest({ manifest, tenant }: Facts): readonly Reason[] {
  if (manifest.state !== "read" || manifest.tenant === undefined || manifest.tenant === tenant) return [];
  return deny("guardian/manifest-other-tenant", `the manifest is for tenant ${quote(manifest.tenant)}, not for ${quote(tenant)}`);
}

// Whoever can write the module's folder can delete `module.dsse.json` and widen the manifest; the record remembers.
function refuseWeakerSignature({ signature, history }: Facts): readonly Reason[] {
  if (!signature.trusted || signature.manifestSigned || !history.manifestWasSigned) return [];
  const message = "these bytes used to come with a signed manifest, and now the manifest is not signed";
  return deny("guardian/signature-weakened", message, "put `module.dsse.json` back, or sign again");
}

function refuseByRequirement(facts: Facts, policy: TenantPolicy): readonly Reason[] {
  const { manifest, signature } = facts;
  const missing = policy.requireIsolation.filter((layer) => !facts.isolation.includes(layer));
  return [
    ...(policy.backends.includes(facts.backend)
      ? []
      : deny("guardian/backend-not-allowed", `the policy does not allow the backend ${quote(facts.backend)}`)),
    ...(facts.mode === "proof" && !policy.allowProofMode
      ? deny("guardian/proof-mode-not-allowed", "the policy does not allow proof mode")
      : []),
    ...(policy.requireManifest && manifest.state === "absent"
      ? deny("guardian/manifest-missing", "there is no `manifest.json`, and the policy requires one")
      : []),
    ...(policy.requireSignedManifest && signature.trusted && !signature.manifestSigned
      ? deny(
          "guardian/manifest-unsigned",
          "the policy requires a manifest that is signed with the module",
          "sign with `nightcore sign`",
        )
      : []),
    ...(missing.length > 0
      ? deny(
          "guardian/isolation-missing",
          `the policy requires isolation that is not in place: ${missing.join(", ")}`,
          "run `nightcore verify-env`",
        )
      : []),
  ];
}

function refuseCapability(facts: Facts, policy: TenantPolicy): readonly Reason[] {
  const over = askedCapabilities(facts).filter((capability) => !policy.capabilities.includes(capability));
  if (over.length === 0) return [];
  return deny("guardian/capability-not-granted", `the policy does not grant ${over.map((c) => quote(c)).join(", ")}`);
}

function refuseBudget({ manifest }: Facts, policy: TenantPolicy): readonly Reason[] {
  if (manifest.state !== "read" || policy.onExcess === "cut") return [];
  return BUDGET_NAMES.flatMap((name) => {
    const asked = manifest.budgets[name];
    if (asked === undefined || asked <= policy.limits[name]) return [];
    return deny(
      "guardian/budget-over-limit",
      `the manifest asks for ${name} ${asked}, and the policy allows ${policy.limits[name]}`,
    );
  });
}

function grantOf(facts: Facts): GrantedRun {
  if (facts.policy.state !== "read") throw new Error("bug: a run was granted without a policy");
  return askedRun(facts);
}
