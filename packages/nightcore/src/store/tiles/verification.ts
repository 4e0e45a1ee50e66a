import { hash } from "node:crypto";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Bytes, encodeHex, equalBytes, ok, type Result } from "#core";
import {
  Frontier,
  HASH_BYTES,
  hashesAt,
  type LogKey,
  makeTreeHash,
  parseBundle,
  TILE_WIDTH,
  type TileCoordinate,
  tilePath,
  tileWidth,
} from "#ledger";
import type { LedgerFault } from "#ports";
import { sha256 } from "#store/keys";
import { checkEntrySignature, makeEntryKey } from "./entry-signature.ts";
import { faultOfError, ledgerFault, nodeFiles, readWhole } from "./file-layer.ts";
import { findJournal, type FoundJournal, foundEntries, JOURNAL_FOLDER } from "./journal-search.ts";
import { archivedPath, PrunedPart } from "./pruned-part.ts";
import { CHECKPOINT_FILE, type PlacedFile, PUBLIC_FOLDER, readPlaced, readTile } from "./public-folder.ts";
import { readPublishedHead, readSecondSignature, readVerifierKey } from "./published-head.ts";
import { isRestored } from "./surroundings.ts";
import type { ExpectedTree, LedgerVerification, LedgerVerificationOptions, TreeVerification } from "./verification-report.ts";

/** Problems that a verification tells. */
export const PROBLEMS_MAX = 1000; // LIMIT: more lines than that nobody reads; the count of entries says how far it goes
/** What is said of a bundle whose entries are whole, and are not all that is in it. */
export const BYTES_BEHIND = "bytes follow the last entry";
const ATTEMPTS_MAX = 20; // LIMIT: looks at a journal that a writer is changing
const BUNDLES_PER_TURN = 64; // LIMIT: about 50 ms, then the event loop gets its turn

/**
 * Rebuilds the whole tree from the entry bundles and compares every tile, the root and the checkpoint's signature, then the
 * journal. Goes on after a problem and names each with its file and offset. Memory: one bundle and one tile per level.
 */
export async function verifyLedger(options: LedgerVerificationOptions): Promise<Result<LedgerVerification, LedgerFault>> {
  const key = readVerifierKey(options.vkey);
  if (!key.ok) return key;
  const head = readPublishedHead(options.folder, key.value);
  // Without a believed size there is nothing to compare with.
  if (!head.ok) return head;
  const second = readSecondSignature(options.folder, options.vkey);
  const tree = await verifyTree(options, key.value, head.value);
  const problems = second === undefined || second.ok ? tree.problems : [second.fault, ...tree.problems];
  return ok({ ...tree, mlDsa44: second?.ok === true, problems });
}

/** The verification of {@link verifyLedger} against a head from elsewhere. */
export function verifyTree(options: LedgerVerificationOptions, key: LogKey, expected: ExpectedTree): Promise<TreeVerification> {
  return new Verification(options, key, expected).run();
}

type FoundBundle = { readonly bytes: Buffer; readonly where: string };

/** The hashes of one level that no full tile has taken yet. */
type Row = { readonly hashes: Buffer; index: number; width: number };

class Verification {
  readonly #options: LedgerVerificationOptions;
  readonly #key: LogKey;
  readonly #head: ExpectedTree;
  readonly #problems: LedgerFault[] = [];
  readonly #rows: Row[] = [];
  readonly #pair = Buffer.alloc(1 + 2 * HASH_BYTES, 0x01);
  readonly #fold = Buffer.alloc(TILE_WIDTH * HASH_BYTES);
  readonly #pruned: PrunedPart;
  #signaturesChecked = 0;
  #verifiedFrom = 0;

  constructor(options: LedgerVerificationOptions, key: LogKey, head: ExpectedTree) {
    this.#options = options;
    const { folder, archive: place } = options;
    this.#pruned = new PrunedPart({ folder, publicKey: key.publicKey, place, sizeMin: head.size });
    this.#key = key;
    this.#head = head;
  }

