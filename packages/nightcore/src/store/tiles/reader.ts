import { join } from "node:path";
import { type Bytes, fail, ok, parseUtf8, type Result } from "#core";
import { type Checkpoint, parseEntryOffsets, parseSignedCheckpoint, TILE_WIDTH, tilePath } from "#ledger";
import type { LedgerFault, LedgerReader } from "#ports";
import { errnoOf, faultOfError, ledgerFault, nodeFiles, readWhole, refuse } from "./file-layer.ts";
import { findJournal, foundEntries, JOURNAL_FOLDER } from "./journal-search.ts";
import { CHECKPOINT_FILE, PUBLIC_FOLDER, readTileFile } from "./public-folder.ts";

/** Thrown by {@link TilesReader.entries} when a bundle is missing or malformed: the ledger was damaged after it was opened. */
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
};

const ATTEMPTS_MAX = 20; // LIMIT: a writer may free a segment between our two looks; it does so once per segment

/**
 * Opens a ledger for reading, whether or not a writer has it open. Entries past the published size come from journal frames
 * whose hashes hold. Refuses a journal that stays damaged however often it is looked at. KNOWN: a frame that holds may be
 * read in the moment before its flush has returned.
 */
export function openLedgerReader(options: { readonly folder: string }): Result<TilesReader, LedgerFault> {
  let last: LedgerFault | undefined;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    try {
      return ok(readSnapshot(options.folder));
    } catch (error) {
      last = faultOfError(error, "");
      // Only a journal can look damaged because a writer moved on between two looks.
      if (last.code !== "ledger/corrupt-frame" && last.code !== "ledger/rollback" && errnoOf(error) !== "ENOENT") break;
    }
  }
  return fail(last ?? ledgerFault("ledger/absent", "", ""));
}

function readSnapshot(folder: string): SnapshotReader {
  const { checkpoint, published } = readPublished(folder);
  const { size } = published;
  const journal = findJournal(nodeFiles, folder, { publishedSize: size, checkAll: false });
  const { firstIndex = size, nextIndex = size } = journal;
  if (firstIndex > size || nextIndex < size) {
    refuse("ledger/rollback", JOURNAL_FOLDER, `it holds entries ${firstIndex} to ${nextIndex}, and ${size} are published`);
  }
  const tail = [...foundEntries(journal, size)].map(({ entry }) => Buffer.from(entry));
  return new SnapshotReader({ folder, checkpoint, published, tail });
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
  /** Entries from the published size on. */
  readonly tail: readonly Bytes[];
};

class SnapshotReader implements TilesReader {
  readonly folder: string;
  readonly checkpoint: string;
  readonly published: Checkpoint;
  readonly size: number;
  readonly #tail: readonly Bytes[];

  constructor({ folder, checkpoint, published, tail }: Snapshot) {
    this.folder = folder;
    this.checkpoint = checkpoint;
    this.published = published;
    this.size = published.size + tail.length;
    this.#tail = tail;
  }

  *entries(from: number, to: number): Generator<Bytes> {
    const end = Math.min(to, this.size);
    const publishedEnd = Math.min(end, this.published.size);
    for (let index = from; index < publishedEnd;) {
      const bundle = Math.floor(index / TILE_WIDTH);
      const width = Math.min(TILE_WIDTH, this.published.size - bundle * TILE_WIDTH);
      const bytes = readTileFile(nodeFiles, this.folder, { level: "entries", index: bundle, width });
      const where = `${PUBLIC_FOLDER}/${tilePath({ level: "entries", index: bundle, width })}`;
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

  close(): void {
    // Nothing is held open between calls.
  }
}
