import { join } from "node:path";
import { type Bytes, fail, ok, parseUtf8, type Result } from "#core";
import {
  type Checkpoint,
  parseEntryOffsets,
  parseSignedCheckpoint,
  TILE_WIDTH,
  type TileCoordinate,
  tilePath,
  tileWidth,
} from "#ledger";
import type { LedgerFault, LedgerReader } from "#ports";
import { attempt, errnoOf, faultOfError, ledgerFault, nodeFiles, readWhole, refuse, Refusal } from "./file-layer.ts";
import { findJournal, foundEntries, JOURNAL_FOLDER } from "./journal-search.ts";
import { archivedPath, type ArchivePlace, PrunedPart } from "./pruned-part.ts";
import { CHECKPOINT_FILE, PUBLIC_FOLDER, readTileFile } from "./public-folder.ts";

/**
 * Thrown by {@link TilesReader.entries} when a bundle is missing or malformed: the ledger was damaged after it was opened, or
 * what was pruned is asked for without its archive.
 */
export class LedgerDamage extends Error {
  readonly fault: LedgerFault;
  constructor(fault: LedgerFault) {
    super(`${fault.code} ${fault.where}`);
    this.fault = fault;
  }
}

/** A reader that also knows what is published. `size` does not move after opening. */
export type TilesReader = LedgerReader & {
  readonly folder: string;
  /** The published checkpoint as parsed, and its exact text. Its signature has not been checked: a reader has no key. */
  readonly published: Checkpoint;
  readonly checkpoint: string;
  /** The first entry that the journal holds; the published size when it holds none of what is published. */
  readonly journalFrom: number;
  /** What was pruned, and the archive that it is read from. */
  readonly pruned: PrunedPart;
  /** Whether every published entry can be read, from the published folder or the archive; the fault of the first that cannot. */
  checkReadable(): Result<undefined, LedgerFault>;
};

/** The ledger to read. Without `publicKey` nothing counts as pruned, and without `archive` what was pruned cannot be read. */
export type LedgerReaderOptions = {
  readonly folder: string;
  readonly publicKey?: Bytes | undefined;
  readonly archive?: ArchivePlace | undefined;
};

const ATTEMPTS_MAX = 20; // LIMIT: a writer may free a segment between our two looks; it does so once per segment

/**
 * Opens a ledger for reading, whether or not a writer has it open. Entries past the published size come from journal frames
 * whose hashes hold. Refuses a journal that stays damaged however often it is looked at. KNOWN: a frame that holds may be
 * read in the moment before its flush has returned.
 */
export function openLedgerReader(options: LedgerReaderOptions): Result<TilesReader, LedgerFault> {
  let last: LedgerFault | undefined;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    try {
      return ok(readSnapshot(options));
    } catch (error) {
      last = faultOfError(error, "");
      // Only a journal can look damaged because a writer moved on between two looks.
      if (last.code !== "ledger/corrupt-frame" && last.code !== "ledger/rollback" && errnoOf(error) !== "ENOENT") break;
    }
  }
  return fail(last ?? ledgerFault("ledger/absent", "", ""));
}

/**
 * Opens what is published of a ledger, and leaves the journal unread, which costs more than one entry of a tile: `size` is the
 * published size, and what was pruned is not there. A checkpoint that is absent or malformed is a fault.
 */
export function openPublishedReader({ folder }: Pick<LedgerReaderOptions, "folder">): Result<LedgerReader, LedgerFault> {
  try {
    const { checkpoint, published } = readPublished(folder);
    const pruned = new PrunedPart({ folder, publicKey: undefined, place: undefined });
    return ok(new SnapshotReader({ folder, checkpoint, published, journalFrom: published.size, pruned, tail: [] }));
  } catch (error) {
    return fail(faultOfError(error, ""));
  }
}

function readSnapshot({ folder, publicKey, archive }: LedgerReaderOptions): SnapshotReader {
  const { checkpoint, published } = readPublished(folder);
  const { size } = published;
  const journal = findJournal(nodeFiles, folder, { publishedSize: size, checkAll: false });
  const { firstIndex = size, nextIndex = size } = journal;
  if (firstIndex > size || nextIndex < size) {
    refuse("ledger/rollback", JOURNAL_FOLDER, `it holds entries ${firstIndex} to ${nextIndex}, and ${size} are published`);
  }
  const tail = [...foundEntries(journal, size)].map(({ entry }) => Buffer.from(entry));
  const pruned = new PrunedPart({ folder, publicKey, place: archive });
  return new SnapshotReader({ folder, checkpoint, published, journalFrom: Math.min(firstIndex, size), pruned, tail });
}

