import type { InputStream } from "#core";

const END = new Uint8Array();

/**
 * Our own input as a guest's, read when the guest waits for it and no sooner: what is not read stays in the pipe, and its writer
 * waits. Nothing is opened before the first read. A terminal is read in lines.
 */
export function openStandardInput(): InputStream {
  let opened: InputStream | undefined;
  return {
    read: (bytesMax) => (opened ??= readPieces(process.stdin)).read(bytesMax),
    close: () => opened?.close(),
  };
}

/** What is needed of a stream of Node's. */
type Source = Pick<typeof process.stdin, "read" | "readableLength" | "readableEnded" | "destroyed" | "errored"> & {
  on(event: string, listener: () => void): unknown;
  destroy(): unknown;
};

/** A stream of Node's, a piece at a time. Its error is one of the next read. */
export function readPieces(stream: Source): InputStream {
  let changed = Promise.withResolvers<void>();
  const wake = (): void => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  for (const event of ["readable", "end", "close", "error"]) stream.on(event, wake);
  return {
    async read(bytesMax) {
      for (;;) {
        const piece = stream.read(Math.min(bytesMax, stream.readableLength)) as Uint8Array | null;
        if (piece !== null && piece.length > 0) return piece;
        if (stream.errored !== null) throw stream.errored;
        if (stream.readableEnded || stream.destroyed) return END;
        await changed.promise;
      }
    },
    close: () => void stream.destroy(),
  };
}
