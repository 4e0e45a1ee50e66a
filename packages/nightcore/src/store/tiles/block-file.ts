import type { Bytes } from "#core";
import { errnoOf, type FileLayer } from "./file-layer.ts";
import { BLOCK_BYTES, returnStage, roundUpToBlock, STAGE_BYTES, takeStage } from "./page-memory.ts";

/**
 * A file of zeros that is filled from somewhere on, in whole blocks and past the page cache: each write is durable when it has
 * ended, in one step of the disk. What stands in a block before the end of the last write is written again with what follows it, as
 * the system itself does with a page; what follows the end up to the next block becomes zeros. The file never grows: whoever
 * writes sees to it that the last block is in it.
 *
 * Where a file system does not write past the page cache, the same goes through it.
 */
export class BlockFile {
  readonly #files: FileLayer;
  readonly #fd: number;
  /** Begins with what stands in the block of the end. */
  readonly #stage: Uint8Array;
  #end: number;

  private constructor(files: FileLayer, fd: number, stage: Uint8Array, end: number) {
    this.#files = files;
    this.#fd = fd;
    this.#stage = stage;
    this.#end = end;
  }

  /** Opens a file that is filled up to `end`. Throws as the layer does. */
  static open(files: FileLayer, path: string, end: number): BlockFile {
    const stage = takeStage();
    const last = { block: stage.subarray(0, BLOCK_BYTES), at: end - (end % BLOCK_BYTES) };
    try {
      return new BlockFile(files, openAndRead(files, path, last), stage, end);
    } catch (error) {
      returnStage(stage);
      throw error;
    }
  }

  /** Makes `bytes` durable behind the end. After it has thrown nobody knows what is there, and nothing more may be appended. */
  append(bytes: Bytes): void {
    for (let taken = 0; taken < bytes.length;) {
      const before = this.#end % BLOCK_BYTES;
      const part = bytes.subarray(taken, taken + STAGE_BYTES - before);
      const filled = before + part.length;
      this.#stage.set(part, before);
      this.#stage.fill(0, filled, roundUpToBlock(filled));
      this.#files.writeThrough(this.#fd, this.#stage.subarray(0, roundUpToBlock(filled)), this.#end - before);
      taken += part.length;
      this.#end += part.length;
      this.#stage.copyWithin(0, filled - (filled % BLOCK_BYTES), filled);
    }
  }

  close(): void {
    returnStage(this.#stage);
    this.#files.close(this.#fd);
  }
}

/** Opens a file past the page cache if that goes, and reads the block that `last` says, which shows whether it does. */
function openAndRead(files: FileLayer, path: string, last: { readonly block: Uint8Array; readonly at: number }): number {
  const openAs = (mode: "direct" | "through"): number => {
    const fd = files.open(path, mode);
    try {
      files.read(fd, last.block, last.at);
      return fd;
    } catch (error) {
      files.close(fd);
      throw error;
    }
  };
  try {
    return openAs("direct");
  } catch (error) {
    if (errnoOf(error) !== "EINVAL") throw error;
    return openAs("through");
  }
}
