import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { concatBytes, encodePieces, INPUT_PIECE_BYTES_MAX, parsePieces, replayInput } from "#core";

const PIECES = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 20 });

test("what was read in pieces is read again in the same pieces, and then ends", async () => {
  await fc.assert(
    fc.asyncProperty(PIECES, async (pieces) => {
      const bytes = concatBytes(pieces);
      const lengths = parsePieces(encodePieces(pieces.map(({ length }) => length)), bytes.length);
      assert.deepEqual(
        lengths,
        pieces.map(({ length }) => length),
      );
      const again = replayInput({ bytes, pieces: lengths ?? [] });
      for (const piece of [...pieces, new Uint8Array(0), new Uint8Array(0)])
        assert.deepEqual(await again.read(INPUT_PIECE_BYTES_MAX), piece);
    }),
  );
});

test("lengths that do not add up are no lengths, whatever the bytes are", () => {
  const rows: readonly (readonly [why: string, bytes: Uint8Array, total: number])[] = [
    ["a part of a length", new Uint8Array([1, 0, 0]), 1],
    ["a piece of nothing", encodePieces([1, 0]), 1],
    ["more than there is", encodePieces([2]), 1],
    ["less than there is", encodePieces([1]), 2],
    ["a piece that is too long", encodePieces([INPUT_PIECE_BYTES_MAX + 1]), INPUT_PIECE_BYTES_MAX + 1],
  ];
  for (const [why, bytes, total] of rows) assert.equal(parsePieces(bytes, total), undefined, why);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 16 }), fc.nat(100_000), (bytes, total) => {
      const lengths = parsePieces(bytes, total);
      if (lengths === undefined) return;
      assert.deepEqual(encodePieces(lengths), bytes);
      assert.equal(
        lengths.reduce((sum, one) => sum + one, 0),
        total,
      );
    }),
  );
});
