import { join } from "node:path";
import { type Bytes, equalBytes } from "#core";
import {
  type Checkpoint,
  encodeEntries,
  GrowingTiles,
  HASH_BYTES,
  parseEntryOffsets,
  TILE_WIDTH,
  type TileCoordinate,
  tilePath,
  type TreeHash,
  tileWidth,
} from "#ledger";
import { type FileLayer, refuse } from "./file-layer.ts";
import { type FoundJournal, foundEntries } from "./journal-search.ts";
import type { PrunedPart } from "./pruned-part.ts";
import { CHECKPOINT_FILE, type DerivedWriter, listLeftovers, PUBLIC_FOLDER, readTileFile } from "./public-folder.ts";

/** What a repair works on. The caller holds the lock, has verified the checkpoint's signature and searched the journal. */
export type RepairOptions = {
  readonly files: FileLayer;
  readonly folder: string;
  readonly hash: TreeHash;
  readonly derived: DerivedWriter;
  readonly found: FoundJournal;
  readonly published: Checkpoint;
  /** What was pruned is read from its archive, and not written into the published folder again. */
  readonly pruned: PrunedPart;
};

/** What a repair did, as paths relative to the ledger folder. */
export type TreeRepairs = { readonly rewritten: readonly string[]; readonly removed: readonly string[] };

/**
 * Writes every tile and bundle of the published tree again that is missing or has other bytes, and removes what a
 * dead writer left unfinished. It first computes the root from the entries, the journal's before those of the bundles, and refuses to write anything when that
 * is not the checkpoint's: `ledger/pruned` without the archive of a pruned log, `ledger/missing-tile` and `ledger/corrupt-tile` for a bundle that nothing here gives again,
 * `ledger/corrupt-checkpoint` for entries that are not those of the log.
 */
export function repairTree(options: RepairOptions): TreeRepairs {
  return new TreeRepair(options).run();
}

class TreeRepair {
  readonly #options: RepairOptions;
  readonly #journal = new Map<number, Bytes>();
  readonly #rewritten: string[] = [];

  constructor(options: RepairOptions) {
    this.#options = options;
    for (const { index, entry } of foundEntries(options.found, 0)) this.#journal.set(index, entry);
  }

  run(): TreeRepairs {
    const { published, derived, files, folder } = this.#options;
    const computed = this.#walk(() => undefined);
    if (!equalBytes(computed, published.root)) {
      const detail = "the entries that are left do not give its root, so nothing was repaired";
      refuse("ledger/corrupt-checkpoint", `${PUBLIC_FOLDER}/${CHECKPOINT_FILE}`, detail);
    }
    this.#walk((tile, content) => this.#write(tile, content));
    derived.flush();
    const removed = listLeftovers(folder);
    for (const path of removed) files.unlink(join(folder, path));
    return { rewritten: this.#rewritten, removed };
  }

  /** Goes through all entries in order and hands on what each file must be. Returns the root over them. */
  #walk(take: (tile: TileCoordinate, content: Content) => void): Bytes {
    const { hash, published } = this.#options;
    const tiles = GrowingTiles.resume(hash, 0, () => new Uint8Array(0));
    for (let index = 0; index * TILE_WIDTH < published.size; index++) {
      const width = tileWidth("entries", index, published.size);
      const entries = this.#entries(index, width);
      take({ level: "entries", index, width }, (count) => encodeEntries(entries.slice(0, count)));
      for (const entry of entries) tiles.append(hash.leaf(entry));
      for (const tile of tiles.takeFull()) take(tile, prefixOf(tile.bytes));
    }
    for (const tile of tiles.partials()) take(tile, prefixOf(tile.bytes));
    return tiles.root();
  }

  #entries(index: number, width: number): readonly Bytes[] {
    const { files, folder, pruned } = this.#options;
    const first = index * TILE_WIDTH;
    const journaled = Array.from({ length: width }, (_, i) => this.#journal.get(first + i)).filter(
      (entry) => entry !== undefined,
    );
    if (journaled.length === width) return journaled;
    const tile = { level: "entries", index, width } as const;
    const bytes = readTileFile(files, folder, tile) ?? pruned.read(tile);
    const where = `${PUBLIC_FOLDER}/${tilePath(tile)}`;
    const gone = "neither it nor the journal holds its entries any more, so nothing was repaired";
    if (bytes === undefined) return refuse("ledger/missing-tile", where, gone);
    const offsets = parseEntryOffsets(bytes, width);
    if (!offsets.ok) return refuse("ledger/corrupt-tile", `${where}:${offsets.fault.offset}`, gone);
    return offsets.value.slice(0, width).map((at, i) => bytes.subarray(at + 2, offsets.value[i + 1]));
  }

  /** The file of a tile or bundle, and the shorter forms of it that still stand beside it. */
  #write(tile: TileCoordinate, content: Content): void {
    const { files, folder, pruned } = this.#options;
    if (!files.exists(join(folder, PUBLIC_FOLDER, tilePath(tile))) && pruned.covers(tile)) return;
    const partials = `${tilePath({ ...tile, width: TILE_WIDTH })}.p`;
    const widths = files
      .list(join(folder, PUBLIC_FOLDER, partials))
      .filter((name) => /^[1-9][0-9]{0,2}$/.test(name))
      .map(Number);
    for (const width of new Set([tile.width, ...widths.filter((known) => known < tile.width)])) {
      const path = tilePath({ ...tile, width });
      if (this.#options.derived.repair(path, content(width))) this.#rewritten.push(`${PUBLIC_FOLDER}/${path}`);
    }
  }
}

/** The bytes of a file that holds the first `count` entries or hashes. */
type Content = (count: number) => Bytes;

function prefixOf(bytes: Bytes): Content {
  return (count) => bytes.subarray(0, count * HASH_BYTES);
}
