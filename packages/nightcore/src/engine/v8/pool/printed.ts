import type { Bytes } from "#core";
import type { Print, PrintedStream } from "#ports";
import { GrowingBytes } from "../wasi/stdio.ts";
import { LARGE_PIECE_BYTES, type Piece, SMALL_PIECES_MAX } from "../wire/piece.ts";
import { WireError } from "../wire/reader.ts";

/**
 * What a sandbox has said that its guest prints, kept to be compared with the outcome. It takes no more bytes than the run may
 * print, and no more small pieces than a sandbox sends, so that a flood costs the worker no more than the run's own output.
 */
export class Printed {
  readonly #streams = { stdout: new GrowingBytes(), stderr: new GrowingBytes() };
  readonly #print: Print;
  #bytesLeft: number;
  #smallLeft = SMALL_PIECES_MAX;

  constructor(print: Print, bytesMax: number) {
    this.#print = print;
    this.#bytesLeft = bytesMax;
  }

  /** Checks a piece and passes it on. Throws a WireError for one that no sandbox of ours sends. */
  take({ stream, bytes }: Piece): void {
    if (bytes.length === 0) throw new WireError("a piece of nothing");
    if (bytes.length < LARGE_PIECE_BYTES && this.#smallLeft-- === 0) throw new WireError("too many small pieces");
    if (bytes.length > this.#bytesLeft) throw new WireError("more pieces than output");
    this.#bytesLeft -= bytes.length;
    this.#streams[stream].append(bytes);
    this.#print(stream, bytes);
  }

  /** Throws a WireError when an outcome does not begin with what was passed on. */
  compare(outcome: Readonly<Record<PrintedStream, Bytes>>): void {
    for (const stream of ["stdout", "stderr"] as const) {
      const { written } = this.#streams[stream];
      const whole = outcome[stream];
      if (whole.length < written.length || !written.every((byte, i) => byte === whole[i]))
        throw new WireError(`its ${stream} is not what it said before`);
    }
  }
}
