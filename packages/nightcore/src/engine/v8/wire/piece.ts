import type { Bytes } from "#core";
import type { PrintedStream } from "#ports";
import type { WireReader } from "./reader.ts";
import { WireWriter } from "./writer.ts";

/** The first byte of a piece, beside those of the answers. */
export const PIECE = 4;
/** What counts as a large piece; only large ones are sent once the small ones are used up. */
export const LARGE_PIECE_BYTES = 4_096;
/** LIMIT: a run's pieces of fewer bytes: a guest that prints byte by byte costs neither side a frame for each for ever. */
export const SMALL_PIECES_MAX = 10_000;

/** A part of what a running guest prints, told before its outcome. */
export type Piece = { readonly kind: "piece"; readonly stream: PrintedStream; readonly bytes: Bytes };

/** `u8 4 | flag stderr | bytes`. */
export function encodePiece(stream: PrintedStream, bytes: Bytes): readonly Bytes[] {
  const writer = new WireWriter();
  writer.u8(PIECE);
  writer.flag(stream === "stderr");
  writer.bytes(bytes);
  return writer.frame();
}

/** The rest of a piece behind its first byte. Throws a WireError when it is longer than all that the run may print. */
export function decodePiece(reader: WireReader, bytesMax: number): Piece {
  const stream = reader.flag() ? "stderr" : "stdout";
  const bytes = reader.bytes(bytesMax).slice();
  reader.end();
  return { kind: "piece", stream, bytes };
}
