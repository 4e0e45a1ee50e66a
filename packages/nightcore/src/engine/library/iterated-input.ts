import { type Bytes, type InputStream, utf8 } from "#core";

const END = new Uint8Array(0);

/**
 * An iterable as a stream: an item is asked for when the one before has been read, in pieces where it is too long, and empty ones
 * are passed over. Closing it lets the iterable clean up.
 */
export function iterateInput(iterable: AsyncIterable<Bytes | string>): InputStream {
  let iterator: AsyncIterator<Bytes | string, unknown> | undefined;
  let left: Bytes = END;
  let ended = false;
  return {
    async read(bytesMax) {
      while (left.length === 0 && !ended) {
        iterator ??= iterable[Symbol.asyncIterator]();
        const { done, value } = await iterator.next();
        if (done === true) ended = true;
        else left = typeof value === "string" ? utf8(value) : checkBytes(value);
      }
      const piece = left.subarray(0, bytesMax);
      left = left.subarray(piece.length);
      return piece;
    },
    close() {
      ended = true;
      // What it does then is its own; nobody waits for it. An iterator that is in the middle of an item hears of it behind that.
      void iterator?.return?.().catch(() => undefined);
    },
  };
}

function checkBytes(value: unknown): Bytes {
  if (value instanceof Uint8Array) return value;
  throw new TypeError("an item of `stdin` is neither bytes nor a string");
}
