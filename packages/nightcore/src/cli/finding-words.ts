import { explainLedgerFault } from "#ports";
import type { LedgerFinding } from "#store/tiles";

/** A finding in words: what is wrong, which entries it is about, what to do. */
export type FindingWords = {
  readonly nature: LedgerFinding["nature"];
  readonly code: string;
  readonly file: string;
  /** `to` is excluded. */
  readonly entries: { readonly from: number; readonly to: number } | null;
  /** How often the same was found in this file; the words are those of the first time. */
  readonly count: number;
  readonly message: string;
  readonly advice: string;
};

/** One for each file and code, in the order in which they were found. */
export function wordFindings(findings: readonly LedgerFinding[]): readonly FindingWords[] {
  const grouped = new Map<string, readonly LedgerFinding[]>();
  for (const finding of findings) {
    const key = `${finding.nature} ${finding.fault.code} ${finding.file}`;
    grouped.set(key, [...(grouped.get(key) ?? []), finding]);
  }
  return [...grouped.values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const { nature, fault, file, entries } = first;
    const { message } = explainLedgerFault(fault);
    return [{ nature, code: fault.code, file, entries: entries ?? null, count: same.length, message, advice: advise(first) }];
  });
}

/** What to do next. What is derived is given again by a repair; what is not comes from somewhere else, or not at all. */
function advise({ nature, fault, file, entries }: LedgerFinding): string {
  if (nature === "derived") return DERIVED_ADVICE[fault.code] ?? "`nightcore ledger fsck --repair` writes it again";
  switch (fault.code) {
    case "ledger/corrupt-frame":
      return "stop writing and keep the folder; what is published is sound as far as nothing else is named: restore a backup, or begin a new log";
    case "ledger/rollback":
      return "put back the newer copy; if there is none, `nightcore ledger restore` from the newest backup, or begin a new log";
    case "ledger/forked":
      return "keep both checkpoints, they prove it; go on with the copy that was cosigned, or begin a new log";
    case "ledger/restored":
      return "`nightcore ledger resume` goes on once nothing newer is shown; it can be read and verified as it is";
    case "ledger/absent":
      return "restore a backup (`nightcore ledger restore DIR`), or put back public/checkpoint if that alone is gone";
    case "ledger/corrupt-checkpoint":
      return "put back public/checkpoint from a backup, or from a witness (`GET /HASH/checkpoint`) if that has seen as much";
    default:
      return entries === undefined
        ? "restore the newest backup"
        : `put back ${file} from a backup, or from whoever copies the published folder, and look again`;
  }
}

const DERIVED_ADVICE: Readonly<Record<string, string>> = {
  "ledger/leftover": "`nightcore ledger fsck --repair` removes it",
  "ledger/projection-differs": "`nightcore ledger fsck --repair` folds it again from the log",
};
