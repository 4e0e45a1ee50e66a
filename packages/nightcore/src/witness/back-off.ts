import type { Clock, Random } from "#core";

/** POWER: what waiting takes. `sleep` returns after so long, or at once when the signal says that nobody waits any longer. */
export type Pauses = {
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
};

const FIRST_MS = 200; // LIMIT: a restart of a witness behind a proxy is seen as one refused connection
const MOST_MS = 5_000; // LIMIT: whoever waits for a run waits for this too

/**
 * How long to wait before the next try after `failed` of them: twice as long each time, of which the upper half is drawn by lot,
 * so that many logs do not come back to a witness in one moment. What the witness itself asks for is the least.
 */
export function pauseMs(
  failed: number,
  { random, retryAfterMs = 0 }: { random: Random; retryAfterMs?: number | undefined },
): number {
  const most = Math.min(MOST_MS, FIRST_MS * 2 ** Math.max(0, failed - 1));
  const lot = new DataView(new Uint8Array(random(4)).buffer).getUint32(0) / 2 ** 32;
  return Math.max(Math.round(most / 2 + (most / 2) * lot), retryAfterMs);
}
