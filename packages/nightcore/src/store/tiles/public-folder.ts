import { existsSync, readdirSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { type Bytes, equalBytes } from "#core";
import { HASH_BYTES, parseEntryOffsets, TILE_WIDTH, type TileCoordinate, tilePath } from "#ledger";
import { errnoOf, type FileLayer, readWhole, refuse, writeFlushed } from "./file-layer.ts";

/** The tlog-tiles directory inside a ledger folder: what any third-party tool reads. */
export const PUBLIC_FOLDER = "public";
/** The only file of the public folder that ever changes. */
export const CHECKPOINT_FILE = "checkpoint";

/** A file of the public folder, by its path there. */
export type DerivedFile = { readonly path: string; readonly bytes: Bytes };

/** LIMIT: files on their way to the disk at once. More wait for the same few threads. */
const AT_ONCE = 8;

/** The hashes of a tile, `width` of them; a full tile stands in for a partial one that was removed. */
export function readTile(files: FileLayer, folder: string, tile: TileCoordinate): Buffer | undefined {
  const bytes = readTileFile(files, folder, tile);
  return bytes !== undefined && bytes.length >= tile.width * HASH_BYTES ? bytes.subarray(0, tile.width * HASH_BYTES) : undefined;
}

/** The bytes of the first `width` entries of a bundle; undefined when it is missing, cut or malformed. */
export function readBundle(files: FileLayer, folder: string, index: number, width: number): Buffer | undefined {
  const bytes = readTileFile(files, folder, { level: "entries", index, width });
  if (bytes === undefined) return undefined;
  const offsets = parseEntryOffsets(bytes, width);
  return offsets.ok ? bytes.subarray(0, offsets.value[width]) : undefined;
}

/** The file itself, or the full one in its place (tlog-tiles: clients fall back to it). */
export function readTileFile(files: FileLayer, folder: string, tile: TileCoordinate): Buffer | undefined {
  const own = readWhole(files, join(folder, PUBLIC_FOLDER, tilePath(tile)));
  if (own !== undefined || tile.width === TILE_WIDTH) return own;
  return readWhole(files, join(folder, PUBLIC_FOLDER, tilePath({ ...tile, width: TILE_WIDTH })));
}

/** A file, if it is there, its path as faults name it, and how many entries or hashes that path promises. */
export type PlacedFile = { readonly bytes: Buffer | undefined; readonly where: string; readonly width: number };

/** The same with the path of the form that was found; that of the asked one when there is none. */
export function readPlaced(files: FileLayer, folder: string, tile: TileCoordinate): PlacedFile {
  const where = `${PUBLIC_FOLDER}/${tilePath(tile)}`;
  const bytes = readWhole(files, join(folder, where));
  const { width } = tile;
  if (bytes !== undefined || width === TILE_WIDTH) return { bytes, where, width };
  const full = `${PUBLIC_FOLDER}/${tilePath({ ...tile, width: TILE_WIDTH })}`;
  const fallback = readWhole(files, join(folder, full));
  return fallback === undefined ? { bytes, where, width } : { bytes: fallback, where: full, width: TILE_WIDTH };
}

/** What a writer that died left under a temporary name, in the public folder and the journal, relative to the ledger folder. */
export function listLeftovers(folder: string): readonly string[] {
  return [PUBLIC_FOLDER, "journal"].flatMap((part) => {
    if (!existsSync(join(folder, part))) return [];
    const names = readdirSync(join(folder, part), { recursive: true, encoding: "utf8" });
    return names.filter((name) => name.endsWith(".new")).map((name) => `${part}/${name.split(sep).join("/")}`);
  });
}

/**
 * Writes derived files so that a reader never meets a checkpoint whose tiles are missing. Throws when a step fails.
 *
 * Each file: temporary name, write, fdatasync, rename. Then every folder that changed is fsynced through a descriptor held
 * open since before the renames. Only when {@link DerivedWriter.flush} has returned may the checkpoint be replaced.
 * One call at a time: what {@link DerivedWriter.writeAll} has promised is waited for before anything else is asked for.
 */
export class DerivedWriter {
  readonly #files: FileLayer;
  readonly #root: string;
  readonly #known = new Set<string>();
  readonly #changed = new Map<string, number>();

  constructor(files: FileLayer, folder: string) {
    this.#files = files;
    this.#root = join(folder, PUBLIC_FOLDER);
  }

  /** Writes an immutable file. One that exists with these bytes is left; with others the log is damaged, and it is refused. */
  write(file: DerivedFile): void {
    if (this.#isMissing(file)) this.#replace(join(this.#root, file.path), file.bytes);
  }

  /**
   * Writes immutable files in the same way, several at once and off this thread, which goes on meanwhile. Each is asked for when
   * its turn has come. After the first failure no more are, and those under way are waited for.
   */
  async writeAll(files: Iterable<DerivedFile>): Promise<void> {
    const rest = files[Symbol.iterator]();
    const failures: unknown[] = [];
    const write = async (): Promise<void> => {
      for (let next = rest.next(); next.done !== true && failures.length === 0; next = rest.next()) {
        try {
          await this.#writeAside(next.value);
        } catch (error) {
          failures.push(error);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, write));
    if (failures.length > 0) throw failures[0];
  }

  async #writeAside(file: DerivedFile): Promise<void> {
    if (!this.#isMissing(file)) return;
    const path = join(this.#root, file.path);
    const temporary = `${path}.new`;
    try {
      await this.#files.createFlushed(temporary, file.bytes);
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
      this.#files.unlink(temporary); // as in `#create`
      await this.#files.createFlushed(temporary, file.bytes);
    }
    this.#files.rename(temporary, path);
  }

  #isMissing({ path, bytes }: DerivedFile): boolean {
    const place = join(this.#root, path);
    this.#hold(dirname(place));
    // Nearly always it is, and an opening that fails costs more than asking.
    const existing = this.#files.exists(place) ? readWhole(this.#files, place) : undefined;
    if (existing !== undefined && !equalBytes(existing, bytes))
      refuse("ledger/corrupt-tile", `${PUBLIC_FOLDER}/${path}`, "it exists with other bytes than the journal gives");
    return existing === undefined;
  }

  /**
   * Puts a file in the place of one with other bytes; false when these bytes are there already. INVARIANT: only a repair may,
   * after the entries have given the root of the published checkpoint.
   */
  repair(path: string, bytes: Bytes): boolean {
    const existing = readWhole(this.#files, join(this.#root, path));
    if (existing !== undefined && equalBytes(existing, bytes)) return false;
    this.#hold(dirname(join(this.#root, path)));
    this.#replace(join(this.#root, path), bytes);
    return true;
  }

  /** Makes the names of everything written so far durable. */
  flush(): void {
    for (const fd of this.#changed.values()) this.#files.fsync(fd);
    this.#release();
  }

  /** Replaces the checkpoint. INVARIANT: {@link flush} has returned since the last write, so all that it covers is durable. */
  replaceCheckpoint(note: Bytes): void {
    this.#hold(this.#root);
    this.#replace(join(this.#root, CHECKPOINT_FILE), note);
    this.flush();
  }

  /** Removes the partial files of a tile whose full form is durable and covered by the checkpoint. Their loss harms nobody. */
  removePartials(tile: TileCoordinate): void {
    const partials = join(this.#root, `${tilePath({ ...tile, width: TILE_WIDTH })}.p`);
    const names = this.#files.list(partials);
    for (const name of names) this.#files.unlink(join(partials, name));
    if (names.length > 0) this.#files.removeFolder(partials);
    this.#known.delete(partials);
  }

  /** Closes what a failed publication left open. */
  close(): void {
    this.#release();
  }

  #release(): void {
    for (const fd of this.#changed.values()) this.#files.close(fd);
    this.#changed.clear();
  }

  #replace(path: string, bytes: Bytes): void {
    const temporary = `${path}.new`;
    writeFlushed(this.#files, this.#create(temporary), bytes);
    this.#files.rename(temporary, path);
  }

  #create(path: string): number {
    try {
      return this.#files.open(path, "create");
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
      // We hold the lock, so this is what a writer that died left behind.
      this.#files.unlink(path);
      return this.#files.open(path, "create");
    }
  }

  /** Makes a folder and those above it, and holds a descriptor of each whose names may change. */
  #hold(folder: string): void {
    if (this.#changed.has(folder)) return;
    if (!this.#known.has(folder)) {
      if (folder !== this.#root) this.#ensure(folder);
      else this.#files.makeFolder(folder);
      this.#known.add(folder);
    }
    this.#changed.set(folder, this.#files.open(folder, "folder"));
  }

  #ensure(folder: string): void {
    const parent = dirname(folder);
    if (!this.#known.has(parent) && parent.length >= this.#root.length) {
      if (parent === this.#root) this.#files.makeFolder(parent);
      else this.#ensure(parent);
      this.#known.add(parent);
    }
    if (this.#files.makeFolder(folder)) this.#hold(parent);
  }
}
