import { quote } from "#core";
import type { LedgerVerification } from "#store/tiles";

/** What there is to say of a pruned log beside a verification of it: nothing where the published folder is whole. */
export function wordPruning({ pruning, verifiedFrom }: Pick<LedgerVerification, "pruning" | "verifiedFrom">): readonly string[] {
  if (pruning === null) return [];
  const { entry, event } = pruning;
  const taken = `the entries before ${event.minimumIndex} were pruned (entry ${entry}, ${event.at}) into ${quote(event.archive)}`;
  if (verifiedFrom === 0) return [`${taken}, and verified there`];
  return [
    `${taken}, which is not here: the bytes of entries 0 to ${verifiedFrom - 1} were not verified, only that the tree holds their hashes`,
  ];
}
