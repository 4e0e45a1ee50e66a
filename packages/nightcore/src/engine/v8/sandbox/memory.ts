import type { OwnMemory } from "../meter/rewrite.ts";
import { PAGE_BYTES, type WasmMemory, WebAssembly } from "../web-assembly.ts";
import { type CountFaults, countFaults, Sweeper } from "./sweeper.ts";

const KEPT_PAGES_MAX = 64; // LIMIT: 4 MiB; zeroing more costs more than asking the system for it

/**
 * The linear memory of the one run that there is at a time. Making one costs more than running a small guest, so it is kept, zeroed,
 * for the next run of the same tenant with the same sizes.
 *
 * INVARIANT: what is handed out is zero in every byte and has never grown.
 */
export class MemoryKeeper {
  readonly #count: CountFaults;
  #memory: WasmMemory | undefined;
  #pagesMin = 0;
  #pagesMax = 0;
  #clean = true;
  #sweeper: Sweeper;

  constructor(count: CountFaults = countFaults) {
    this.#count = count;
    this.#sweeper = new Sweeper(0, count);
  }

  /** A memory of exactly these sizes. Throws a RangeError when the system has none. */
  take({ pagesMin, pagesMax, dataPages }: OwnMemory, sameTenant: boolean): WasmMemory {
    if (!sameTenant || pagesMin !== this.#pagesMin || pagesMax !== this.#pagesMax) {
      this.#memory = undefined;
      this.#pagesMin = pagesMin;
      this.#pagesMax = pagesMax;
      this.#sweeper = new Sweeper(pagesMin, this.#count);
    }
    const kept = this.#clean ? this.#memory : undefined;
    this.#memory = undefined;
    const memory = kept ?? new WebAssembly.Memory({ initial: pagesMin, maximum: pagesMax });
    this.#memory = memory;
    this.#clean = false;
    this.#sweeper.begin(memory, kept === undefined, dataPages);
    return memory;
  }

  /** Called between instantiation and the first of the guest's own instructions. */
  watch(): void {
    this.#sweeper.watch();
  }

  /** Zeroes what the last run used, or lets go of it. Called when its answer has been sent. */
  clean(): void {
    const memory = this.#memory;
    if (this.#clean || memory === undefined) return;
    const grown = memory.buffer.byteLength !== this.#pagesMin * PAGE_BYTES;
    if (grown || this.#pagesMin > KEPT_PAGES_MAX || !this.#sweeper.sweep(memory)) this.#memory = undefined;
    this.#clean = true;
  }
}
