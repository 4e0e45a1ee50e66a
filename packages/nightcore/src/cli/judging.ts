import { join } from "node:path";
import { openAuthority, type Question } from "#cedar";
import { type Capability, parseTenantName, quote } from "#core";
import { describeV8Engine } from "#engine/v8";
import { type Weighing, weighApprovals } from "#guardian";
import { explainSourceFault, type ModuleSource } from "#ports";
import type { Rows } from "#state";
import { openModuleFolder } from "#store/modules";
import type { Layout } from "#store/workspace";
import { judgeModule, type Judgement, type JudgingPowers, type Timeline } from "#worker";
import { usageStop } from "./invocation.ts";
import { openPolicies, type PoliciesInForce } from "./policy-store.ts";
import { crypto, type Session } from "./session.ts";
import { unwrap } from "./unwrap.ts";

/** What of a workspace judging needs, however it was opened. */
export type JudgedWorkspace = Pick<Session, "layout" | "configuration" | "store" | "trustStore"> & {
  readonly rows: Rows;
  /** Absent where nothing is recorded: then the machine's clock says what the time is. */
  readonly timeline?: Timeline;
};

/** What judging works with in a workspace, backend and isolation aside. Who judges much opens the policies once. */
export function judgingPowersOf(
  { rows, timeline, store, trustStore, layout, configuration }: JudgedWorkspace,
  policies: PoliciesInForce = openPolicies(layout, rows),
) {
  return {
    clock: timeline?.now ?? Date.now,
    machineClock: timeline?.clock ?? Date.now,
    crypto,
    rows,
    store,
    trustStore,
    policies: policies.shelf,
    policyEngine: policies.engine,
    trial: policies.trial,
    authority: authorityOf(policies),
    moduleBytesMax: configuration.moduleBytesMax,
    origin: configuration.origin,
  } satisfies Omit<JudgingPowers, "backend" | "isolation">;
}

/** Why the policies in force keep a person from something, or nothing. Cedar is loaded when somebody first asks. */
export function authorityOf({ active, bundle }: PoliciesInForce): (question: Question) => string | undefined {
  let authority: ReturnType<typeof openAuthority> | undefined;
  return (question) => {
    if (active === undefined || bundle === undefined) return "no policies are in force";
    authority ??= openAuthority(active.version, bundle.policies);
    return authority(question).refusal;
  };
}

/** The folder of a tenant under `modules/`. */
export function openTenant({ root }: Pick<Layout, "root">, tenant: string, moduleBytesMax: number): ModuleSource {
  if (!parseTenantName(tenant).ok) throw usageStop(`${quote(tenant)} cannot name a tenant`, "`nightcore inbox list` shows them");
  return unwrap(openModuleFolder(root, join("modules", tenant), moduleBytesMax), explainSourceFault);
}

/** What of a run is asked about: with another entry, or with capabilities that an operator would add. */
export type Asked = { readonly entry?: string | undefined; readonly operatorGrants?: readonly Capability[] };

/** How a tenant stands now: judged as a run would be, with nothing executed and nothing recorded. */
export type TenantStanding = { readonly source: ModuleSource; readonly judgement: Judgement; readonly weighing: Weighing };

/** Judges a tenant as a run of it would be judged now. */
export function judgeTenant(
  workspace: JudgedWorkspace,
  tenant: string,
  { entry, operatorGrants = [] }: Asked = {},
  judging: ReturnType<typeof judgingPowersOf> = judgingPowersOf(workspace),
): TenantStanding {
  const source = openTenant(workspace.layout, tenant, workspace.configuration.moduleBytesMax);
  const request = { mode: "run", entry, args: [], env: [], stdin: new Uint8Array(), operatorGrants } as const;
  const powers = { ...judging, backend: "wasm", isolation: describeV8Engine().isolation };
  const judgement = judgeModule(source, request, powers);
  return { source, judgement, weighing: weighApprovals(judgement.facts) };
}
