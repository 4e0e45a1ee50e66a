import type { Digest } from "./digest.ts";

/** What runs are compared by. */
export const MEASURES = ["fuel", "memoryBytes", "wallMs", "outputBytes", "hostCalls", "deniedCalls"] as const;
export type Measure = (typeof MEASURES)[number];

/** What a run used and was denied, in whole units. */
export type Measured = Readonly<Record<Measure, number>>;

/** What one run that came to its end used. `module` is the beginning of its digest ({@link sampleModule}). */
export type Sample = Measured & { readonly module: string };

const MODULE_CHARACTERS = 16;

/** What a sample calls a module. */
export function sampleModule(digest: Digest): string {
  return digest.slice(0, MODULE_CHARACTERS);
}

/** What counts towards containing a module. */
export const STRIKE_KINDS = ["faults", "escapes", "badPointers"] as const;
export type StrikeKind = (typeof STRIKE_KINDS)[number];

/** When, and how much, was seen of something that counts towards containment. */
export type Strike = readonly [at: string, count: number];
/** What was seen under one tenant of one module, by its kind, the oldest first. */
export type Strikes = Readonly<Record<StrikeKind, readonly Strike[]>>;

/** How many strikes of each kind are remembered, and so the highest threshold that a policy can set. */
export const STRIKES_MAX = 64; // LIMIT: a row that is read for every finding

/** What a module has that never gave cause. */
export const NO_STRIKES: Strikes = { faults: [], escapes: [], badPointers: [] };
