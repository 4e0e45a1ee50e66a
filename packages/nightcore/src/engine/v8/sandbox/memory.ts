import { type WasmMemory, WebAssembly } from "../web-assembly.ts";

const PAGE_BYTES = 65_536;
const KEPT_PAGES_MAX = 64; // LIMIT: 4 MiB; zeroing more costs more than asking the system for it

/** The sizes that a memory is made with, in pages. */
export type MemorySizes = { readonly pagesMin: number; readonly pagesMax: number };

/**
 * The linear memory of the one run that there is at a time. Making one costs more than running a small guest, so it is kept, zeroed,
 * for the next run of the same tenant with the same sizes.
 *
 * INVARIANT: what is handed out is zero in every byte and has never grown.
 */
export class MemoryKeeper {
  #kept: { readonly memory: WasmMemory; readonly sizes: MemorySizes } | undefined;
  #clean = true;

  /** A memory of exactly these sizes. Throws a RangeError when the system has none. */
  take(sizes: MemorySizes, sameTenant: boolean): WasmMemory {
    const kept = this.#kept;
    if (sameTenant && this.#clean && kept?.sizes.pagesMin === sizes.pagesMin && kept.sizes.pagesMax === sizes.pagesMax) {
      this.#clean = false;
      return kept.memory;
    }
    const memory = new WebAssembly.Memory({ initial: sizes.pagesMin, maximum: sizes.pagesMax });
    this.#kept = { memory, sizes };
    this.#clean = false;
    return memory;
  }

  /** Zeroes what the last run used, or lets go of it. Called when its answer has been sent. */
  clean(): void {
    if (this.#clean || this.#kept === undefined) return;
    const { memory, sizes } = this.#kept;
    const grown = memory.buffer.byteLength !== sizes.pagesMin * PAGE_BYTES;
    if (grown || sizes.pagesMin > KEPT_PAGES_MAX) this.#kept = undefined;
    else new Uint8Array(memory.buffer).fill(0);
    this.#clean = true;
  }
}
