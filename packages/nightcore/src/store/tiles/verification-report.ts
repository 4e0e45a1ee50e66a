import type { Bytes } from "#core";
import type { LedgerFault } from "#ports";
import type { ArchivePlace, PruningRecord } from "./pruned-part.ts";

/** What to verify, and how far. */
export type LedgerVerificationOptions = {
  readonly folder: string;
  /** The log's verifier keys, one in a line, from a place that the log's operator does not control. */
  readonly vkey: string;
  /** Also check the DSSE signature of each entry: some 70 microseconds each. */
  readonly signatures?: boolean;
  /** Where the archive of a pruned log is looked for; absent: it is verified from the minimum index on. */
  readonly archive?: ArchivePlace | undefined;
  /** False: a copy of the public folder alone, which has no journal. */
  readonly journal?: boolean;
  /** Called now and then with the number of entries checked. */
  readonly onProgress?: (checked: number, size: number) => void;
};

/** What a verification found. Sound when `problems` is empty. */
export type LedgerVerification = {
  /** Entries that the published checkpoint covers, and those that are durable with the journal's. */
  readonly size: number;
  readonly durableSize: number;
  /** The first entry that was looked at: 0, or the minimum index of a pruned log whose archive is not here. */
  readonly verifiedFrom: number;
  /** The entry that tells of what is not in the published folder; null when nothing is missing there, or nothing tells of it. */
  readonly pruning: PruningRecord | null;
  /** The root over the entries as they are in the bundles, in hexadecimal. */
  readonly root: string;
  /** Bytes of an unfinished frame at the journal's tail: never acknowledged, and cut when the ledger is opened next. */
  readonly tornBytes: number;
  readonly signaturesChecked: number;
  /** Whether the checkpoint is signed by the ML-DSA-44 key that was named. */
  readonly mlDsa44: boolean;
  readonly problems: readonly LedgerFault[];
};

/** What a verification of the tree alone finds. */
export type TreeVerification = Omit<LedgerVerification, "mlDsa44">;

/** What a tree is compared with: its size, and the root that somebody signed; undefined when there is no such signature. */
export type ExpectedTree = { readonly size: number; readonly root: Bytes | undefined };
