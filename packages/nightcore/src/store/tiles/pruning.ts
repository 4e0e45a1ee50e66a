import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { assert, type Bytes, encodeHex, equalBytes, fail, ok, type Result } from "#core";
import {
  GrowingTiles,
  HASH_BYTES,
  makeTreeHash,
  parseBundle,
  TILE_WIDTH,
  type TileCoordinate,
  tilePath,
  tileWidth,
  verifyConsistency,
} from "#ledger";
import type { LedgerFault } from "#ports";
import { sha256 } from "#store/keys";
import { faultOfError, type FileLayer, nodeFiles, readWhole, refuse } from "./file-layer.ts";
import { readConsistency } from "./proof.ts";
import { archivedPath } from "./pruned-part.ts";
import { DerivedWriter, PUBLIC_FOLDER, readTile } from "./public-folder.ts";
import type { TilesReader } from "./reader.ts";
import { changeNames } from "./surroundings.ts";

/** What to prune and where to. The caller holds the writer's lock, and has made sure that nobody needs the entries here. */
export type PruningOptions = {
  /** Sees everything that is published. */
  readonly reader: TilesReader;
  /** The archive: a folder that is absent, empty, or holds all that was pruned before; a whole backup of the log will do. */
  readonly archive: string;
  /** A multiple of 256. What is recorded already is not taken back: the greater of the two counts. */
  readonly minimumIndex: number;
  /** The minimum index that the log has recorded; 0 where nothing was pruned. */
  readonly recordedIndex: number;
  /** Appends the pruning entry and publishes it. Not called when there is nothing new to record. */
  readonly record: (root: string) => Promise<Result<unknown, LedgerFault>>;
  /** POWER: the file operations, for tests. */
  readonly files?: FileLayer;
};

/** What a pruning did: the minimum index that holds now, the files that went from the published folder, and their bytes. */
export type Pruned = { readonly minimumIndex: number; readonly files: number; readonly bytes: number };

/** The files that are pruned of 256 entries, in the order in which they go. */
const PRUNED_LEVELS = ["entries", 0] as const;

/**
 * Takes bundles and tiles of level 0 below the minimum index out of the published folder. First they are copied into the
 * archive and flushed, and what the archive holds then must give the published tree; then the entry that says so is recorded
 * and published; only then files go, each after it was compared with the archive. Whenever this dies nothing is lost, and the
 * next call finishes it. Refuses an archive of something else (`ledger/foreign-backup`), one that lacks what went before
 * (`ledger/missing-tile`), and entries that do not give the published tree (`ledger/corrupt-tile`).
 */
export async function pruneLedger(options: PruningOptions): Promise<Result<Pruned, LedgerFault>> {
  const { recordedIndex, record } = options;
  const minimumIndex = Math.max(options.minimumIndex, recordedIndex);
  assert(minimumIndex % TILE_WIDTH === 0, "whole bundles are pruned");
  try {
    const pruning = new Pruning(options, minimumIndex);
    if (minimumIndex > recordedIndex || pruning.from < minimumIndex) {
      const root = pruning.archive();
      const recorded = minimumIndex > recordedIndex ? await record(encodeHex(root)) : ok(undefined);
      if (!recorded.ok) return recorded;
    }
    return ok({ minimumIndex, ...pruning.remove() });
  } catch (error) {
    return fail(faultOfError(error, ""));
  }
}

class Pruning {
  /** The first entry that the published folder holds; everything from here on is there, and must be. */
  readonly from: number;
  readonly #options: PruningOptions;
  readonly #minimumIndex: number;
  readonly #files: FileLayer;
  readonly #hash = makeTreeHash(sha256);

