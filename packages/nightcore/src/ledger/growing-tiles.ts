import { assert, type Bytes } from "#core";
import { Frontier, HASH_BYTES, TILE_WIDTH, type TreeHash } from "./merkle-tree.ts";

/** A tile with its place: `bytes` are `width` hashes. */
export type TileContent = { readonly level: number; readonly index: number; readonly width: number; readonly bytes: Bytes };

/** The growing tile of one level: the hashes after the last full tile. */
type Edge = { index: number; width: number; bytes: Uint8Array };

/** A tree that keeps its unfinished tiles at hand and sets finished ones aside until they are taken. */
export class GrowingTiles {
  readonly #frontier: Frontier;
  readonly #edges: Edge[] = [];
  #full: TileContent[] = [];

  private constructor(frontier: Frontier) {
    this.#frontier = frontier;
  }

  /** The tree of `size` leaves whose partial tiles `edge` knows; size 0 asks for none. */
  static resume(hash: TreeHash, size: number, edge: (level: number) => Bytes): GrowingTiles {
    const known = new Map<number, Bytes>();
    const tiles = new GrowingTiles(
      Frontier.resume(hash, size, (level) => {
        const bytes = edge(level);
        known.set(level, bytes);
        return bytes;
      }),
    );
    for (let level = 0, rest = size; rest > 0; level++, rest = Math.floor(rest / TILE_WIDTH)) {
      const bytes = new Uint8Array(TILE_WIDTH * HASH_BYTES);
      bytes.set(known.get(level) ?? new Uint8Array(0));
      tiles.#edges.push({ index: Math.floor(rest / TILE_WIDTH), width: rest % TILE_WIDTH, bytes });
    }
    return tiles;
  }

  get size(): number {
    return this.#frontier.size;
  }

  append(leaf: Bytes): void {
    this.#frontier.append(leaf, (level, hash) => this.#push(level, hash));
  }

  root(): Bytes {
    return this.#frontier.root();
  }

  /** Every tile that became full since the last call, lower levels first among those of one moment. */
  takeFull(): readonly TileContent[] {
    const full = this.#full;
    this.#full = [];
    return full;
  }

  /** The partial tiles that a checkpoint of the present size needs; a level of width 0 has none. */
  partials(): readonly TileContent[] {
    return this.#edges.flatMap((edge, level) =>
      edge.width === 0
        ? []
        : [{ level, index: edge.index, width: edge.width, bytes: edge.bytes.slice(0, edge.width * HASH_BYTES) }],
    );
  }

  #push(level: number, hash: Bytes): void {
    let edge = this.#edges[level];
    if (edge === undefined) {
      assert(level === this.#edges.length, "tile levels appear one after the other");
      edge = { index: 0, width: 0, bytes: new Uint8Array(TILE_WIDTH * HASH_BYTES) };
      this.#edges.push(edge);
    }
    edge.bytes.set(hash, edge.width * HASH_BYTES);
    edge.width++;
    if (edge.width < TILE_WIDTH) return;
    this.#full.push({ level, index: edge.index, width: TILE_WIDTH, bytes: edge.bytes });
    edge.index++;
    edge.width = 0;
    edge.bytes = new Uint8Array(TILE_WIDTH * HASH_BYTES);
  }
}
