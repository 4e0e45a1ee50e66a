import { dirname, join } from "node:path";
import { type Bytes, equalBytes, ok, parseUtf8, type Result, type SignEd25519, utf8 } from "#core";
import { makeEntrySigner } from "#attest";
import {
  type Checkpoint,
  encodeEntries,
  GrowingTiles,
  HASH_BYTES,
  type LogKey,
  makeTreeHash,
  parseBundle,
  perfectRoot,
  signCheckpoint,
  TILE_WIDTH,
  type TileCoordinate,
  tilePath,
  tilesBetween,
  tileWidth,
  type TreeHash,
  verifyCheckpoint,
  verifyMlDsaCheckpoint,
} from "#ledger";
import type { LedgerFault, Recovery } from "#ports";
import { sha256, verifyEd25519, verifyMlDsa44 } from "#store/keys";
import { attempt, type FileLayer, flushFolder, readWhole, refuse } from "./file-layer.ts";
import { findJournal, type FoundJournal, foundEntries, JOURNAL_FOLDER } from "./journal-search.ts";
import { Journal } from "./journal.ts";
import { CHECKPOINT_FILE, DerivedWriter, PUBLIC_FOLDER, readBundle, readTile } from "./public-folder.ts";
import { type ArchivePlace, PrunedPart } from "./pruned-part.ts";
import { parseHead } from "./published-head.ts";
import { isRestored, RESTORED_FILE, WITNESSED_FILE } from "./surroundings.ts";
import { repairTree } from "./tree-repair.ts";
import { type SecondSigner, signPublished, WriterCore } from "./writer-core.ts";

/** What an opening needs; the lock is already held. */
export type OpeningOptions = {
  readonly files: FileLayer;
  readonly folder: string;
  readonly segmentBytes: number;
  readonly logKey: LogKey;
  readonly sign: SignEd25519;
  /** Signs published checkpoints too. */
  readonly second: SecondSigner | undefined;
  /** False: payloads are appended as they are. */
  readonly seal: boolean;
  /** Whether a folder without a ledger becomes one. */
  readonly create: boolean;
  /** Also write derived files again that have other bytes than the entries give. */
  readonly repair: boolean;
  /** A checkpoint of this log that was kept elsewhere; what is shorter, or contradicts it, is refused. */
  readonly witnessed: Bytes | undefined;
  /** Whether a restored ledger is gone on with: the caller has asked those who may know a newer state. */
  readonly newest: boolean;
  /** Where the archive of a pruned log is looked for, if a mended file needs what is in it. */
  readonly archive: ArchivePlace | undefined;
};

/** An open ledger, and what had to be mended. */
export type Opened = { readonly core: WriterCore; readonly recovery: Recovery };

const CHECKPOINT_PATH = `${PUBLIC_FOLDER}/${CHECKPOINT_FILE}`;

/**
 * Opens a ledger whose lock the caller holds, and brings it back to what was acknowledged (docs/formats/ledger.md). Refuses
 * a checkpoint that the key did not sign, tiles that do not give its root, a damaged or missing frame, a journal that ends
 * before what was published or cosigned, and a restored ledger of which nobody has said that it is the newest.
 */
export function openCore(options: OpeningOptions): Result<Opened, LedgerFault> {
  return attempt("", () => new Opening(options).run());
}

class Opening {
  readonly #options: OpeningOptions;
  readonly #hash: TreeHash = makeTreeHash(sha256);
  readonly #derived: DerivedWriter;
  readonly #pruned: PrunedPart;
  readonly #rewritten: string[] = [];
  readonly #removed: string[] = [];

  constructor(options: OpeningOptions) {
    const { files, folder, logKey, archive } = options;
    this.#options = options;
    this.#pruned = new PrunedPart({ files, folder, publicKey: logKey.publicKey, place: archive });
    this.#derived = new DerivedWriter(options.files, options.folder);
  }

