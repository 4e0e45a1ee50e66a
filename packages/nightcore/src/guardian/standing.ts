import { decayStanding, type Digest, type StandingPoints } from "#core";
import type { Facts } from "./facts.ts";

/** A finding about an earlier run, as a decision names it. */
export type StandingEvidence = {
  readonly at: string;
  readonly run: string;
  readonly digest: Digest;
  readonly code: string;
  readonly message: string;
  readonly points: number;
};

/** What earlier runs of this tenant, and of this module under any tenant, have left; each as of its newest finding. */
export type Standing = {
  readonly tenant?: StandingPoints;
  readonly digest?: StandingPoints;
  /** The newest findings of both, the newest first. */
  readonly evidence: readonly StandingEvidence[];
};

/** The standing risk at a time: 0 to 100 points for each of the two. */
export type WeighedStanding = { readonly tenant: number; readonly digest: number; readonly points: number };

/**
 * What is left of the standing when the decision is made (`facts.at`). `points` is the larger of both: a run that was found
 * unusual raised both, and is not counted twice. Facts without a standing have none.
 */
export function weighStanding({ standing, at }: Pick<Facts, "standing" | "at">): WeighedStanding {
  const tenant = standing?.tenant === undefined ? 0 : decayStanding(standing.tenant, at);
  const digest = standing?.digest === undefined ? 0 : decayStanding(standing.digest, at);
  return { tenant, digest, points: Math.max(tenant, digest) };
}
