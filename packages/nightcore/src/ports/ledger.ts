import type { Bytes, Explanation, Fault, Result } from "#core";

/**
 * Why the log on disk was refused or stopped. Each is final for this process: a writer that has seen one signs nothing more;
 * but for `ledger/not-acknowledged`, which takes nothing back: what it is about is durable, and nobody may be told of it.
 * `where` is a path relative to the ledger folder, with an offset where there is one.
 */
export type LedgerFaultCode =
  | "ledger/locked"
  | "ledger/absent"
  | "ledger/corrupt-frame"
  | "ledger/corrupt-tile"
  | "ledger/corrupt-checkpoint"
  | "ledger/missing-tile"
  | "ledger/pruned"
  | "ledger/rollback"
  | "ledger/forked"
  | "ledger/restored"
  | "ledger/foreign-backup"
  | "ledger/occupied"
  | "ledger/leftover"
  | "ledger/projection-differs"
  | "ledger/entry-too-large"
  | "ledger/disk-full"
  | "ledger/write-failed"
  | "ledger/not-acknowledged"
  | "ledger/closed";

export type LedgerFault = Fault & { readonly code: LedgerFaultCode; readonly where: string; readonly detail: string };

const SENTENCES: Readonly<Record<LedgerFaultCode, readonly [message: string, hint?: string]>> = {
  "ledger/locked": ["another process is writing this workspace's ledger", "wait for it to finish, or stop it"],
  "ledger/absent": ["there is no ledger here", "run `nightcore init`"],
  "ledger/corrupt-frame": [
    "the ledger's journal is damaged",
    "nothing was changed; keep the folder as evidence, and see what `nightcore ledger fsck` says",
  ],
  "ledger/corrupt-tile": [
    "a published tile differs from the journal or from its own hashes",
    "`nightcore ledger fsck` says what can be repaired",
  ],
  "ledger/corrupt-checkpoint": [
    "the checkpoint is malformed or its signature is wrong",
    "`nightcore ledger fsck` says what can be repaired",
  ],
  "ledger/missing-tile": ["a tile that the checkpoint covers is missing", "`nightcore ledger fsck` says what can be repaired"],
  "ledger/pruned": [
    "entries that are needed were pruned, and their archive is not here",
    "name the folder as `log_archive` under `[retention]` in nightcore.toml, or bring it back",
  ],
  "ledger/rollback": [
    "the ledger is shorter than what it has already published",
    "an older copy was restored; get the newer one back",
  ],
  "ledger/forked": [
    "the ledger contradicts a checkpoint that its own key has signed",
    "stop writing; both checkpoints together prove it to anyone, so keep them",
  ],
  "ledger/restored": [
    "the ledger was restored from a backup, and nobody has said that nothing newer exists",
    "`nightcore ledger resume` goes on once that is shown; `nightcore init --continues` begins a new log instead",
  ],
  "ledger/foreign-backup": [
    "the folder holds no backup and no archive of this log",
    "name an empty folder, or the one that earlier ones of this log are in",
  ],
  "ledger/occupied": [
    "there is a ledger already, and a restored one never takes the place of another",
    "move `.nightcore/ledger` away, and keep it: it may know more than the backup",
  ],
  "ledger/leftover": ["a writer that died left a temporary file", "`nightcore ledger fsck --repair` removes it"],
  "ledger/projection-differs": [
    "the projection is not what the log gives",
    "`nightcore ledger fsck --repair` folds it again; nothing of the log is lost",
  ],
  "ledger/entry-too-large": ["an entry may have at most 65,535 bytes", "keep the payload as a blob and record its digest"],
  "ledger/disk-full": [
    "the disk is full, and what cannot be recorded is neither run nor reported",
    "free some space and try again",
  ],
  "ledger/write-failed": ["writing the ledger failed, so nothing more is recorded or run", "check the disk, then try again"],
  "ledger/not-acknowledged": [
    "what was recorded is not acknowledged, so nothing of it was started and nothing is told",
    "the entries stay in the log; bring the witnesses back and run again, or choose `fail_open` in nightcore.toml",
  ],
  "ledger/closed": ["the ledger is closed"],
};

export function explainLedgerFault(fault: LedgerFault): Explanation {
  const [sentence, hint] = SENTENCES[fault.code];
  const place = fault.where === "" ? "" : ` (${fault.where})`;
  const message = `${sentence}${fault.detail === "" ? "" : `: ${fault.detail}`}${place}`;
  return hint === undefined ? { message } : { message, hint };
}

/** Where an entry has been made durable, and the signed checkpoint that covers it. */
export type Appended = { readonly index: number; readonly checkpoint: string };

/** What opening found and mended: bytes of a torn tail that were cut, derived files that were rewritten, leftovers removed. */
export type Recovery = {
  readonly tornBytes: number;
  readonly rewrittenFiles: readonly string[];
  readonly removedFiles: readonly string[];
};

/** POWER: the one writer of a ledger. Every promise resolves only after the flush that makes its entries survive a power cut. */
export type LedgerWriter = {
  /** Entries in the log when it was opened, and what opening had to mend. */
  readonly openedSize: number;
  readonly recovery: Recovery;
  /**
   * Wraps each payload (the bytes of an in-toto statement) in a signed DSSE envelope and appends the envelopes in order,
   * all or none. Concurrent calls share a flush.
   */
  append(payloads: readonly Bytes[]): Promise<Result<readonly Appended[], LedgerFault>>;
  /** Writes out tiles and checkpoint for everything appended so far. */
  publish(): Promise<Result<string, LedgerFault>>;
  /** Publishes, releases the lock and stops. */
  close(): Promise<Result<string, LedgerFault>>;
};

/** Reads a ledger whether or not a writer has it open. Sizes and indices count entries. */
export type LedgerReader = {
  /** Durable entries, those not yet published included. */
  readonly size: number;
  /** The exact envelope bytes of entries `from` to `to`, `to` excluded, in order. */
  entries(from: number, to: number): Iterable<Bytes>;
  close(): void;
};
