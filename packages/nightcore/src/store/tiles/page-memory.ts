import { assert } from "#core";

/** What a disk is written in, past the page cache: a write begins and ends at a multiple of it, in the file and in memory. */
export const BLOCK_BYTES = 4096;
/** What is written at once; longer files go in several steps. */
export const STAGE_BYTES = 1024 * 1024;

const WASM_PAGE_BYTES = 65_536;
const STAGES_AT_ONCE = 16; // more are made where they are needed

// The one memory in JavaScript that is known to begin at a page. What of it is never written costs nothing.
type PageMemory = new (options: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
const { Memory } = (globalThis as unknown as { readonly WebAssembly: { readonly Memory: PageMemory } }).WebAssembly;

const free: Uint8Array[] = [];

/** Lends {@link STAGE_BYTES} of memory that begin at a page, with whatever was there before, until they are given back. */
export function takeStage(): Uint8Array {
  if (free.length === 0) {
    const { buffer } = new Memory({ initial: (STAGES_AT_ONCE * STAGE_BYTES) / WASM_PAGE_BYTES });
    for (let at = 0; at < buffer.byteLength; at += STAGE_BYTES) free.push(new Uint8Array(buffer, at, STAGE_BYTES));
  }
  const stage = free.pop();
  assert(stage !== undefined, "more have just been made");
  return stage;
}

/** Gives a stage back, when nothing is written from it any more. */
export function returnStage(stage: Uint8Array): void {
  free.push(stage);
}

/** `length` and what is lacking to a whole block. */
export function roundUpToBlock(length: number): number {
  return Math.ceil(length / BLOCK_BYTES) * BLOCK_BYTES;
}
