import {
  type Bytes,
  compareHostCallTraces,
  type Digest,
  digestOf,
  HOST_CALLS,
  type HostCallTrace,
  NOT_RETURNED,
  parseHostCallTrace,
  type Sha256,
  type TracedCall,
} from "#core";
import type { BlobStore } from "#ports";

/**
 * Where a replay first called the host differently: behind `after` calls that were the same, and at the latest at number `by`,
 * counted from 1. Where the record has that very call, both sides are named.
 */
export type HostCallDivergence = {
  readonly after: number;
  readonly by: number;
  readonly recorded?: string;
  readonly replayed?: string;
};

const NOTHING: HostCallTrace = { count: 0, digest: [0, 0], calls: [], checkpoints: [] };

/**
 * The first call in which a replay is not what the record has. Undefined when all are the same, and where the recorded trace
 * cannot be read: a blob that is gone, or is not what it was, says nothing.
 */
export function findHostCallDivergence(
  recorded: Digest,
  replayed: Bytes | undefined,
  { blobs, sha256 }: { readonly blobs: BlobStore; readonly sha256: Sha256 },
): HostCallDivergence | undefined {
  const bytes = blobs.get(recorded);
  const before = bytes !== undefined && digestOf(sha256, bytes) === recorded ? parseHostCallTrace(bytes) : undefined;
  const now = replayed === undefined ? NOTHING : parseHostCallTrace(replayed);
  const difference = before === undefined || now === undefined ? undefined : compareHostCallTraces(before, now);
  if (difference === undefined) return undefined;
  const { after, by, calls } = difference;
  return calls === undefined ? { after, by } : { after, by, recorded: nameCall(calls[0]), replayed: nameCall(calls[1]) };
}

/** A call for a person: its function, and how it answered where that is not success. */
function nameCall(call: TracedCall | undefined): string {
  if (call === undefined) return "no further call";
  const name = HOST_CALLS[call.call] ?? "";
  if (call.errno === NOT_RETURNED) return `${name}, which did not return`;
  return call.errno === 0 ? name : `${name}, errno ${call.errno}`;
}

/** What is known of a first difference, in words. */
export function explainHostCallDivergence({ after, by, recorded, replayed }: HostCallDivergence): string {
  if (recorded === undefined || replayed === undefined)
    return by === after + 1
      ? `host call ${by} is the first that differs`
      : `host calls differ for the first time between ${after + 1} and ${by}`;
  const sides = recorded === replayed ? `${recorded}, with other parameters or another answer` : `${recorded}, now ${replayed}`;
  return `host call ${by} is the first that differs: ${sides}`;
}
