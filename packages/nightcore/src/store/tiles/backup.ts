import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Bytes, encodeHex, equalBytes, fail, ok, quote, type Result, utf8 } from "#core";
import {
  type Checkpoint,
  encodeEntries,
  GrowingTiles,
  HASH_BYTES,
  type LogKey,
  makeTreeHash,
  TILE_WIDTH,
  tilePath,
  tileWidth,
  verifyConsistency,
} from "#ledger";
import type { LedgerFault } from "#ports";
import { sha256 } from "#store/keys";
import { faultOfError, type FileLayer, nodeFiles, readWhole, refuse } from "./file-layer.ts";
import { acquireLock } from "./lock.ts";
import { outgrownPartials } from "./outgrown.ts";
import { readConsistency } from "./proof.ts";
import { CHECKPOINT_FILE, DerivedWriter, PUBLIC_FOLDER, readTile } from "./public-folder.ts";
import { parseHead, readVerifierKey } from "./published-head.ts";
import { LedgerDamage, type TilesReader } from "./reader.ts";
import { changeNames } from "./surroundings.ts";

/** What to back up and where to. The reader fixes the state: a writer beside it may go on. */
export type BackupOptions = {
  readonly reader: TilesReader;
  readonly vkey: string;
  /** A folder that is absent, empty, or an earlier backup of the same log. */
  readonly folder: string;
  /** POWER: the file operations, for tests. */
  readonly files?: FileLayer;
  readonly onProgress?: (done: number, size: number) => void;
};

/** A backup as it stands now: entries in it, those that this call added, and the root over all of them. */
export type Backup = { readonly size: number; readonly added: number; readonly root: string };

const BUNDLES_PER_TURN = 64; // LIMIT: some 50 ms, then the event loop gets its turn
/** What a backup consists of, and what the backing up of one leaves. */
const OWN_NAMES: ReadonlySet<string> = new Set(["public", "lock.db", "lock.pid", "witnessed", "workspace"]);

/**
 * Copies the published log to a folder, or what an earlier backup there lacks. The entries must give the signed root before
 * anything is written, tiles are computed from them, and the checkpoint is replaced last: whenever this dies, the folder holds
 * the earlier backup. Refuses a folder of another log (`ledger/foreign-backup`), one that holds more of this log than there is
 * (`ledger/rollback`), and one whose history is another (`ledger/forked`).
 */
export async function backUpLedger(options: BackupOptions): Promise<Result<Backup, LedgerFault>> {
  const { folder, files = nodeFiles } = options;
  const key = readVerifierKey(options.vkey);
  if (!key.ok) return key;
  try {
    const strange = existsSync(folder) ? readdirSync(folder).find((name) => !OWN_NAMES.has(name)) : undefined;
    if (strange !== undefined) refuse("ledger/foreign-backup", "", `${quote(strange)} is no part of a backup`);
    if (files.makeFolder(folder)) changeNames(files, dirname(folder), () => undefined);
    const lock = await acquireLock(folder, 0);
    if (!lock.ok) return lock;
    try {
      return ok(await new Backing(options, key.value).run());
    } finally {
      lock.value.release();
    }
  } catch (error) {
    return fail(error instanceof LedgerDamage ? error.fault : faultOfError(error, ""));
  }
}

class Backing {
  readonly #options: BackupOptions;
  readonly #key: LogKey;
  readonly #hash = makeTreeHash(sha256);
  readonly #files: FileLayer;
  readonly #derived: DerivedWriter;

  constructor(options: BackupOptions, key: LogKey) {
    this.#options = options;
    this.#key = key;
    this.#files = options.files ?? nodeFiles;
    this.#derived = new DerivedWriter(this.#files, options.folder);
  }

