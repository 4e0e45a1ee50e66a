import { PAGE_BYTES, type WasmMemory } from "../web-assembly.ts";

const SYSTEM_PAGE_BYTES = 4_096; // where the system's are larger nothing is learnt, and everything is zeroed
const SYSTEM_PAGES = PAGE_BYTES / SYSTEM_PAGE_BYTES;

// Fewer pages are zeroed as quickly as the system is asked. In more there is room for a huge page (2 MiB), which the kernel may put
// in the place of small ones by itself; then no fault tells who writes beside them.
const FOLLOWED_PAGES_MIN = 8;
const FOLLOWED_PAGES_MAX = 31;

// Runs in which the process itself caused faults are many in its first seconds, and after each collection of garbage.
const STRANGE_RUN = 4; // as many calm runs make up for one with faults
const ALARM = 32 * STRANGE_RUN;
const FIRST_PAUSE = 16; // runs with faults until the next lesson after one that taught nothing; doubled each time
const FIRST_REST = 64; // runs; doubled each time, and the first again when calm has made up for all

/** How often the system has given this process a page of memory, or a page of its own in place of a shared one, or read one in. */
export type CountFaults = () => number;

/** getrusage(2). Zero for ever where that may not be asked. */
export function countFaults(): number {
  try {
    const { minorPageFault, majorPageFault } = process.resourceUsage();
    return minorPageFault + majorPageFault;
  } catch {
    return 0;
  }
}

/**
 * Makes a memory zero again after each run of one tenant, in memories of one size, without zeroing what nobody has written: doing
 * that costs more than a small run, since it drives everything else out of the processor's cache (docs/decisions/0039).
 *
 * Who writes a page of memory for the first time causes a page fault, and the kernel counts them. After a run, though not after a
 * tenant's first, there is a lesson: each page is written to, and where that causes no fault the run had done so before. In the
 * memories that follow, these pages and those of the module's data are the process's own from the beginning and zeroed after each
 * run. As long as no fault at all is counted between instantiation and the end of the run, nothing else has been written. Else the
 * memory must not be used again, whatever the fault was for. When that happens often, everything is zeroed after each run for a
 * while, a longer one each time, and then there is another lesson.
 *
 * Pages are followed in the size of WebAssembly's. A system whose pages are larger than 4 KiB, that gives several at once, or that
 * does not count causes fewer faults than there are system pages, in a lesson or in `begin`; then everything is zeroed as well.
 *
 * INVARIANT: a followed memory has no page that is both written and missing from `#written`, or it has counted a fault.
 */
export class Sweeper {
  readonly #pages: number;
  readonly #count: CountFaults;
  readonly #written = new Set<number>();
  #mode: "unknown" | "followed" | "whole";
  #alarm = 0;
  #untilLesson = 2; // not after the first run: many tenants have but one before the next tenant comes
  #nextPause = FIRST_PAUSE;
  #rest = Infinity; // runs until there is another lesson, where everything is zeroed
  #nextRest = FIRST_REST;
  #faultsBefore = 0;
  #upwards = true;

  constructor(pages: number, count: CountFaults) {
    this.#pages = pages;
    this.#count = count;
    this.#mode = pages < FOLLOWED_PAGES_MIN || pages > FOLLOWED_PAGES_MAX ? "whole" : "unknown";
  }

  /** Called before each run, with a memory that is zero, and the pages that instantiation will write, if they are known. */
  begin(memory: WasmMemory, isNew: boolean, dataPages: readonly number[] | undefined): void {
    if (this.#mode !== "followed") return;
    if (dataPages === undefined) return this.#beginRest();
    const missing = new Set(dataPages.filter((page) => !this.#written.has(page)));
    for (const page of missing) this.#written.add(page);
    const toHave = isNew ? this.#written : missing;
    if (toHave.size === 0) return;
    const bytes = new Uint8Array(memory.buffer);
    const before = this.#count();
    for (const page of toHave) touch(bytes, page);
    if (this.#count() - before < toHave.size * SYSTEM_PAGES) this.#beginRest();
  }

  /** Called between instantiation and the first of the guest's own instructions. */
  watch(): void {
    if (this.#mode === "followed") this.#faultsBefore = this.#count();
  }

  /** Called after each run, with a memory that has not grown. False when it must not be used again. */
  sweep(memory: WasmMemory): boolean {
    const bytes = new Uint8Array(memory.buffer);
    if (this.#mode === "whole") return this.#zeroAll(bytes);
    if (this.#mode === "followed" && this.#count() === this.#faultsBefore) return this.#zeroWritten(bytes);
    this.#alarm += STRANGE_RUN;
    if (--this.#untilLesson <= 0) this.#learn(bytes);
    if (this.#alarm > ALARM || this.#written.size > this.#pages / 2) this.#beginRest();
    return false;
  }

  /** Finds the pages that have been written in this memory. All of them are the process's own afterwards. */
  #learn(bytes: Uint8Array): void {
    const known = this.#written.size;
    for (let page = 0; page < this.#pages; page++) {
      const before = this.#count();
      touch(bytes, page);
      if (this.#count() - before < SYSTEM_PAGES) this.#written.add(page);
    }
    this.#mode = "followed";
    if (this.#written.size > known) this.#nextPause = FIRST_PAUSE;
    else {
      this.#untilLesson = this.#nextPause;
      this.#nextPause *= 2;
    }
  }

  #beginRest(): void {
    this.#mode = "whole";
    this.#rest = this.#nextRest;
    this.#nextRest *= 2;
    this.#alarm = 0;
    this.#untilLesson = 0;
  }

  #zeroWritten(bytes: Uint8Array): true {
    for (const page of this.#written) bytes.fill(0, page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
    if (this.#alarm > 0 && --this.#alarm === 0) this.#nextRest = FIRST_REST;
    return true;
  }

  /** Once from its beginning and once from its end, because what was zeroed last may still be in the processor's cache. */
  #zeroAll(bytes: Uint8Array): boolean {
    for (let n = 0; n < this.#pages; n++) {
      const page = this.#upwards ? n : this.#pages - 1 - n;
      bytes.fill(0, page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
    }
    this.#upwards = !this.#upwards;
    if (--this.#rest > 0) return true;
    this.#mode = "unknown";
    return false;
  }
}

function touch(bytes: Uint8Array, page: number): void {
  for (let at = page * PAGE_BYTES; at < (page + 1) * PAGE_BYTES; at += SYSTEM_PAGE_BYTES) bytes[at] = 0;
}
