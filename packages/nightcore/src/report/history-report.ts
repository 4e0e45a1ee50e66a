import type { LogView, RunStatus } from "./run-report.ts";

/** A run that this workspace's log has witnessed. */
export type WitnessedRun = {
  readonly kind: "witnessed";
  /** RFC 3339. */
  readonly at: string;
  readonly run: string;
  readonly status: RunStatus;
  /** Lower case. */
  readonly digest: string | undefined;
  readonly sizeBytes: number | undefined;
  /** The guest's wall time; undefined when nothing was executed. */
  readonly wallMs: number | undefined;
  readonly verified: boolean;
  readonly logIndexes: readonly number[];
};

/** A record that another program wrote and `state import` took over: shown as its claim, and never as something seen. */
export type ImportedClaim = {
  readonly kind: "imported";
  readonly at: string;
  /** The file that it was read from, relative to the workspace: foreign text. */
  readonly source: string;
  /** What it says of the outcome: foreign text. */
  readonly claim: string;
  readonly digest: string | undefined;
  readonly sizeBytes: number | undefined;
  readonly wallMs: number | undefined;
  readonly verified: boolean | undefined;
};

/** One line of a tenant's history. */
export type HistoryEntry = WitnessedRun | ImportedClaim;

/** A tenant's history, the oldest entry first. */
export type HistoryTenant = { readonly tenant: string; readonly entries: readonly HistoryEntry[] };

/** What `export-dashboard --diff` shows. */
export type HistoryReport = {
  /** RFC 3339. */
  readonly createdAt: string;
  readonly tenants: readonly HistoryTenant[];
  readonly log: LogView;
};

/** What changed from one entry to the next. Undefined where one of the two does not say. */
export type HistoryChange = {
  readonly wallMsDelta: number | undefined;
  readonly sizeBytesDelta: number | undefined;
  readonly digestChanged: boolean;
  readonly verificationChanged: boolean;
  /** One of the two is a claim, so the difference is one too. */
  readonly rests: "on what was witnessed" | "on a claim";
};

/** Compares two entries of one tenant. */
export function compareEntries(before: HistoryEntry, after: HistoryEntry): HistoryChange {
  const differs = <T>(a: T | undefined, b: T | undefined): boolean => a !== undefined && b !== undefined && a !== b;
  return {
    wallMsDelta: subtract(after.wallMs, before.wallMs),
    sizeBytesDelta: subtract(after.sizeBytes, before.sizeBytes),
    digestChanged: differs(before.digest, after.digest),
    verificationChanged: differs(before.verified, after.verified),
    rests: before.kind === "witnessed" && after.kind === "witnessed" ? "on what was witnessed" : "on a claim",
  };
}

/** The changes of a history beside its entries; the first entry has none. */
export function compareHistory(
  entries: readonly HistoryEntry[],
): readonly { readonly entry: HistoryEntry; readonly change: HistoryChange | undefined }[] {
  return entries.map((entry, at) => {
    const before = entries[at - 1];
    return { entry, change: before === undefined ? undefined : compareEntries(before, entry) };
  });
}

function subtract(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a - b;
}
