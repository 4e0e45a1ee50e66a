import type { Budgets, Usage } from "#core";

/**
 * What became of one tenant, never two of them in one word. `ran`: executed and ended with exit code 0. `failed`: executed
 * and did not. `denied`, `held`, `quarantined`: decided against, nothing executed. `verified`: only verification and
 * decision were asked for. `fault`: Night Core itself could not do its work, and nothing can be said about the tenant.
 */
export const RUN_STATUSES = ["ran", "failed", "denied", "held", "quarantined", "verified", "fault"] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/** One sentence of why, with the code that stays the same between versions. */
export type RunReason = { readonly code: string; readonly message: string; readonly hint?: string };

/** Whose signature counted: the key's id, and the role in which the trust store admits it for this tenant. */
export type Signer = { readonly keyId: string; readonly role: string };

/** One tenant of one `run`. What has not come about is undefined: bytes that could not be read have no digest. */
export type RunRow = {
  /** Foreign text: a folder's name. */
  readonly tenant: string;
  readonly status: RunStatus;
  readonly verdict: "allow" | "hold" | "deny" | "quarantine" | undefined;
  /** Why it was decided against, or why it failed; empty when it ran. */
  readonly reasons: readonly RunReason[];
  /** What was unusual about it beside its history, and whether it was contained for that; mostly empty. */
  readonly findings: readonly RunReason[];
  /** SHA-256 of the module, lower case. */
  readonly digest: string | undefined;
  readonly sizeBytes: number | undefined;
  readonly signer: Signer | undefined;
  readonly capabilities: readonly string[];
  readonly granted: Budgets | undefined;
  readonly used: Usage | undefined;
  readonly exitCode: number | undefined;
  /** What an entry with results returned, in decimal. */
  readonly results: readonly string[];
  /** The beginning of what the guest printed: foreign text. */
  readonly output: string | undefined;
  /** Name and version of what executed. */
  readonly engine: string | undefined;
  /** The layers between guest and host that were really in place. */
  readonly isolation: readonly string[];
  readonly run: string | undefined;
  /** From admission to the durable outcome, the guest's own time included. */
  readonly durationMs: number;
  /** Entries of the log that speak of this run, in their order. */
  readonly logIndexes: readonly number[];
};

/** The log as it stood when a page was written: what the page can be checked against. */
export type LogView = {
  readonly origin: string;
  readonly size: number;
  /** Base64, as in the checkpoint. */
  readonly rootHash: string;
  /** RFC 3339. */
  readonly checkpointAt: string;
  /** The C2SP verifier key: `name+id+key`. */
  readonly verifierKey: string;
};

/** One `run --all`, or one `run PATH`. */
export type RunReport = {
  /** RFC 3339. */
  readonly startedAt: string;
  readonly mode: "run" | "proof";
  readonly totalMs: number;
  readonly parallel: number;
  readonly rows: readonly RunRow[];
  readonly log: LogView;
};

/** Ends after which the sandbox could not say any more what its guest had used. */
const KILLED: ReadonlySet<string> = new Set([
  ...["engine/deadline", "engine/cancelled", "engine/sandbox-died", "engine/sandbox-out-of-memory", "engine/protocol"],
]);

/**
 * What a run used, as far as it is known. A sandbox that was killed takes its counts with it: a 0 that stands there because
 * nobody could be asked is not shown as a 0.
 */
export function readKnownUsage(row: RunRow): { readonly [name in keyof Usage]: number | undefined } {
  const { wallMs, fuel, memoryBytes, outputBytes, hostCalls } = row.used ?? {};
  const killed = row.reasons.some((reason) => KILLED.has(reason.code));
  const known = (count: number | undefined): number | undefined => (killed && count === 0 ? undefined : count);
  return {
    wallMs,
    fuel: known(fuel),
    memoryBytes: known(memoryBytes),
    outputBytes: known(outputBytes),
    hostCalls: known(hostCalls),
  };
}

/** How many rows have each status; every status is there. */
export function countStatuses(rows: readonly RunRow[]): Readonly<Record<RunStatus, number>> {
  const counts: Record<RunStatus, number> = { ran: 0, failed: 0, denied: 0, held: 0, quarantined: 0, verified: 0, fault: 0 };
  for (const row of rows) counts[row.status]++;
  return counts;
}
