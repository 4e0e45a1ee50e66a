import { fail, ok, type Result } from "#core";
import { TILE_WIDTH } from "./merkle-tree.ts";

/** Where a tile or bundle stands (tlog-tiles, "Merkle Tree"): `width` 256 is full, 1 to 255 partial. */
export type TileCoordinate = { readonly level: number | "entries"; readonly index: number; readonly width: number };

export type TilePathFault = { readonly code: "ledger/tile-path-malformed"; readonly path: string };

const LEVEL_MAX = 63; // tlog-tiles: L is 0 to 63

/** `tile/<L>/<N>[.p/<W>]` or `tile/entries/<N>[.p/<W>]`, N in groups of three digits, all but the last behind an `x`. */
export function tilePath(tile: TileCoordinate): string {
  const digits = String(tile.index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, "0");
  const groups = padded.match(/.{3}/g) ?? [];
  const number = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join("/");
  return `tile/${tile.level}/${number}${tile.width === TILE_WIDTH ? "" : `.p/${tile.width}`}`;
}

/** Reads the one path that {@link tilePath} would write for a coordinate, and refuses every other spelling. */
export function parseTilePath(path: string): Result<TileCoordinate, TilePathFault> {
  const malformed = fail({ code: "ledger/tile-path-malformed", path } as const);
  if (path.length > 100) return malformed;
  const form = /^tile\/(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/.exec(path);
  if (form === null) return malformed;
  const [, where = "", number = "", width] = form;
  const tile: TileCoordinate = {
    level: where === "entries" ? "entries" : Number(where),
    index: Number(number.replaceAll(/[x/]/g, "")),
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
  if (tile.level !== "entries" && tile.level > LEVEL_MAX) return malformed;
  if (!Number.isSafeInteger(tile.index) || (width !== undefined && tile.width >= TILE_WIDTH)) return malformed;
  return tilePath(tile) === path ? ok(tile) : malformed;
}

/** Hashes at `level` in a tree of `size` leaves: only full tiles are hashed upward. */
export function hashesAt(level: number, size: number): number {
  return Math.floor(size / TILE_WIDTH ** level);
}

/** Width of tile `index` at `level` in a tree of `size` leaves; 0 when such a tile must not exist. */
export function tileWidth(level: number | "entries", index: number, size: number): number {
  const rest = hashesAt(level === "entries" ? 0 : level, size) - index * TILE_WIDTH;
  return Math.max(0, Math.min(TILE_WIDTH, rest));
}

/** Every tile and bundle of a tree of `size` leaves that one of `fromSize` leaves did not have, full ones and partials. */
export function* tilesBetween(fromSize: number, size: number): Generator<TileCoordinate> {
  for (const level of ["entries", ...levelsOf(size)] as const) {
    const hashes = hashesAt(level === "entries" ? 0 : level, size);
    const before = hashesAt(level === "entries" ? 0 : level, fromSize);
    if (hashes === before) continue;
    for (let index = Math.floor(before / TILE_WIDTH); index * TILE_WIDTH < hashes; index++) {
      yield { level, index, width: tileWidth(level, index, size) };
    }
  }
}

/** The tile levels that a tree of `size` leaves has, 0 upward. */
export function levelsOf(size: number): readonly number[] {
  const levels: number[] = [];
  for (let level = 0; hashesAt(level, size) > 0; level++) levels.push(level);
  return levels;
}
