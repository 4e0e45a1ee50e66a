import { type AcknowledgementLevel, type Bytes, fail, ok, type Result } from "#core";
import {
  consistencyPath,
  encodeReceipt,
  encodeTlogProof,
  GrowingTiles,
  HASH_BYTES,
  inclusionPath,
  makeReceiptEntry,
  makeTreeHash,
  parseSignedCheckpoint,
  perfectRoot,
  type ReceiptEntry,
  TILE_WIDTH,
  tilePath,
  type TreeHash,
  tileWidth,
} from "#ledger";
import type { LedgerFault } from "#ports";
import { sha256 } from "#store/keys";
import { attempt, ledgerFault, nodeFiles, refuse } from "./file-layer.ts";
import { PUBLIC_FOLDER, readTile } from "./public-folder.ts";
import { LedgerDamage, type TilesReader } from "./reader.ts";

/**
 * The audit path of entry `index` in the tree of `size` entries (the published size unless said otherwise), from tiles and,
 * past what is published, from the journal's entries. It has not been checked against any root: whoever uses it does that.
 */
export function readProof(
  reader: TilesReader,
  index: number,
  size = reader.published.size,
): Result<readonly Bytes[], LedgerFault> {
  return attempt("", () => ok(new ProofSource(reader).path(index, size)));
}

/** The consistency path between two sizes of this log, the larger one published. Not checked against any root. */
export function readConsistency(
  reader: TilesReader,
  sizes: { readonly from: number; readonly to: number },
): Result<readonly Bytes[], LedgerFault> {
  return attempt("", () => ok(new ProofSource(reader).consistency(sizes)));
}

/** What a receipt is made of. `checkpoint` is a signed one that covers every index; the published one unless given. */
export type ReceiptRequest = {
  readonly run: string;
  readonly vkey: string;
  readonly indexes: readonly number[];
  readonly checkpoint?: string;
  /** The level that the receipt claims for the run. */
  readonly acknowledged?: AcknowledgementLevel;
};

/** Reads entries and their proofs under one checkpoint, as the bytes of a receipt. It verifies if the ledger is sound. */
export function readReceipt(reader: TilesReader, request: ReceiptRequest): Result<Uint8Array, LedgerFault> {
  const checkpoint = request.checkpoint ?? reader.checkpoint;
  const head = parseSignedCheckpoint(checkpoint);
  if (!head.ok) return fail(ledgerFault("ledger/corrupt-checkpoint", "", head.fault.code));
  const { size } = head.value;
  return attempt("", () => {
    const source = new ProofSource(reader);
    const entries: ReceiptEntry[] = [];
    for (const index of [...new Set(request.indexes)].toSorted((a, b) => a - b)) {
      const proof = encodeTlogProof({ index, path: source.path(index, size), checkpoint });
      const entry = makeReceiptEntry(readEntry(reader, index), proof);
      if (entry === undefined) refuse("ledger/corrupt-tile", `entry ${index}`, "it is not an envelope");
      entries.push(entry);
    }
    const { run, vkey, acknowledged } = request;
    return ok(encodeReceipt({ run, logKey: vkey, ...(acknowledged === undefined ? {} : { acknowledged }), entries }));
  });
}

function readEntry(reader: TilesReader, index: number): Bytes {
  try {
    const [entry] = reader.entries(index, index + 1);
    return entry ?? refuse("ledger/missing-tile", `entry ${index}`, "");
  } catch (error) {
    if (error instanceof LedgerDamage) refuse(error.fault.code, error.fault.where, error.fault.detail);
    throw error;
  }
}

/** Hashes of complete subtrees, from tiles on disk and from those that the journal's entries would give. */
class ProofSource {
  readonly #reader: TilesReader;
  readonly #hash: TreeHash = makeTreeHash(sha256);
  readonly #cache = new Map<string, Bytes>();
  #tailRead = false;

  constructor(reader: TilesReader) {
    this.#reader = reader;
  }

  path(index: number, size: number): readonly Bytes[] {
    if (index < 0 || index >= size || size > this.#reader.size) {
      refuse("ledger/missing-tile", `entry ${index}`, `it is not in a tree of ${size}, or the log does not have so many`);
    }
    if (size > this.#reader.published.size) this.#readTail();
    return inclusionPath(this.#hash, { index, size }, (level, at) => this.#subtree(level, at));
  }

  consistency({ from, to }: { readonly from: number; readonly to: number }): readonly Bytes[] {
    if (from < 1 || from > to || to > this.#reader.published.size)
      refuse("ledger/missing-tile", "", `there is no proof from ${from} to ${to} in a log of ${this.#reader.published.size}`);
    return consistencyPath(this.#hash, { from, to }, (level, at) => this.#subtree(level, at));
  }

  #subtree(level: number, index: number): Bytes {
    const tileLevel = Math.floor(level / 8);
    const count = 2 ** (level % 8);
    const first = index * count;
    const hashes = this.#tile(tileLevel, Math.floor(first / TILE_WIDTH));
    return perfectRoot(this.#hash, hashes, (first % TILE_WIDTH) * HASH_BYTES, count);
  }

  #tile(level: number, index: number): Bytes {
    const key = `${level}/${index}`;
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    const { folder, published, pruned } = this.#reader;
    const tile = { level, index, width: tileWidth(level, index, published.size) };
    const bytes = tile.width === 0 ? undefined : (readTile(nodeFiles, folder, tile) ?? pruned.read(tile));
    if (bytes === undefined) return refuse("ledger/missing-tile", `${PUBLIC_FOLDER}/${tilePath(tile)}`, "");
    this.#cache.set(key, bytes);
    return bytes;
  }

  /** Continues the published tree by the journal's entries; the tiles that result stand before those on disk. */
  #readTail(): void {
    if (this.#tailRead) return;
    this.#tailRead = true;
    const { published, size } = this.#reader;
    const tiles = GrowingTiles.resume(this.#hash, published.size, (level) =>
      this.#tile(level, Math.floor(published.size / TILE_WIDTH ** (level + 1))),
    );
    for (const entry of this.#reader.entries(published.size, size)) tiles.append(this.#hash.leaf(entry));
    for (const tile of [...tiles.takeFull(), ...tiles.partials()]) this.#cache.set(`${tile.level}/${tile.index}`, tile.bytes);
  }
}
