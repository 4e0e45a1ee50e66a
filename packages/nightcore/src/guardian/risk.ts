import { bandOf, BUDGET_NAMES, RISK_MAX, type RiskBand, STANDING_POINTS_MAX } from "#core";
import type { Facts } from "./facts.ts";
import { weighStanding } from "./standing.ts";

/** What a contribution is about, and its weight in points where the policy does not state one. */
export const RISK_WEIGHTS = {
  "agent-source": 30,
  "import-source": 20,
  "digest-first-seen": 10,
  "digest-changed": 5,
  "tenant-first-run": 5,
  "manifest-unsigned": 5,
  "capability-fs-write": 5,
  "capability-real": 5,
  "operator-grant": 5,
  "budget-near-limit": 5,
  "imports-sockets": 5,
  "isolation-thin": 15,
  "digest-failures": 20,
  "tenant-failures": 10,
  standing: 60,
} as const satisfies Readonly<Record<string, number>>;

export type RiskName = keyof typeof RISK_WEIGHTS;
/** Points of each contribution, 0 to 100, as the policy weighs them. */
export type RiskWeights = Readonly<Record<RiskName, number>>;

/** One summand of the score: its name, its points, and the fact that it comes from. */
export type Contribution = { readonly name: string; readonly points: number; readonly evidence: string };

/** The risk of one request: the sum of its contributions, cut at 100, and the band that it lies in. */
export type Risk = { readonly score: number; readonly band: RiskBand; readonly contributions: readonly Contribution[] };

/**
 * Adds up the risk of what is asked for, a whole number from 0 to 100. Each contribution that applies is named with its
 * evidence; those that do not apply are left out. docs/formats/risk.md lists all of them.
 */
export function scoreRisk(facts: Facts, weights: RiskWeights): Risk {
  const contributions = CONTRIBUTIONS.flatMap(([name, weigh]): readonly Contribution[] => {
    const found = weigh(facts);
    if (found === undefined) return [];
    const points = Math.round(weights[name] * (found.share ?? 1));
    return points === 0 ? [] : [{ name, points, evidence: found.evidence }];
  });
  const score = Math.min(
    RISK_MAX,
    contributions.reduce((sum, { points }) => sum + points, 0),
  );
  return { score, band: bandOf(score), contributions };
}

/** A fact that adds to the risk; `share` is the part of the weight that it adds, 1 when absent. */
type Found = { readonly evidence: string; readonly share?: number };

const RUNS_TOLD_MIN = 3; // LIMIT: fewer runs than this say nothing about how often something fails
/** LIMIT: the part of a limit from which a budget counts as near to it. */
export const NEAR_LIMIT = 0.9;

const CONTRIBUTIONS: readonly (readonly [name: RiskName, weigh: (facts: Facts) => Found | undefined])[] = [
  ["agent-source", ({ source }) => when(source === "agent", "an agent wrote the module")],
  ["import-source", ({ source }) => when(source === "import", "the module came in from outside")],
  ["digest-first-seen", ({ history }) => when(history.firstSeenAt === undefined, "these bytes were never seen here before")],
  ["digest-changed", weighChange],
  ["tenant-first-run", ({ history }) => when(history.previousDigest === undefined, "nothing of this tenant has run to its end")],
  ["manifest-unsigned", weighManifest],
  ["capability-fs-write", (facts) => when(asks(facts, "fs:write"), "it asks for `fs:write`")],
  ["capability-real", weighReal],
  ["operator-grant", ({ operatorGrants: by }) => when(by.length > 0, `an operator added ${by.join(", ")} by hand`)],
  ["budget-near-limit", weighBudgets],
  ["imports-sockets", weighSockets],
  ["isolation-thin", weighIsolation],
  ["digest-failures", ({ history }) => weighFailures("these bytes", history.digestRuns, history.digestFailures)],
  ["tenant-failures", ({ history }) => weighFailures("this tenant", history.tenantRuns, history.tenantFailures)],
  ["standing", weighFindings],
];

function when(applies: boolean, evidence: string): Found | undefined {
  return applies ? { evidence } : undefined;
}

function asks({ manifest, operatorGrants }: Facts, capability: string): boolean {
  const asked: readonly string[] = [...(manifest.state === "read" ? manifest.capabilities : []), ...operatorGrants];
  return asked.includes(capability);
}

function weighChange({ history, module }: Facts): Found | undefined {
  const { previousDigest } = history;
  return when(
    previousDigest !== undefined && previousDigest !== module.digest,
    `the tenant last ran ${previousDigest?.slice(0, 12)} to its end, and this is ${module.digest?.slice(0, 12)}`,
  );
}

function weighManifest({ signature }: Facts): Found | undefined {
  return when(signature.trusted && !signature.manifestSigned, "the manifest is not signed with the module");
}

function weighReal(facts: Facts): Found | undefined {
  const real = ["clock:real", "random:real"].filter((capability) => asks(facts, capability));
  return when(real.length > 0, `it asks for ${real.join(" and ")}, so that a run cannot be foreseen`);
}

function weighBudgets({ manifest, policy }: Facts): Found | undefined {
  if (manifest.state !== "read" || policy.state !== "read") return undefined;
  const { limits } = policy.policy;
  const near = BUDGET_NAMES.filter((name) => (manifest.budgets[name] ?? 0) >= limits[name] * NEAR_LIMIT);
  return when(near.length > 0, `it asks for at least nine tenths of the limit of ${near.join(", ")}`);
}

function weighSockets({ module }: Facts): Found | undefined {
  const sockets = module.admitted ? module.imports.filter((name) => name.includes(".sock_")) : [];
  return when(sockets.length > 0, `it imports ${sockets.join(", ")}`);
}

function weighIsolation({ isolation, mode }: Facts): Found | undefined {
  const missing = ["bubblewrap", "seccomp"].filter((layer) => !isolation.includes(layer));
  return when(mode === "run" && missing.length > 0, `the sandbox runs without ${missing.join(" and ")}`);
}

function weighFailures(whose: string, runs = 0, failures = 0): Found | undefined {
  if (runs < RUNS_TOLD_MIN || failures === 0) return undefined;
  return { evidence: `${failures} of ${runs} executions of ${whose} failed`, share: failures / runs };
}

function weighFindings(facts: Facts): Found | undefined {
  const { tenant, digest, points } = weighStanding(facts);
  if (points === 0) return undefined;
  const newest = facts.standing?.evidence[0];
  const why = newest === undefined ? "" : `, the newest of ${newest.at}: ${newest.message}`;
  const evidence = `findings about earlier runs left ${digest} points to these bytes and ${tenant} to this tenant${why}`;
  return { evidence, share: points / STANDING_POINTS_MAX };
}