function readPublished(folder: string): { readonly checkpoint: string; readonly published: Checkpoint } {
  const where = `${PUBLIC_FOLDER}/${CHECKPOINT_FILE}`;
  const bytes = readWhole(nodeFiles, join(folder, where));
  if (bytes === undefined) refuse("ledger/absent", where, "");
  const checkpoint = parseUtf8(bytes);
  if (!checkpoint.ok) refuse("ledger/corrupt-checkpoint", where, checkpoint.fault.code);
  const published = parseSignedCheckpoint(checkpoint.value);
  if (!published.ok) refuse("ledger/corrupt-checkpoint", where, published.fault.code);
  return { checkpoint: checkpoint.value, published: published.value };
}

type Snapshot = {
  readonly folder: string;
  readonly checkpoint: string;
  readonly published: Checkpoint;
  readonly journalFrom: number;
  readonly pruned: PrunedPart;
  /** Entries from the published size on. */
  readonly tail: readonly Bytes[];
};

class SnapshotReader implements TilesReader {
  readonly folder: string;
  readonly checkpoint: string;
  readonly published: Checkpoint;
  readonly journalFrom: number;
  readonly pruned: PrunedPart;
  readonly size: number;
  readonly #tail: readonly Bytes[];

  constructor({ folder, checkpoint, published, journalFrom, pruned, tail }: Snapshot) {
    this.folder = folder;
    this.checkpoint = checkpoint;
    this.published = published;
    this.journalFrom = journalFrom;
    this.pruned = pruned;
    this.size = published.size + tail.length;
    this.#tail = tail;
  }

  *entries(from: number, to: number): Generator<Bytes> {
    const end = Math.min(to, this.size);
    const publishedEnd = Math.min(end, this.published.size);
    for (let index = from; index < publishedEnd;) {
      const bundle = Math.floor(index / TILE_WIDTH);
      const width = Math.min(TILE_WIDTH, this.published.size - bundle * TILE_WIDTH);
      const { bytes, where } = this.#readBundle({ level: "entries", index: bundle, width });
      if (bytes === undefined) throw new LedgerDamage({ code: "ledger/missing-tile", where, detail: "" });
      const offsets = parseEntryOffsets(bytes, width);
      if (!offsets.ok) {
        const at = `${where}:${offsets.fault.offset}`;
        throw new LedgerDamage({ code: "ledger/corrupt-tile", where: at, detail: offsets.fault.what });
      }
      for (; index < publishedEnd && index < (bundle + 1) * TILE_WIDTH; index++) {
        const i = index - bundle * TILE_WIDTH;
        yield bytes.subarray((offsets.value[i] ?? 0) + 2, offsets.value[i + 1]);
      }
    }
    for (let index = Math.max(from, this.published.size); index < end; index++) {
      const entry = this.#tail[index - this.published.size];
      if (entry !== undefined) yield entry;
    }
  }

  checkReadable(): Result<undefined, LedgerFault> {
    return attempt("", () => {
      for (let index = 0; index * TILE_WIDTH < this.published.size; index++) {
        const tile = { level: "entries", index, width: tileWidth("entries", index, this.published.size) } as const;
        const forms = [tile, { ...tile, width: TILE_WIDTH }];
        if (forms.some((form) => nodeFiles.exists(join(this.folder, PUBLIC_FOLDER, tilePath(form))))) continue;
        if (this.pruned.read(tile) === undefined) refuse("ledger/missing-tile", `${PUBLIC_FOLDER}/${tilePath(tile)}`, "");
      }
      return ok(undefined);
    });
  }

  #readBundle(tile: TileCoordinate): { readonly bytes: Buffer | undefined; readonly where: string } {
    try {
      const where = `${PUBLIC_FOLDER}/${tilePath(tile)}`;
      const bytes = readTileFile(nodeFiles, this.folder, tile);
      const archived = bytes === undefined ? this.pruned.read(tile) : undefined;
      return archived === undefined ? { bytes, where } : { bytes: archived, where: archivedPath(tile) };
    } catch (error) {
      throw error instanceof Refusal ? new LedgerDamage(error.fault) : error;
    }
  }

  close(): void {
    // Nothing is held open between calls.
  }
}
