import {
  type Bytes,
  concatBytes,
  fail,
  INPUT_BYTES_MAX,
  INPUT_PIECE_BYTES_MAX,
  INPUT_PIECE_COST,
  ok,
  type InputRead,
  type InputStream,
  type Result,
} from "#core";
import type { EngineFault } from "#ports";

/**
 * Reads the input of one run when its guest waits for it, a piece at a time, and keeps what it has read: that is what the run
 * started from. It does not believe the stream either.
 */
export class Feed {
  readonly #stream: InputStream;
  readonly #pieces: Bytes[] = [];
  #used = 0;
  #ended = false;
  #waiting = false;

  constructor(stream: InputStream) {
    this.#stream = stream;
  }

  /** Whether a piece has been asked for that has not come. */
  get waiting(): boolean {
    return this.#waiting;
  }

  /** Whether the end has been read, behind which nobody asks. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The next piece, empty at the end; `engine/input-failed` when it cannot be read, `engine/input-exceeded` when it is too much. */
  async next(): Promise<Result<Bytes, EngineFault>> {
    this.#waiting = true;
    try {
      const read: unknown = await this.#stream.read(INPUT_PIECE_BYTES_MAX);
      if (!(read instanceof Uint8Array) || read.length > INPUT_PIECE_BYTES_MAX)
        return fail({ code: "engine/input-failed", detail: "the stream gave something else than it was asked for" });
      this.#ended = read.length === 0;
      this.#used += read.length + (this.#ended ? 0 : INPUT_PIECE_COST);
      if (this.#used > INPUT_BYTES_MAX)
        return fail({ code: "engine/input-exceeded", detail: `at most ${INPUT_BYTES_MAX} bytes` });
      const piece = read.slice(); // a stream may use its buffer again
      if (!this.#ended) this.#pieces.push(piece);
      return ok(piece);
    } catch (error) {
      return fail({ code: "engine/input-failed", detail: error instanceof Error ? error.message : "" });
    } finally {
      this.#waiting = false;
    }
  }

  /** What has been read. */
  get read(): InputRead {
    return { bytes: concatBytes(this.#pieces), pieces: this.#pieces.map(({ length }) => length) };
  }

  close(): void {
    this.#stream.close();
  }
}