  async run(): Promise<Backup> {
    const { reader } = this.#options;
    const head = parseHead(utf8(reader.checkpoint), this.#key, `${PUBLIC_FOLDER}/${CHECKPOINT_FILE}`);
    if (!head.ok) return refuse(head.fault.code, head.fault.where, head.fault.detail);
    const { size, root } = head.value;
    const before = this.#readBefore();
    const from = before?.size ?? 0;
    if (before !== undefined && from > 0) this.#checkContinued(before, head.value);
    if (before?.size !== size) {
      const computed = await this.#walk(before, size, () => undefined);
      if (!equalBytes(computed, root))
        refuse("ledger/corrupt-tile", "", "the entries do not give the checkpoint's root; nothing was backed up");
      await this.#walk(before, size, (path, bytes) => this.#derived.write({ path, bytes }));
      this.#derived.flush();
      this.#derived.replaceCheckpoint(utf8(reader.checkpoint));
      for (const tile of outgrownPartials(from, size)) this.#derived.removePartials(tile);
    }
    return { size, added: size - from, root: encodeHex(root) };
  }

  /** The head of what is backed up already. */
  #readBefore(): Checkpoint | undefined {
    const bytes = readWhole(this.#files, join(this.#options.folder, PUBLIC_FOLDER, CHECKPOINT_FILE));
    if (bytes === undefined) return undefined;
    const head = parseHead(bytes, this.#key, "");
    if (head.ok) return head.value;
    return refuse("ledger/foreign-backup", "", "its checkpoint is not one of this log");
  }

  /** The backup must be a beginning of what is published. */
  #checkContinued(before: Checkpoint, head: Checkpoint): void {
    if (before.size > head.size)
      refuse("ledger/rollback", "", `the backup has ${before.size} entries, and the log has published ${head.size}`);
    const sizes = { from: before.size, to: head.size };
    const path = readConsistency(this.#options.reader, sizes);
    if (!path.ok) return refuse(path.fault.code, path.fault.where, path.fault.detail);
    const roots = { fromRoot: before.root, toRoot: head.root };
    if (!verifyConsistency(this.#hash, { ...sizes, ...roots, path: path.value }).ok)
      refuse("ledger/forked", "", `the backup of ${before.size} entries is not the beginning of the log`);
  }

  /** Hands on every file that the backup lacks, in the order of the entries. Returns the root over all entries. */
  async #walk(before: Checkpoint | undefined, size: number, take: (path: string, bytes: Bytes) => void): Promise<Bytes> {
    const from = before?.size ?? 0;
    const tiles = GrowingTiles.resume(this.#hash, from, (level) => this.#readEdge(level, from));
    if (before !== undefined && !equalBytes(tiles.root(), before.root))
      refuse("ledger/corrupt-tile", PUBLIC_FOLDER, "the backup's tiles do not give its root; make a new one in another folder");
    const first = from - (from % TILE_WIDTH);
    let bundle: Bytes[] = [];
    let index = first;
    for (const entry of this.#options.reader.entries(first, size)) {
      bundle.push(entry);
      if (index++ >= from) tiles.append(this.#hash.leaf(entry));
      if (bundle.length < TILE_WIDTH && index < size) continue;
      const coordinate = { level: "entries", index: Math.floor((index - 1) / TILE_WIDTH), width: bundle.length } as const;
      take(tilePath(coordinate), encodeEntries(bundle));
      for (const tile of tiles.takeFull()) take(tilePath(tile), tile.bytes);
      bundle = [];
      if (coordinate.index % BUNDLES_PER_TURN !== 0) continue;
      this.#options.onProgress?.(index, size);
      await nextTurn();
    }
    for (const tile of tiles.partials()) take(tilePath(tile), tile.bytes);
    return tiles.root();
  }

  #readEdge(level: number, size: number): Bytes {
    const index = Math.floor(size / TILE_WIDTH ** (level + 1));
    const tile = { level, index, width: tileWidth(level, index, size) };
    if (tile.width === 0) return new Uint8Array(0);
    const bytes = readTile(this.#files, this.#options.folder, tile);
    const where = `${PUBLIC_FOLDER}/${tilePath(tile)}`;
    return bytes?.subarray(0, tile.width * HASH_BYTES) ?? refuse("ledger/missing-tile", where, "the backup lacks it");
  }
}
