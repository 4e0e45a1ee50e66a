import { parseTilePath, TILE_WIDTH, tileWidth } from "#ledger";
import type { LedgerFault } from "#ports";
import type { FoundJournal } from "./journal-search.ts";
import { ARCHIVE_PREFIX } from "./pruned-part.ts";
import { PUBLIC_FOLDER } from "./public-folder.ts";
import { BYTES_BEHIND } from "./verification.ts";

/**
 * What a finding is about. `derived`: the entries give it again. `authoritative`: nothing here does, so it is never written
 * by a repair; it comes back from a backup, or from somebody who has copied what was published.
 */
export type FindingNature = "derived" | "authoritative";

/** One thing that is wrong, and where: a file relative to the ledger folder, an offset in it, the entries that it is about. */
export type LedgerFinding = {
  readonly fault: LedgerFault;
  readonly file: string;
  readonly offset: number | undefined;
  /** `to` is excluded. */
  readonly entries: { readonly from: number; readonly to: number } | undefined;
  readonly nature: FindingNature;
};

/** What decides whether a damaged file can be given again. */
export type Sources = {
  /** Undefined: the journal itself was refused. */
  readonly journal: FoundJournal | undefined;
  readonly publishedSize: number;
};

/**
 * Tells the derived from the authoritative. A bundle is derived while the journal holds all of its entries, or the whole file
 * does and more; a tile, while no bundle below it is lost; everything else that a verification names is authoritative.
 */
export function judgeFindings(problems: readonly LedgerFault[], sources: Sources): readonly LedgerFinding[] {
  const placed = problems.map((fault) => ({ fault, ...placeOf(fault.where, sources.publishedSize) }));
  const lost = placed.flatMap(({ fault, entries, isSource }) =>
    isSource && entries !== undefined && fault.detail !== BYTES_BEHIND && !journalHolds(sources.journal, entries)
      ? [entries]
      : [],
  );
  return placed.map(({ fault, file, offset, entries }) => {
    const isDerived = entries !== undefined && !isArchived(file) && !lost.some((gone) => overlap(gone, entries));
    return { fault, file, offset, entries, nature: isDerived ? "derived" : "authoritative" };
  });
}

type Entries = { readonly from: number; readonly to: number };

function journalHolds(journal: FoundJournal | undefined, { from, to }: Entries): boolean {
  return journal?.firstIndex !== undefined && journal.firstIndex <= from && (journal.nextIndex ?? 0) >= to;
}

function overlap(one: Entries, other: Entries): boolean {
  return one.from < other.to && other.from < one.to;
}

/** No repair writes into an archive. */
function isArchived(file: string): boolean {
  return file.startsWith(`${ARCHIVE_PREFIX}/`);
}

/**
 * Takes `public/tile/0/001:64` or `archive/tile/0/001:64` apart. Entries only for tiles and bundles; `isSource` for the bundles that the published size
 * asks for: what stands beside them is a shorter form.
 */
function placeOf(where: string, publishedSize: number) {
  const form = /^(.*):([0-9]+)$/.exec(where);
  const file = form?.[1] ?? where;
  const offset = form === null ? undefined : Number(form[2]);
  const place = [PUBLIC_FOLDER, ARCHIVE_PREFIX].find((prefix) => file.startsWith(`${prefix}/`));
  const tile = place === undefined ? undefined : parseTilePath(file.slice(place.length + 1));
  if (tile?.ok !== true) return { file, offset, entries: undefined, isSource: false };
  const { level, index, width } = tile.value;
  const each = level === "entries" ? 1 : TILE_WIDTH ** level;
  const from = index * TILE_WIDTH * each;
  const to = Math.min(from + width * each, Math.max(publishedSize, from));
  const isSource = level === "entries" && width >= tileWidth(level, index, publishedSize);
  return { file, offset, entries: { from, to }, isSource };
}
