import { join, resolve } from "node:path";
import { parseEnvelope, parseStatement, verifyEnvelope } from "#attest";
import { type Bytes, parseUtf8, quote } from "#core";
import { parseEntryOffsets, parseSignedCheckpoint, TILE_WIDTH, type TileCoordinate, tilePath, tileWidth } from "#ledger";
import type { LedgerFault } from "#ports";
import { type PruningEvent, readEvent } from "#state";
import { verifyEd25519 } from "#store/keys";
import { type FileLayer, ledgerFault, nodeFiles, readWhole, Refusal } from "./file-layer.ts";
import { CHECKPOINT_FILE, PUBLIC_FOLDER, readTile, readTileFile } from "./public-folder.ts";

/** Where the archive of pruned entries is looked for. */
export type ArchivePlace = {
  /** What the place that a pruning entry names is relative to: the workspace. */
  readonly base: string;
  /** The archive itself, where it is not, or not any more, where the pruning entry says. */
  readonly folder?: string | undefined;
};

/** The newest pruning entry of a log, and its index. */
export type PruningRecord = { readonly entry: number; readonly event: PruningEvent };

/** How paths in an archive begin in faults and findings; the rest is the tile's path. */
export const ARCHIVE_PREFIX = "archive";

type PrunedPartOptions = {
  readonly files?: FileLayer;
  readonly folder: string;
  /** The log's key: nothing counts as a pruning entry that it has not signed. Undefined: nothing counts at all. */
  readonly publicKey: Bytes | undefined;
  readonly place: ArchivePlace | undefined;
  /** Entries that are believed to be published, whatever the checkpoint says. */
  readonly sizeMin?: number;
};

/**
 * What is not in the published folder any more because it was pruned: bundles and tiles of level 0 below the minimum index. The
 * log itself says so, in an entry that stands above that index; a file that is missing without it is damage. The entry is
 * looked for, from the end of the log, only when a file is missing. Reads the archive if that is here, and changes nothing.
 */
export class PrunedPart {
  readonly #options: PrunedPartOptions;
  #searchedSize = -1;
  #record: PruningRecord | undefined;

  constructor(options: PrunedPartOptions) {
    this.#options = options;
  }

  /** The pruning entry that a missing file has led to; undefined as long as none was missing. */
  get record(): PruningRecord | undefined {
    return this.#record;
  }

  /** Whether the log says that this file was pruned. */
  covers({ level, index }: Omit<TileCoordinate, "width">): boolean {
    if (level !== "entries" && level !== 0) return false;
    const end = (index + 1) * TILE_WIDTH;
    if (end <= this.#minimumIndex) return true;
    this.#search();
    return end <= this.#minimumIndex;
  }

  /** Whether there is an archive. Meaningful once {@link covers} has said that something was pruned. */
  get isArchiveHere(): boolean {
    const { folder } = this;
    return folder !== undefined && this.#files.exists(join(folder, PUBLIC_FOLDER));
  }

  /** Where the archive is looked for; undefined where nobody has named a place. */
  get folder(): string | undefined {
    const { place } = this.#options;
    if (place === undefined || this.#record === undefined) return undefined;
    return place.folder ?? resolve(place.base, this.#record.event.archive);
  }

  /** A file from the archive; undefined when it is not there, is a tile that was cut, or was never pruned. */
  find(tile: TileCoordinate): Buffer | undefined {
    if (!this.covers(tile) || this.folder === undefined) return undefined;
    const read = tile.level === "entries" ? readTileFile : readTile;
    return read(this.#files, this.folder, tile);
  }

  /** The same, where it is needed: throws `ledger/pruned` without an archive, `ledger/missing-tile` for one that lacks the file. */
  read(tile: TileCoordinate): Buffer | undefined {
    if (!this.covers(tile)) return undefined;
    const bytes = this.find(tile);
    if (bytes !== undefined) return bytes;
    throw new Refusal(this.isArchiveHere ? ledgerFault("ledger/missing-tile", archivedPath(tile), "") : this.#tellAbsence(tile));
  }

  get #files(): FileLayer {
    return this.#options.files ?? nodeFiles;
  }

  get #minimumIndex(): number {
    return this.#record?.event.minimumIndex ?? 0;
  }

  #tellAbsence(tile: TileCoordinate): LedgerFault {
    const { entry = 0, event } = this.#record ?? {};
    const taken = `entry ${entry} took the entries before ${this.#minimumIndex} into ${quote(event?.archive ?? "")}`;
    return ledgerFault("ledger/pruned", `${PUBLIC_FOLDER}/${tilePath(tile)}`, taken);
  }

  /** Looks for the newest pruning entry in what is published now: a writer beside us may have pruned since we began. */
  #search(): void {
    const { publicKey, folder, sizeMin = 0 } = this.#options;
    if (publicKey === undefined) return;
    const size = Math.max(sizeMin, readPublishedSize(this.#files, folder));
    if (size === this.#searchedSize) return;
    this.#searchedSize = size;
    for (let index = Math.ceil(size / TILE_WIDTH) - 1; index >= 0; index--) {
      const width = tileWidth("entries", index, size);
      const bytes = readTileFile(this.#files, folder, { level: "entries", index, width });
      // What is missing or malformed here may be damage; the entry may stand before it.
      const offsets = bytes === undefined ? undefined : parseEntryOffsets(bytes, width);
      if (bytes === undefined || offsets?.ok !== true) continue;
      for (let i = width - 1; i >= 0; i--) {
        const event = parsePruning(bytes.subarray((offsets.value[i] ?? 0) + 2, offsets.value[i + 1]), publicKey);
        const entry = index * TILE_WIDTH + i;
        if (event === undefined || event.minimumIndex > entry) continue;
        this.#record = { entry, event };
        return;
      }
    }
  }
}

/** The path of an archived file as faults and findings name it. */
export function archivedPath(tile: TileCoordinate): string {
  return `${ARCHIVE_PREFIX}/${tilePath(tile)}`;
}

function readPublishedSize(files: FileLayer, folder: string): number {
  const note = parseUtf8(readWhole(files, join(folder, PUBLIC_FOLDER, CHECKPOINT_FILE)) ?? new Uint8Array(0));
  const head = note.ok ? parseSignedCheckpoint(note.value) : note;
  return head.ok ? head.value.size : 0;
}

/** The pruning that an entry tells of, its signature checked; undefined for every other entry. */
function parsePruning(entry: Bytes, publicKey: Bytes): PruningEvent | undefined {
  const envelope = parseEnvelope(entry);
  const statement = envelope.ok ? parseStatement(envelope.value.payload) : envelope;
  if (!envelope.ok || !statement.ok) return undefined;
  const event = readEvent(statement.value.predicateType, statement.value.predicate);
  // Checked last: a signature takes longer than all the rest, and few entries tell of a pruning.
  return event?.kind === "pruning" && verifyEnvelope(envelope.value, publicKey, verifyEd25519).ok ? event : undefined;
}