  async run(): Promise<TreeVerification> {
    const { size, root } = this.#head;
    const bundles = Math.ceil(size / TILE_WIDTH);
    for (let index = 0; index < bundles; index++) {
      this.#verifyBundle(index, tileWidth("entries", index, size));
      if ((index + 1) % BUNDLES_PER_TURN !== 0) continue;
      this.#options.onProgress?.((index + 1) * TILE_WIDTH, size);
      await nextTurn();
    }
    this.#verifyEdges();
    const tree = makeTreeHash(sha256);
    const frontier = Frontier.resume(tree, size, (level) => this.#edge(level));
    const computed = frontier.root();
    if (root !== undefined && !equalBytes(computed, root)) {
      this.#report("ledger/corrupt-checkpoint", `${PUBLIC_FOLDER}/${CHECKPOINT_FILE}`, "the entries do not give its root");
    }
    const { durableSize, tornBytes } =
      this.#options.journal === false ? { durableSize: size, tornBytes: 0 } : this.#verifyJournal();
    const found = { signaturesChecked: this.#signaturesChecked, verifiedFrom: this.#verifiedFrom, problems: this.#problems };
    return { size, durableSize, root: encodeHex(computed), tornBytes, pruning: this.#pruned.record ?? null, ...found };
  }

  #report(code: LedgerFault["code"], where: string, detail: string): void {
    if (this.#problems.length < PROBLEMS_MAX) this.#problems.push(ledgerFault(code, where, detail));
  }

  #row(level: number): Row {
    return (this.#rows[level] ??= { hashes: Buffer.alloc(TILE_WIDTH * HASH_BYTES), index: 0, width: 0 });
  }

  #edge(level: number): Bytes {
    const row = this.#row(level);
    return row.hashes.subarray(0, row.width * HASH_BYTES);
  }

  /** Hashes the entries of one bundle into the leaves' row and compares their tile. */
  #verifyBundle(index: number, width: number): void {
    const row = this.#row(0);
    const bundle: TileCoordinate = { level: "entries", index, width };
    const { bytes, where, width: found } = this.#readExact(bundle);
    if (bytes === undefined && this.#isAbsent(bundle)) return this.#passOver(index);
    const offsets = bytes === undefined ? undefined : this.#hashEntries({ bytes, where }, width, row.hashes);
    const leaves = { level: 0, index, width };
    const stored = readTile(nodeFiles, this.#options.folder, leaves);
    const tile = stored ?? this.#pruned.find(leaves);
    if (bytes === undefined) {
      this.#report("ledger/missing-tile", where, "");
    } else if (offsets !== undefined && offsets.length <= width) {
      this.#report(
        "ledger/corrupt-tile",
        `${where}:${offsets.at(-1) ?? 0}`,
        `it is cut or malformed after ${offsets.length - 1} of ${width} entries`,
      );
    } else if (offsets !== undefined && offsets[width] !== bytes.length && found === width) {
      this.#report("ledger/corrupt-tile", `${where}:${offsets[width] ?? 0}`, BYTES_BEHIND);
    }
    const whole = offsets?.length === width + 1;
    if (tile === undefined) this.#reportTile(leaves);
    else if (!whole) tile.copy(row.hashes);
    else if (!tile.equals(row.hashes.subarray(0, width * HASH_BYTES)))
      this.#blame({ bundle: where, offsets, index, width, tile, isArchived: stored === undefined });
    this.#verifyPartials(leaves, row.hashes);
    this.#verifyPartialBundles(bundle, row.hashes);
    row.width = width;
    if (width === TILE_WIDTH) this.#carry(0);
  }

  /**
   * Leaf hashes of `count` entries, into `leaves`. Returns the offsets that could be read. The low byte of an entry's length,
   * which stands right before it, is overwritten with the leaf prefix 0x00, so that nothing is copied.
   */
  #hashEntries({ bytes, where }: FoundBundle, count: number, leaves: Buffer): readonly number[] {
    const offsets = [0];
    const { signatures } = this.#options;
    const key = signatures === true ? makeEntryKey(this.#key.publicKey) : undefined;
    let at = 0;
    for (let i = 0; i < count; i++) {
      if (at + 2 > bytes.length) break;
      const end = at + 2 + ((bytes[at] ?? 0) << 8) + (bytes[at + 1] ?? 0);
      if (end > bytes.length) break;
      bytes[at + 1] = 0x00;
      leaves.write(hash("sha256", bytes.subarray(at + 1, end), "latin1"), i * HASH_BYTES, "latin1");
      if (key !== undefined) {
        this.#signaturesChecked++;
        const wrong = checkEntrySignature(bytes.subarray(at + 2, end), key);
        const entry = this.#row(0).index * TILE_WIDTH + i;
        if (wrong !== undefined) this.#report("ledger/corrupt-tile", `${where}:${at}`, `entry ${entry}: ${wrong}`);
      }
      at = end;
      offsets.push(at);
    }
    return offsets;
  }

  /** A leaf that differs between bundle and tile: the level above tells which of the two is wrong. */
  #blame(found: {
    readonly bundle: string;
    readonly offsets: readonly number[];
    readonly index: number;
    readonly width: number;
    readonly tile: Buffer;
    readonly isArchived: boolean;
  }): void {
    const row = this.#row(0);
    const { index, width, tile } = found;
    // Where neither of the two agrees, the entries are what cannot be made again, so they are what is named.
    const agrees = (hashes: Buffer) => this.#agreesAbove(0, index, width, hashes) === true;
    const tileIsRight = agrees(tile) || !agrees(row.hashes);
    for (let i = 0; i < width; i++) {
      if (row.hashes.compare(tile, i * HASH_BYTES, (i + 1) * HASH_BYTES, i * HASH_BYTES, (i + 1) * HASH_BYTES) === 0) continue;
      const entry = index * TILE_WIDTH + i;
      if (tileIsRight) {
        this.#report(
          "ledger/corrupt-tile",
          `${found.bundle}:${found.offsets[i] ?? 0}`,
          `entry ${entry} is not what the log recorded`,
        );
      } else {
        const leaves = { level: 0, index, width };
        const where = found.isArchived ? archivedPath(leaves) : `${PUBLIC_FOLDER}/${tilePath(leaves)}`;
        this.#report("ledger/corrupt-tile", `${where}:${i * HASH_BYTES}`, `it is not the hash of entry ${entry}`);
      }
    }
    if (tileIsRight) tile.copy(row.hashes);
  }

  /** Whether the stored tile above holds the root of these hashes; undefined when it is missing. For a partial tile the head tells. */
  #agreesAbove(level: number, index: number, width: number, hashes: Buffer): boolean | undefined {
    if (width < TILE_WIDTH) return this.#givesRoot(hashes.subarray(0, width * HASH_BYTES));
    return this.#hashAbove(level, index)?.equals(this.#foldRow(hashes));
  }

  /** The hash of a full tile as the stored tile above it says; undefined when that is missing. */
  #hashAbove(level: number, index: number): Buffer | undefined {
    const above = { level: level + 1, index: Math.floor(index / TILE_WIDTH) };
    const width = tileWidth(above.level, above.index, this.#head.size);
    const at = (index % TILE_WIDTH) * HASH_BYTES;
    return readTile(nodeFiles, this.#options.folder, { ...above, width })?.subarray(at, at + HASH_BYTES);
  }

  /** Whether the tree has its root with these leaves at the right edge; undefined when nobody has signed one. */
  #givesRoot(leaves: Buffer): boolean | undefined {
    const { size, root } = this.#head;
    if (root === undefined) return undefined;
    const edge = (level: number) => (level === 0 ? leaves : this.#edge(level));
    return equalBytes(Frontier.resume(makeTreeHash(sha256), size, edge).root(), root);
  }

  /** Whether a file was pruned and there is no archive to read it from. */
  #isAbsent(tile: TileCoordinate): boolean {
    return this.#pruned.covers(tile) && !this.#pruned.isArchiveHere;
  }

  /** Takes the hash of a pruned bundle as the level above has it. The root tells whether it is the right one. */
  #passOver(index: number): void {
    this.#verifiedFrom = (index + 1) * TILE_WIDTH;
    this.#row(0).index++;
    this.#lift(1, this.#hashAbove(0, index) ?? Buffer.alloc(HASH_BYTES));
  }

  /** A full row becomes one hash of the level above. */
  #carry(level: number): void {
    const row = this.#row(level);
    const hash = this.#foldRow(row.hashes);
    row.index++;
    row.width = 0;
    this.#lift(level + 1, hash);
  }

  /** Adds a hash to a level, whose tile is compared once it is full. */
  #lift(level: number, hash: Buffer): void {
    const row = this.#row(level);
    hash.copy(row.hashes, row.width * HASH_BYTES);
    row.width++;
    if (row.width < TILE_WIDTH) return;
    this.#verifyTile(level);
    this.#carry(level);
  }

  /** Tiles of level 1 and above at the right edge, which no carry has compared. */
  #verifyEdges(): void {
    for (let level = 1; hashesAt(level, this.#head.size) > 0; level++) if (this.#row(level).width > 0) this.#verifyTile(level);
  }

  #verifyTile(level: number): void {
    const { hashes, index, width } = this.#row(level);
    const tile = { level, index, width };
    const stored = readTile(nodeFiles, this.#options.folder, tile);
    if (stored === undefined) return this.#reportTile(tile);
    for (let at = 0; at < width * HASH_BYTES; at += HASH_BYTES) {
      if (stored.compare(hashes, at, at + HASH_BYTES, at, at + HASH_BYTES) === 0) continue;
      this.#report("ledger/corrupt-tile", `${PUBLIC_FOLDER}/${tilePath(tile)}:${at}`, "it is not the hash of the tile below");
    }
    this.#verifyPartials(tile, hashes);
  }

  /** The partial forms of a tile that still stand beside it must be prefixes of it. */
  #verifyPartials(tile: TileCoordinate, hashes: Buffer): void {
    const folder = `${PUBLIC_FOLDER}/${tilePath({ ...tile, width: TILE_WIDTH })}.p`;
    if (!nodeFiles.exists(join(this.#options.folder, folder))) return;
    for (const name of nodeFiles.list(join(this.#options.folder, folder))) {
      const width = Number(name);
      if (!Number.isInteger(width) || width < 1 || width >= tile.width) continue; // its own, a later publication's, or a leftover
      const bytes = readWhole(nodeFiles, join(this.#options.folder, folder, name));
      // Not there any more: a writer beside us has made the full one, and took this one away between our two looks.
      if (bytes === undefined || bytes.equals(hashes.subarray(0, width * HASH_BYTES))) continue;
      this.#report("ledger/corrupt-tile", `${folder}/${name}:0`, "the partial tile is not the beginning of the full one");
    }
  }

  /** The shorter forms of a bundle that still stand beside it must hold its first entries, and nothing else. */
  #verifyPartialBundles(bundle: TileCoordinate, leaves: Buffer): void {
    const folder = `${PUBLIC_FOLDER}/${tilePath({ ...bundle, width: TILE_WIDTH })}.p`;
    if (!nodeFiles.exists(join(this.#options.folder, folder))) return;
    const tree = makeTreeHash(sha256);
    for (const name of nodeFiles.list(join(this.#options.folder, folder))) {
      const width = Number(name);
      if (!Number.isInteger(width) || width < 1 || width >= bundle.width) continue; // its own, a later publication's, or a leftover
      const bytes = readWhole(nodeFiles, join(this.#options.folder, folder, name));
      const entries = bytes === undefined ? undefined : parseBundle(bytes, width);
      const isWrong = (entry: Bytes, i: number) =>
        !equalBytes(tree.leaf(entry), leaves.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
      if (entries === undefined || (entries.ok && !entries.value.some(isWrong))) continue;
      this.#report("ledger/corrupt-tile", `${folder}/${name}:0`, "the partial bundle is not the beginning of the full one");
    }
  }

  #reportTile(tile: TileCoordinate): void {
    if (this.#isAbsent(tile)) return;
    if (this.#pruned.covers(tile)) return this.#report("ledger/missing-tile", archivedPath(tile), "");
    const own = nodeFiles.exists(join(this.#options.folder, PUBLIC_FOLDER, tilePath(tile)));
    const where = `${PUBLIC_FOLDER}/${tilePath(tile)}`;
    if (own) this.#report("ledger/corrupt-tile", where, "it is cut");
    else this.#report("ledger/missing-tile", where, "");
  }

  /** A bundle from the published folder, or from the archive if it was pruned. */
  #readExact(tile: TileCoordinate): PlacedFile {
    const placed = readPlaced(nodeFiles, this.#options.folder, tile);
    if (placed.bytes !== undefined || !this.#pruned.covers(tile)) return placed;
    return { bytes: this.#pruned.find(tile), where: archivedPath(tile), width: tile.width };
  }

  /** The root of 256 hashes. The result is a view into a buffer that the next call reuses. */
  #foldRow(hashes: Buffer): Buffer {
    let from = hashes;
    for (let width = TILE_WIDTH; width > 1; width /= 2) {
      for (let i = 0; i < width; i += 2) {
        from.copy(this.#pair, 1, i * HASH_BYTES, (i + 2) * HASH_BYTES);
        this.#fold.write(hash("sha256", this.#pair, "latin1"), (i / 2) * HASH_BYTES, "latin1");
      }
      from = this.#fold;
    }
    return this.#fold.subarray(0, HASH_BYTES);
  }

  /** Every frame's hash, and its entries against the tiles or, past the published size, as the tree's continuation. */
  #verifyJournal(): { readonly durableSize: number; readonly tornBytes: number } {
    const { found, size, fault } = this.#findJournal();
    if (fault !== undefined) this.#problems.push(fault);
    if (found === undefined) return { durableSize: this.#head.size, tornBytes: 0 };
    const { firstIndex, nextIndex = 0 } = found;
    // A restored ledger begins its journal with the first entry after it.
    const isGone = firstIndex === undefined && size > 0 && !isRestored(this.#options.folder);
    if (isGone || (firstIndex !== undefined && nextIndex < size)) {
      this.#report("ledger/rollback", JOURNAL_FOLDER, `the journal ends at entry ${nextIndex}, and ${size} are published`);
    }
    if (firstIndex !== undefined && firstIndex > size) {
      this.#report(
        "ledger/rollback",
        JOURNAL_FOLDER,
        `the journal begins at entry ${firstIndex}, and only ${size} are published`,
      );
    }
    this.#compareJournal(found, this.#head.size);
    return { durableSize: Math.max(size, nextIndex), tornBytes: found.segments.at(-1)?.scan.tornBytes ?? 0 };
  }

  /** The journal beside the checkpoint of the moment. While a writer publishes, a second look may see what the first could not. */
  #findJournal(): { readonly found?: FoundJournal; readonly size: number; readonly fault?: LedgerFault } {
    for (let attempt = 1; ; attempt++) {
      const size = this.#publishedSize();
      const moved = (): boolean => attempt < ATTEMPTS_MAX && this.#publishedSize() !== size;
      try {
        const found = findJournal(nodeFiles, this.#options.folder, { publishedSize: size, checkAll: true });
        if ((found.firstIndex ?? 0) <= size || !moved()) return { found, size };
      } catch (error) {
        const fault = faultOfError(error, JOURNAL_FOLDER);
        if (!moved()) return { size, fault };
      }
    }
  }

  /** The size that is published now, which a running writer may have raised since the verification began. */
  #publishedSize(): number {
    const head = readPublishedHead(this.#options.folder, this.#key);
    return head.ok ? Math.max(head.value.size, this.#head.size) : this.#head.size;
  }

  #compareJournal(found: FoundJournal, size: number): void {
    const tree = makeTreeHash(sha256);
    let tileIndex = -1;
    let tile: Buffer | undefined;
    for (const { index, entry } of foundEntries(found, 0)) {
      if (index >= size) break;
      if (Math.floor(index / TILE_WIDTH) !== tileIndex) {
        tileIndex = Math.floor(index / TILE_WIDTH);
        const coordinate = { level: 0, index: tileIndex, width: tileWidth(0, tileIndex, size) };
        // A tile that was named already accuses nobody else.
        const named = this.#problems.some(({ where }) => where.startsWith(`${PUBLIC_FOLDER}/${tilePath(coordinate)}`));
        tile = named ? undefined : readTile(nodeFiles, this.#options.folder, coordinate);
      }
      const at = (index % TILE_WIDTH) * HASH_BYTES;
      if (tile === undefined || equalBytes(tree.leaf(entry), tile.subarray(at, at + HASH_BYTES))) continue;
      this.#report("ledger/corrupt-frame", JOURNAL_FOLDER, `entry ${index} is not the one that was published`);
    }
  }
}
