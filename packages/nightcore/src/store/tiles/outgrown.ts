import { TILE_WIDTH, type TileCoordinate } from "#ledger";

/** The tiles and bundles that were partial at `from` and are full at `size`: their partial forms are not needed any more. */
export function outgrownPartials(from: number, size: number): readonly TileCoordinate[] {
  const outgrown: TileCoordinate[] = [];
  let before = from;
  let now = size;
  for (let level = 0; before > 0; level++) {
    const index = Math.floor(before / TILE_WIDTH);
    if (before % TILE_WIDTH !== 0 && Math.floor(now / TILE_WIDTH) > index) {
      outgrown.push({ level, index, width: TILE_WIDTH });
      if (level === 0) outgrown.push({ level: "entries", index, width: TILE_WIDTH });
    }
    before = index;
    now = Math.floor(now / TILE_WIDTH);
  }
  return outgrown;
}
