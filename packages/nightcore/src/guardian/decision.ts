import { BUDGET_NAMES, type Budgets, type Capability, meetBudgets, quote } from "#core";
import type { Facts, Finding } from "./facts.ts";
import type { TenantPolicy } from "./tenant-policy.ts";

/** `hold` waits for a person; `quarantine` is a deny that sticks to the bytes. */
export type Verdict = "allow" | "hold" | "deny" | "quarantine";

/** Why not: a finding, and how much it weighs. */
export type Reason = Finding & { readonly verdict: Exclude<Verdict, "allow"> };

/** What an allowed run gets: what was asked for, within what the policy grants. */
export type GrantedRun = { readonly capabilities: readonly Capability[]; readonly budgets: Budgets; readonly entry: string };

/** A verdict with everything that led to it. */
export type Decision = {
  readonly verdict: Verdict;
  /** Every reason against, the worst first. Empty exactly when the verdict is `allow`. */
  readonly reasons: readonly Reason[];
  readonly grant: GrantedRun | undefined;
};

/** Judges recorded facts. The seam for a policy engine: it may add reasons, and can never take one away. */
export type PolicyEngine = (facts: Facts) => readonly Reason[];

const WEIGHT: Readonly<Record<Verdict, number>> = { allow: 0, hold: 1, deny: 2, quarantine: 3 };

/**
 * Decides from facts alone: deny by default, the worst verdict wins, every reason is named. A fault inside a rule or the
 * policy engine is a deny.
 */
export function decide(facts: Facts, engine?: PolicyEngine): Decision {
  try {
    const reasons = [...RULES.flatMap((rule) => rule(facts)), ...(engine?.(facts) ?? [])];
    const sorted = reasons.toSorted((a, b) => WEIGHT[b.verdict] - WEIGHT[a.verdict]);
    const worst = sorted[0];
    if (worst !== undefined) return { verdict: worst.verdict, reasons: sorted, grant: undefined };
    return { verdict: "allow", reasons: [], grant: grantOf(facts) };
  } catch (error) {
    const message = `the decision failed, so it is a deny: ${error instanceof Error ? error.message : "unknown"}`;
    return { verdict: "deny", reasons: [{ verdict: "deny", code: "guardian/decision-failed", message }], grant: undefined };
  }
}

type Rule = (facts: Facts) => readonly Reason[];

const RULES: readonly Rule[] = [
  ({ module }) => (module.admitted ? [] : [{ verdict: "deny", ...module.finding }]),
  ({ signature }) => (signature.trusted ? [] : [{ verdict: "deny", ...signature.finding }]),
  ({ manifest }) => (manifest.state === "refused" ? [{ verdict: "deny", ...manifest.finding }] : []),
  ({ policy }) => (policy.state === "refused" ? [{ verdict: "deny", ...policy.finding }] : []),
  refuseQuarantined,
  refuseMissingEntry,
  refuseForeignManifest,
  refuseWeakerSignature,
  holdUnapproved,
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

function refuseQuarantined({ quarantine }: Facts): readonly Reason[] {
  if (quarantine === undefined) return [];
  const message = `these bytes are in quarantine since ${quarantine.at}: ${quote(quarantine.reason)}`;
  return [{ verdict: "quarantine", code: "guardian/quarantined", message }];
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

// v39's console held back every channel but the manual one; what came from an agent or from outside waits here as well.
function holdUnapproved({ source, approvals }: Facts): readonly Reason[] {
  if ((source !== "agent" && source !== "import") || approvals.length > 0) return [];
  const origin = source === "agent" ? "an agent wrote this module" : "this module came in from outside";
  return [{ verdict: "hold", code: "guardian/approval-missing", message: `${origin}, and no person has approved it` }];
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

function askedCapabilities({ manifest, operatorGrants }: Facts): readonly Capability[] {
  return [...new Set([...(manifest.state === "read" ? manifest.capabilities : []), ...operatorGrants])];
}

// v37 documented these for manifests of its form that state neither; they keep old modules as tight as they were.
const V38_DEFAULTS: Partial<Budgets> = { fuel: 50_000, wallMs: 3_000 };

function grantOf(facts: Facts): GrantedRun {
  const { manifest, policy, entry } = facts;
  if (policy.state !== "read") throw new Error("bug: a run was granted without a policy");
  const asked = manifest.state === "read" ? { ...(manifest.form === "v38" ? V38_DEFAULTS : {}), ...manifest.budgets } : {};
  const budgets = meetBudgets({ ...policy.policy.limits, ...asked }, policy.policy.limits);
  return { capabilities: askedCapabilities(facts), budgets, entry: entry.name };
}
