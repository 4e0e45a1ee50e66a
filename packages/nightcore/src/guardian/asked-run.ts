import { type Budgets, type Capability, meetBudgets } from "#core";
import type { Facts } from "./facts.ts";

/** What an allowed run gets: what was asked for, within what the policy grants. */
export type GrantedRun = { readonly capabilities: readonly Capability[]; readonly budgets: Budgets; readonly entry: string };

/** The capabilities that the manifest states and the operator added. */
export function askedCapabilities({ manifest, operatorGrants }: Facts): readonly Capability[] {
  return [...new Set([...(manifest.state === "read" ? manifest.capabilities : []), ...operatorGrants])];
}

// v37 documented these for manifests of its form that state neither; they keep old modules as tight as they were.
const V38_DEFAULTS: Partial<Budgets> = { fuel: 50_000, wallMs: 3_000 };

const NOTHING: Budgets = { wallMs: 0, memoryBytes: 0, fuel: 0, outputBytes: 0 };

/** What a run would get if it were allowed: what was asked for, within the limits. Without a policy these are nothing. */
export function askedRun(facts: Facts): GrantedRun {
  const { manifest, policy, entry } = facts;
  const limits = policy.state === "read" ? policy.policy.limits : NOTHING;
  const asked = manifest.state === "read" ? { ...(manifest.form === "v38" ? V38_DEFAULTS : {}), ...manifest.budgets } : {};
  const budgets = meetBudgets({ ...limits, ...asked }, limits);
  return { capabilities: askedCapabilities(facts), budgets, entry: entry.name };
}
