import type { Bytes } from "./bytes.ts";

/**
 * Input that comes while somebody reads it. It is asked for one piece at a time, and answers when there is one: 1 to `bytesMax`
 * bytes, or none where it ends. A piece is not asked for before there is room for it, so whoever writes has to wait.
 */
export type InputStream = {
  read(bytesMax: number): Promise<Bytes>;
  /** Nobody will read any more; what is being waited for need not come. */
  close(): void;
};

/** What was read of a stream: all of its bytes, and how long each piece was, since a reader can tell one long piece from two. */
export type InputRead = { readonly bytes: Bytes; readonly pieces: readonly number[] };

/** LIMIT: of a piece: what a pipe holds on Linux, and so what most writers write at once. */
export const INPUT_PIECE_BYTES_MAX = 65_536;
/** LIMIT: of all that a run may read of a stream, a piece counted with {@link INPUT_PIECE_COST} bytes more; it is kept. */
export const INPUT_BYTES_MAX: number = 64 * 1024 * 1024;
/** What a piece costs beside its bytes. */
export const INPUT_PIECE_COST = 64;

const LENGTH_BYTES = 4;

/** The lengths of pieces, 4 bytes each, little-endian. */
export function encodePieces(pieces: readonly number[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(LENGTH_BYTES * pieces.length);
  const view = new DataView(bytes.buffer);
  for (const [n, length] of pieces.entries()) view.setUint32(LENGTH_BYTES * n, length, true);
  return bytes;
}

/** The lengths of pieces that together are `bytesTotal`; undefined for what {@link encodePieces} does not make of such. */
export function parsePieces(bytes: Bytes, bytesTotal: number): readonly number[] | undefined {
  if (bytes.length % LENGTH_BYTES !== 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const pieces: number[] = [];
  let left = bytesTotal;
  for (let at = 0; at < bytes.length; at += LENGTH_BYTES) {
    const length = view.getUint32(at, true);
    if (length === 0 || length > INPUT_PIECE_BYTES_MAX) return undefined;
    pieces.push(length);
    left -= length;
  }
  return left === 0 ? pieces : undefined;
}

/** A stream that gives what was read of another one, in the same pieces, and then ends. */
export function replayInput({ bytes, pieces }: InputRead): InputStream {
  let at = 0;
  let next = 0;
  return {
    read(bytesMax) {
      const length = Math.min(pieces[next++] ?? 0, bytesMax);
      at += length;
      return Promise.resolve(bytes.subarray(at - length, at));
    },
    close() {
      next = pieces.length;
    },
  };
}
