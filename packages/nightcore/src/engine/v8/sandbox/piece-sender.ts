import type { Bytes } from "#core";
import type { PrintedStream } from "#ports";
import { encodePiece, LARGE_PIECE_BYTES, SMALL_PIECES_MAX } from "../wire/piece.ts";

/**
 * Sends what a guest has printed as soon as it has, and each byte once: when the exact form of the module repeats what the fast
 * one has printed already, nothing is sent until it comes to what is new.
 */
export class PieceSender {
  readonly #send: (frame: readonly Bytes[]) => void;
  readonly #sentBytes = { stdout: 0, stderr: 0 };
  #smallLeft = SMALL_PIECES_MAX;

  constructor(send: (frame: readonly Bytes[]) => void) {
    this.#send = send;
  }

  /** Takes all that the stream has been given so far. What is not sent now goes with the next piece, or with the outcome. */
  tell(stream: PrintedStream, written: Bytes): void {
    const bytes = written.subarray(this.#sentBytes[stream]);
    if (bytes.length === 0) return;
    if (bytes.length < LARGE_PIECE_BYTES) {
      if (this.#smallLeft === 0) return;
      this.#smallLeft--;
    }
    this.#send(encodePiece(stream, bytes));
    this.#sentBytes[stream] = written.length;
  }
}
