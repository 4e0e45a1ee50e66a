import type { Digest } from "#core";
import type { Standing } from "#guardian";
import { readEvidence, readStandingPoints, type Rows } from "#state";

const EVIDENCE_MAX = 5; // LIMIT: each is a sentence in every decision about this tenant

/** What earlier runs left, as a fact; undefined when no finding was ever made, as for nearly everyone. */
export function readStanding(rows: Pick<Rows, "get">, tenant: string, digest: Digest | undefined): Standing | undefined {
  const ofTenant = readStandingPoints(rows, { tenant });
  const ofDigest = digest === undefined ? undefined : readStandingPoints(rows, { digest });
  if (ofTenant === undefined && ofDigest === undefined) return undefined;
  const all = [...readEvidence(rows, { tenant }), ...(digest === undefined ? [] : readEvidence(rows, { digest }))];
  const distinct = new Map(all.map((one) => [`${one.run} ${one.code} ${one.message}`, one]));
  return {
    ...(ofTenant === undefined ? {} : { tenant: ofTenant }),
    ...(ofDigest === undefined ? {} : { digest: ofDigest }),
    evidence: [...distinct.values()].toSorted((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0)).slice(0, EVIDENCE_MAX),
  };
}
