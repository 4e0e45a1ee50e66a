/** Clock identifiers of preview 1 (witx `$clockid`). */
export const CLOCK = { realtime: 0, monotonic: 1, processCputime: 2, threadCputime: 3 } as const;

/** What time it is for the guest, in nanoseconds. */
export type GuestClock = {
  readonly resolutionNs: bigint;
  now(clock: number): bigint;
  /** Lets `durationNs` pass. */
  sleep(durationNs: bigint): void;
};

const VIRTUAL_STEP_NS = 1_000n; // each reading is a microsecond after the last, so a guest that waits for time to pass gets on
const TIME_MAX_NS = (1n << 63n) - 1n;

/**
 * A clock that starts at zero and moves only when the guest reads it or sleeps. It says nothing about the host, and two equal
 * runs see equal times.
 */
export function virtualClock(): GuestClock {
  let now = 0n;
  const advance = (byNs: bigint): bigint => {
    now = now + byNs > TIME_MAX_NS ? TIME_MAX_NS : now + byNs;
    return now;
  };
  return { resolutionNs: VIRTUAL_STEP_NS, now: () => advance(VIRTUAL_STEP_NS), sleep: (durationNs) => void advance(durationNs) };
}

const REAL_RESOLUTION_NS = 100_000n; // LIMIT: what browsers give pages that are not isolated; finer clocks time caches
const SLEEP_STEP_MS = 60_000; // LIMIT: one wait; the deadline ends the process long before the second

/** The machine's clocks, cut to a tenth of a millisecond, for a guest with `clock:real`. */
export function realClock(): GuestClock {
  const cut = (ns: bigint): bigint => ns - (ns % REAL_RESOLUTION_NS);
  const cell = new Int32Array(new SharedArrayBuffer(4));
  return {
    resolutionNs: REAL_RESOLUTION_NS,
    now: (clock) => cut(clock === CLOCK.realtime ? BigInt(Date.now()) * 1_000_000n : process.hrtime.bigint()),
    sleep(durationNs) {
      let leftMs = Number(durationNs) / 1e6;
      while (leftMs > 0) {
        const stepMs = Math.min(leftMs, SLEEP_STEP_MS);
        Atomics.wait(cell, 0, 0, stepMs);
        leftMs -= stepMs;
      }
    },
  };
}