  run(): Result<Opened, LedgerFault> {
    const { files, folder, segmentBytes, sign, second, seal, logKey } = this.#options;
    const published = this.#readCheckpoint();
    const found = findJournal(files, folder, { publishedSize: published?.head.size ?? 0, checkAll: false });
    if (published === undefined && found.firstIndex === undefined && !this.#options.create) {
      refuse("ledger/absent", "", "");
    }
    const size = published?.head.size ?? 0;
    if (!this.#options.newest) this.#checkRestored();
    if (size === 0 || !this.#options.newest || found.nextIndex !== undefined) checkOverlap(found, size, published !== undefined);
    const witnessed = this.#readWitnessed(Math.max(size, found.nextIndex ?? 0));
    if (this.#options.repair && published !== undefined) this.#repair(found, published.head);
    const openEntries = this.#readOpenEntries(found, size);
    const tiles = GrowingTiles.resume(this.#hash, size, (level) => this.#readEdge(level, size, openEntries));
    if (published !== undefined && !equalBytes(tiles.root(), published.head.root)) {
      refuse("ledger/corrupt-tile", CHECKPOINT_PATH, "the tiles do not give the checkpoint's root");
    }
    this.#mendFiles(found, size);
    checkSame(witnessed, tiles);
    for (const { entry } of foundEntries(found, size)) {
      tiles.append(this.#hash.leaf(entry));
      openEntries.push(Buffer.from(entry));
      checkSame(witnessed, tiles);
    }
    const checkpoint = signCheckpoint({ size: tiles.size, root: tiles.root() }, logKey, sign);
    const complete = published === undefined ? this.#begin(tiles.size, checkpoint) : published.complete;
    if (published !== undefined) files.makeFolder(join(folder, JOURNAL_FOLDER));
    const { journal, tornBytes } = Journal.resume({ files, folder, segmentBytes }, found);
    const signer = seal ? makeEntrySigner(sha256, logKey.publicKey, sign) : undefined;
    const state = { journal, derived: this.#derived, hash: this.#hash, tiles, logKey, sign, second, signer };
    const core = new WriterCore({ ...state, publishedSize: size, checkpoint, published: complete, openEntries });
    return ok({ core, recovery: { tornBytes, rewrittenFiles: this.#rewritten, removedFiles: this.#removed } });
  }

  /** `complete`: the note itself, unless it lacks the second signature, which the next publication adds. */
  #readCheckpoint(): { readonly head: Checkpoint; readonly complete: string | undefined } | undefined {
    const { files, folder, logKey, second } = this.#options;
    const bytes = readWhole(files, join(folder, CHECKPOINT_PATH));
    if (bytes === undefined) return undefined;
    const note = parseUtf8(bytes);
    if (!note.ok) refuse("ledger/corrupt-checkpoint", CHECKPOINT_PATH, note.fault.code);
    const head = verifyCheckpoint(note.value, logKey, verifyEd25519);
    if (!head.ok) refuse("ledger/corrupt-checkpoint", CHECKPOINT_PATH, head.fault.code);
    const signed = second === undefined ? head : verifyMlDsaCheckpoint(note.value, second.key, verifyMlDsa44);
    if (!signed.ok && signed.fault.code !== "ledger/note-unsigned")
      refuse("ledger/corrupt-checkpoint", CHECKPOINT_PATH, signed.fault.code);
    return { head: head.value, complete: signed.ok ? note.value : undefined };
  }

  #checkRestored(): void {
    if (isRestored(this.#options.folder)) refuse("ledger/restored", RESTORED_FILE, "");
  }

  /** The head that was kept elsewhere, if this log's key has signed it: the file beside the ledger is only a copy. */
  #readWitnessed(durableSize: number): Checkpoint | undefined {
    const { witnessed, logKey } = this.#options;
    const head = witnessed === undefined ? undefined : parseHead(witnessed, logKey, WITNESSED_FILE);
    if (head?.ok !== true) return undefined;
    if (head.value.size <= durableSize) return head.value;
    return refuse("ledger/rollback", WITNESSED_FILE, `${head.value.size} entries were cosigned, and here are ${durableSize}`);
  }

  #repair(found: FoundJournal, published: Checkpoint): void {
    const { files, folder } = this.#options;
    const options = { files, folder, hash: this.#hash, derived: this.#derived, pruned: this.#pruned, found, published };
    const { rewritten, removed } = repairTree(options);
    this.#rewritten.push(...rewritten);
    this.#removed.push(...removed);
  }

  /** Makes the folders of a new ledger durable, with the checkpoint of the empty log, which it returns. */
  #begin(size: number, checkpoint: string): string | undefined {
    const { files, folder, second } = this.#options;
    files.makeFolder(join(folder, JOURNAL_FOLDER));
    const published = size > 0 ? undefined : signPublished(checkpoint, second);
    if (published === undefined) this.#rewritten.push(CHECKPOINT_PATH);
    else this.#derived.replaceCheckpoint(utf8(published));
    for (const path of [folder, dirname(folder)]) flushFolder(files, path);
    return published;
  }

  /** The entries of the unfinished bundle at the right edge: from its file, or from the journal when that is missing. */
  #readOpenEntries(found: FoundJournal, size: number): Bytes[] {
    const { files, folder } = this.#options;
    const width = size % TILE_WIDTH;
    if (width === 0) return [];
    const index = Math.floor(size / TILE_WIDTH);
    const tile = { level: "entries", index, width } as const;
    const bytes = readBundle(files, folder, index, width);
    if (bytes === undefined) this.#rebuildBundle(found, tile);
    const entries = parseBundle(bytes ?? readBundle(files, folder, index, width) ?? new Uint8Array(0), width);
    if (!entries.ok) refuse("ledger/corrupt-tile", `${PUBLIC_FOLDER}/${tilePath(tile)}`, entries.fault.what);
    return [...entries.value];
  }

  /** The partial tile at the right edge of a level. The leaves' one is checked against the entries themselves. */
  #readEdge(level: number, size: number, openEntries: readonly Bytes[]): Bytes {
    const { files, folder } = this.#options;
    const index = Math.floor(size / TILE_WIDTH ** (level + 1));
    const tile = { level, index, width: tileWidth(level, index, size) };
    const bytes = readTile(files, folder, tile);
    const where = `${PUBLIC_FOLDER}/${tilePath(tile)}`;
    if (level > 0) return bytes ?? this.#rebuildTile(tile);
    const leaves = Buffer.concat(openEntries.map((entry) => this.#hash.leaf(entry)));
    if (bytes !== undefined && !equalBytes(bytes, leaves)) {
      refuse("ledger/corrupt-tile", where, "its hashes are not those of the entries in its bundle");
    }
    if (bytes === undefined) this.#rewrite(tile, leaves);
    return leaves;
  }

  /**
   * Looks for derived files that are missing, as far back as the journal reaches, and writes them again. Older ones are not
   * looked for here: that takes as long as the log is, and `verifyLedger` does it.
   */
  #mendFiles(found: FoundJournal, size: number): void {
    const { files, folder } = this.#options;
    const from = Math.min(found.firstIndex ?? size, size);
    for (const tile of tilesBetween(from, size)) {
      const full = { ...tile, width: TILE_WIDTH };
      if ([tile, full].some((known) => files.exists(join(folder, PUBLIC_FOLDER, tilePath(known))))) continue;
      if (tile.level === "entries") this.#rebuildBundle(found, tile);
      else this.#rebuildTile(tile);
    }
  }

  #rebuildBundle(found: FoundJournal, tile: TileCoordinate): void {
    const first = tile.index * TILE_WIDTH;
    const entries: Bytes[] = [];
    for (const { index, entry } of foundEntries(found, first)) {
      if (index >= first + tile.width) break;
      if (index === first + entries.length) entries.push(entry);
    }
    if (entries.length < tile.width) {
      refuse("ledger/missing-tile", `${PUBLIC_FOLDER}/${tilePath(tile)}`, "the journal does not hold all its entries any more");
    }
    this.#rewrite(tile, encodeEntries(entries));
  }

  /** Computes a tile from the level below; the leaves' level from its bundle. */
  #rebuildTile(tile: TileCoordinate & { readonly level: number | "entries" }): Bytes {
    const { files, folder } = this.#options;
    const bytes = new Uint8Array(tile.width * HASH_BYTES);
    const level = Number(tile.level);
    if (level === 0) {
      const bundle = readBundle(files, folder, tile.index, tile.width);
      const entries = bundle === undefined ? undefined : parseBundle(bundle, tile.width);
      if (entries === undefined || !entries.ok) return refuse("ledger/missing-tile", `${PUBLIC_FOLDER}/${tilePath(tile)}`, "");
      for (const [i, entry] of entries.value.entries()) bytes.set(this.#hash.leaf(entry), i * HASH_BYTES);
    } else {
      for (let i = 0; i < tile.width; i++) {
        const below = { level: level - 1, index: tile.index * TILE_WIDTH + i, width: TILE_WIDTH };
        const hashes = readTile(files, folder, below) ?? this.#pruned.read(below) ?? this.#rebuildTile(below);
        bytes.set(perfectRoot(this.#hash, hashes, 0, TILE_WIDTH), i * HASH_BYTES);
      }
    }
    this.#rewrite(tile, bytes);
    return bytes;
  }

  #rewrite(tile: TileCoordinate, bytes: Bytes): void {
    this.#derived.write({ path: tilePath(tile), bytes });
    this.#derived.flush();
    this.#rewritten.push(`${PUBLIC_FOLDER}/${tilePath(tile)}`);
  }
}

/** A head that was kept elsewhere must be the tree's own at its size; where the tree has passed it already, it is not looked at. */
function checkSame(witnessed: Checkpoint | undefined, tiles: GrowingTiles): void {
  if (witnessed?.size !== tiles.size || equalBytes(witnessed.root, tiles.root())) return;
  refuse("ledger/forked", WITNESSED_FILE, `the tree that was cosigned at ${tiles.size} entries is not this one`);
}

/** The journal must begin at or before the end of what is published, and must not end before it. */
function checkOverlap(found: FoundJournal, size: number, published: boolean): void {
  const { firstIndex, nextIndex } = found;
  if (nextIndex === undefined || firstIndex === undefined) {
    if (size > 0) refuse("ledger/rollback", JOURNAL_FOLDER, `${size} entries are published, and the journal has none`);
    return;
  }
  if (firstIndex > size) {
    const detail = `the journal begins at entry ${firstIndex}, and only ${size} are published`;
    if (!published) refuse("ledger/corrupt-checkpoint", CHECKPOINT_PATH, "it is missing");
    refuse("ledger/rollback", CHECKPOINT_PATH, detail);
  }
  if (nextIndex < size)
    refuse("ledger/rollback", JOURNAL_FOLDER, `the journal ends at entry ${nextIndex}, and ${size} are published`);
}