  constructor(options: PruningOptions, minimumIndex: number) {
    this.#options = options;
    this.#minimumIndex = minimumIndex;
    this.#files = options.files ?? nodeFiles;
    let index = 0;
    while (index * TILE_WIDTH < minimumIndex && !this.#exists(options.reader.folder, { level: "entries", index })) index++;
    this.from = index * TILE_WIDTH;
  }

  /** Copies what the archive lacks, durably, and returns the root of the tree that it then holds. */
  archive(): Bytes {
    const { reader, archive } = this.#options;
    this.#checkComplete();
    const root = this.#computeRoot({ folder: reader.folder, where: (tile) => `${PUBLIC_FOLDER}/${tilePath(tile)}` });
    this.#checkPublished(root);
    this.#copy();
    const archived = this.#computeRoot({ folder: archive, where: archivedPath });
    if (!equalBytes(archived, root)) refuse("ledger/corrupt-tile", "archive", "it does not hold what was copied into it");
    return root;
  }

  /** Takes files out of the published folder, those also that an earlier pruning did not come to. */
  remove(): Omit<Pruned, "minimumIndex"> {
    const { reader, archive } = this.#options;
    const derived = new DerivedWriter(this.#files, reader.folder);
    let [files, bytes] = [0, 0];
    for (const tile of this.#tiles(0)) {
      derived.removePartials(tile); // beginnings of the full form, which a writer that died has left
      const path = join(reader.folder, PUBLIC_FOLDER, tilePath(tile));
      const published = readWhole(this.#files, path);
      if (published === undefined) continue;
      const archived = readWhole(this.#files, join(archive, PUBLIC_FOLDER, tilePath(tile)));
      if (archived === undefined) refuse("ledger/missing-tile", archivedPath(tile), "the published one stays");
      if (!equalBytes(published, archived))
        refuse("ledger/corrupt-tile", archivedPath(tile), "the published one is another, and stays");
      this.#checkApart(tile);
      // A name that comes back after a power cut is taken away by the next pruning.
      this.#files.unlink(path);
      files++;
      bytes += published.length;
    }
    return { files, bytes };
  }

  *#tiles(from: number): Generator<TileCoordinate> {
    for (let index = from / TILE_WIDTH; index < this.#minimumIndex / TILE_WIDTH; index++)
      for (const level of PRUNED_LEVELS) yield { level, index, width: TILE_WIDTH };
  }

  #exists(folder: string, tile: Omit<TileCoordinate, "width">): boolean {
    return this.#files.exists(join(folder, PUBLIC_FOLDER, tilePath({ ...tile, width: TILE_WIDTH })));
  }

  /** An archive holds all that was ever pruned, so that it and the published folder are the whole log. */
  #checkComplete(): void {
    for (let index = 0; index * TILE_WIDTH < this.from; index++) {
      const level = PRUNED_LEVELS.find((known) => !this.#exists(this.#options.archive, { level: known, index }));
      if (level === undefined) continue;
      const where = archivedPath({ level, index, width: TILE_WIDTH });
      refuse("ledger/missing-tile", where, "an archive holds all that was pruned; copy the earlier one into it");
    }
  }

  /** The archive's file must not be the published one under another name: removing that would remove both. */
  #checkApart(tile: TileCoordinate): void {
    const { reader, archive } = this.#options;
    const [one, other] = [reader.folder, archive].map((folder) =>
      statSync(join(folder, PUBLIC_FOLDER, tilePath(tile)), { bigint: true, throwIfNoEntry: false }),
    );
    if (one === undefined || other === undefined || one.ino !== other.ino || one.dev !== other.dev) return;
    refuse("ledger/foreign-backup", archivedPath(tile), "it is the published file itself");
  }

  /** The root of the first entries, by the published tiles above as far as the bundles have gone, and by the bundles after that. */
  #computeRoot(source: Source): Bytes {
    const tiles = GrowingTiles.resume(this.#hash, this.from, (level) => this.#readEdge(level, this.from));
    for (let index = this.from / TILE_WIDTH; index < this.#minimumIndex / TILE_WIDTH; index++) {
      const bundle = this.#read(source, { level: "entries", index, width: TILE_WIDTH });
      const entries = parseBundle(bundle, TILE_WIDTH);
      const where = (level: number | "entries") => source.where({ level, index, width: TILE_WIDTH });
      if (!entries.ok) return refuse("ledger/corrupt-tile", where("entries"), entries.fault.what);
      const leaves = entries.value.map((entry) => this.#hash.leaf(entry));
      const tile = this.#read(source, { level: 0, index, width: TILE_WIDTH });
      if (!equalBytes(tile, Buffer.concat(leaves)))
        refuse("ledger/corrupt-tile", where(0), "it is not the hashes of its entries");
      for (const leaf of leaves) tiles.append(leaf);
      tiles.takeFull(); // nobody wants them: they are published
    }
    return tiles.root();
  }

  #read({ folder, where }: Source, tile: TileCoordinate): Bytes {
    const bytes = readWhole(this.#files, join(folder, PUBLIC_FOLDER, tilePath(tile)));
    return bytes ?? refuse("ledger/missing-tile", where(tile), "nothing was pruned");
  }

  #readEdge(level: number, size: number): Bytes {
    const { folder, published } = this.#options.reader;
    const index = Math.floor(size / TILE_WIDTH ** (level + 1));
    const tile = { level, index, width: tileWidth(level, index, published.size) };
    const bytes = readTile(this.#files, folder, tile);
    if (bytes === undefined) return refuse("ledger/missing-tile", `${PUBLIC_FOLDER}/${tilePath(tile)}`, "nothing was pruned");
    return bytes.subarray(0, tileWidth(level, index, size) * HASH_BYTES);
  }

  /** The entries must be the beginning of what the checkpoint has signed: damage is not put aside as if it were sound. */
  #checkPublished(root: Bytes): void {
    const { reader } = this.#options;
    const sizes = { from: this.#minimumIndex, to: reader.published.size };
    const path = readConsistency(reader, sizes);
    if (!path.ok) return refuse(path.fault.code, path.fault.where, path.fault.detail);
    const roots = { fromRoot: root, toRoot: reader.published.root };
    if (verifyConsistency(this.#hash, { ...sizes, ...roots, path: path.value }).ok) return;
    refuse("ledger/corrupt-tile", "", "the entries are not those that the checkpoint covers; nothing was pruned");
  }

  /** What is there already must have the same bytes. Folders are flushed up to the archive's own, whoever made them. */
  #copy(): void {
    const { reader, archive } = this.#options;
    const folders = new Set([archive, join(archive, PUBLIC_FOLDER)]);
    changeNames(this.#files, dirname(archive), () => this.#files.makeFolder(archive));
    changeNames(this.#files, archive, () => this.#files.makeFolder(join(archive, PUBLIC_FOLDER)));
    const derived = new DerivedWriter(this.#files, archive);
    try {
      for (const tile of this.#tiles(this.from)) {
        const path = tilePath(tile);
        const bytes = this.#read({ folder: reader.folder, where: () => `${PUBLIC_FOLDER}/${path}` }, tile);
        const known = readWhole(this.#files, join(archive, PUBLIC_FOLDER, path));
        if (known !== undefined && !equalBytes(known, bytes))
          refuse("ledger/foreign-backup", archivedPath(tile), "another file is there already");
        this.#checkApart(tile);
        derived.write({ path, bytes });
        for (let at = dirname(path); at !== "."; at = dirname(at)) folders.add(join(archive, PUBLIC_FOLDER, at));
      }
      derived.flush();
    } finally {
      derived.close();
    }
    for (const folder of folders) changeNames(this.#files, folder, () => undefined);
  }
}

/** Where files are read from, and how faults name them. */
type Source = { readonly folder: string; readonly where: (tile: TileCoordinate) => string };
