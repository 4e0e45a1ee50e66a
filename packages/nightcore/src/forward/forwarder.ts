import { fail, ok, type Result } from "#core";
import type { ForwardFault } from "./fault.ts";
import type { Batch, Sink } from "./sink.ts";

const WAIT_FIRST_MS = 500;
const WAIT_MAX_MS = 60_000; // LIMIT: the longest pause between two tries; a receiver that comes back is noticed within it

/** Everything that forwarding works with. */
export type ForwardPowers = {
  readonly sink: Sink;
  /** The next batch from an index on; undefined when nothing more is published; a fault when the log is shorter than that. */
  readonly readBatch: (from: number) => Result<Batch | undefined, ForwardFault>;
  /** Makes a position durable. */
  readonly remember: (next: number) => void;
  readonly wait: (ms: number) => Promise<void>;
  /** From 0 to 1: spreads the tries of many forwarders. */
  readonly random: () => number;
  readonly onFault?: (fault: ForwardFault, waitMs: number) => void;
};

/** `follow`: go on for ever, asking for more every `pollMs`. Otherwise stop when everything published is confirmed. */
export type Forwarding = {
  readonly from: number;
  readonly follow?: { readonly pollMs: number; readonly isStopped: () => boolean };
  /** Tries of one batch when not following; following, they never end. */
  readonly triesMax: number;
};

/**
 * Delivers everything from an index on, in order, each batch until it is confirmed. A position is remembered only after the
 * confirmation: dying in between sends a batch twice, and never loses one. Returns the index of the first entry not confirmed.
 */
export async function forward(
  powers: ForwardPowers,
  { from, follow, triesMax }: Forwarding,
): Promise<Result<number, ForwardFault>> {
  let next = from;
  let failures = 0;
  while (follow?.isStopped() !== true) {
    const batch = powers.readBatch(next);
    if (!batch.ok) return fail(batch.fault);
    if (batch.value === undefined) {
      if (follow === undefined) break;
      await powers.wait(follow.pollMs);
      continue;
    }
    const delivered = await powers.sink.deliver(batch.value);
    if (delivered.ok) {
      powers.remember(batch.value.next);
      next = batch.value.next;
      failures = 0;
      continue;
    }
    failures++;
    if (follow === undefined && failures >= triesMax) return fail(delivered.fault);
    const waitMs = Math.round(Math.min(WAIT_MAX_MS, WAIT_FIRST_MS * 2 ** (failures - 1)) * (0.5 + powers.random() / 2));
    powers.onFault?.(delivered.fault, waitMs);
    await powers.wait(waitMs);
  }
  return ok(next);
}
