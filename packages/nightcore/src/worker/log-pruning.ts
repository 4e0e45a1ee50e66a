/** What may not be pruned, by why; each is the first entry that stays for that reason. */
export type PruningBounds = {
  /** The index that was asked for; all of the log where a time was. */
  readonly asked: number;
  /** What no checkpoint has been published for. */
  readonly unpublished: number;
  /** What the journal still holds, and so would write again. */
  readonly journal: number;
  /** What nobody has cosigned, where somebody has cosigned the log. */
  readonly uncosigned: number;
  /** The first entry of a run that has no outcome yet. */
  readonly open: number;
};

/** Where pruning stops and why: by one of the bounds, or at an entry that is too young. */
export type PruningLimit = { readonly minimumIndex: number; readonly by: keyof PruningBounds | "young" };

/** What the decision is made from. */
export type PruningQuestion = {
  readonly bounds: PruningBounds;
  /** What is pruned is older than this. */
  readonly beforeMs: number;
  /** The minimum index that holds now. */
  readonly from: number;
  /** Entries in a bundle: only whole bundles are pruned. */
  readonly bundleWidth: number;
  /** The time of an entry; undefined when it says none, and then it counts as too young. */
  readonly timeOf: (index: number) => number | undefined;
};

/**
 * The greatest minimum index that keeps everything which is bound, and every entry that is not older than `beforeMs`. Looks at
 * few entries, because the times of a log never go down. Never less than `from`: what is pruned is not taken back.
 */
export function limitPruning({ bounds, beforeMs, from, bundleWidth, timeOf }: PruningQuestion): PruningLimit {
  const names = Object.keys(bounds) as (keyof PruningBounds)[];
  const by = names.reduce((least, name) => (bounds[name] < bounds[least] ? name : least));
  const isOld = (end: number): boolean => {
    const ms = timeOf(end * bundleWidth - 1);
    return ms !== undefined && ms < beforeMs;
  };
  let old = from / bundleWidth;
  let young = Math.floor(bounds[by] / bundleWidth) + 1;
  if (young <= old) return { minimumIndex: from, by };
  const most = young - 1;
  // INVARIANT: all bundles before `old` may go, and those from `young` on may not.
  while (young - old > 1) {
    const middle = Math.floor((old + young) / 2);
    if (isOld(middle)) old = middle;
    else young = middle;
  }
  return { minimumIndex: old * bundleWidth, by: old === most ? by : "young" };
}
