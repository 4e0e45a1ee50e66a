import assert from "node:assert/strict";
import { test } from "node:test";
import type { OwnMemory } from "../meter/rewrite.ts";
import { type WasmMemory, WebAssembly } from "../web-assembly.ts";
import { MemoryKeeper } from "./memory.ts";
import { type CountFaults, countFaults } from "./sweeper.ts";

const PAGE_BYTES = 65_536;
const PAGES = 17;
const SIZES: OwnMemory = { pagesMin: PAGES, pagesMax: 64, dataPages: [16] };
const ZEROS = Buffer.alloc(PAGES * PAGE_BYTES);

/** One run: what it is handed is zero, it writes one byte to each place, and is cleaned up after. */
function run(keeper: MemoryKeeper, places: readonly number[], { sizes = SIZES, value = 1, sameTenant = true } = {}): WasmMemory {
  const memory = keeper.take(sizes, sameTenant);
  assert.ok(Buffer.compare(Buffer.from(memory.buffer), ZEROS) === 0, "something is left in it");
  keeper.watch();
  const bytes = new Uint8Array(memory.buffer);
  for (const at of places) bytes[at] = value;
  keeper.clean();
  return memory;
}

/** Whether this kernel gives a process one page of 4 KiB at a time, and counts them: elsewhere nothing is followed. */
function canFollow(): boolean {
  const bytes = new Uint8Array(new WebAssembly.Memory({ initial: PAGES, maximum: PAGES }).buffer);
  const before = countFaults();
  for (let at = 0; at < PAGE_BYTES; at += 4_096) bytes[at] = 1;
  return countFaults() - before >= 16;
}

const skip = canFollow() ? false : "this kernel does not give single pages of 4 KiB, or does not count them";

/** The kernel's count, which can be held, so that no fault of this process itself disturbs. */
function holdable(): { readonly count: CountFaults; held: boolean } {
  let last = 0;
  const self = { held: false, count: () => (self.held ? last : (last = countFaults())) };
  return self;
}

/** A keeper that has learnt where these runs write: a lesson may miss a page when the process itself has a fault meanwhile. */
function taught(count: CountFaults, places: readonly number[]): MemoryKeeper {
  for (let attempt = 0; attempt < 100; attempt++) {
    const keeper = new MemoryKeeper(count);
    const memories = Array.from({ length: 6 }, () => run(keeper, places)).slice(3);
    if (new Set(memories).size === 1) return keeper;
  }
  throw new Error("this process has faults all the time");
}

test("pages that runs have written are zeroed, and those that no fault tells of are left alone", { skip }, () => {
  const kernel = holdable();
  const keeper = taught(kernel.count, [5, PAGE_BYTES + 7]);
  const follow = (places: readonly number[]): WasmMemory => {
    const memory = keeper.take(SIZES, true);
    kernel.held = true;
    keeper.watch();
    for (const at of places) new Uint8Array(memory.buffer)[at] = 1;
    keeper.clean();
    kernel.held = false;
    return memory;
  };
  const memory = follow([5, PAGE_BYTES + 7]);
  assert.equal(follow([6, 16 * PAGE_BYTES]), memory);
  assert.equal(follow([9 * PAGE_BYTES]), memory);
  const bytes = new Uint8Array(keeper.take(SIZES, true).buffer);
  assert.deepEqual(
    [bytes[5], bytes[6], bytes[PAGE_BYTES + 7], bytes[16 * PAGE_BYTES]],
    [0, 0, 0, 0],
    "of the lessons, and of the module's data",
  );
  assert.equal(bytes[9 * PAGE_BYTES], 1, "a control: had the fault been counted, this could not have been seen");
});

test("memory is zero for every run, wherever runs write, and whatever", () => {
  const keeper = new MemoryKeeper();
  let state = 1;
  const below = (limit: number): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) % limit; // the C standard's
  const favourites = [5, PAGE_BYTES + 7, 9 * PAGE_BYTES, 9 * PAGE_BYTES + 4_096, PAGES * PAGE_BYTES - 1];
  for (let i = 0; i < 1_500; i++) {
    const places = Array.from({ length: below(4) }, () => favourites[below(favourites.length)] ?? 0);
    if (below(10) === 0) places.push(below(PAGES * PAGE_BYTES));
    const dataPages = below(20) === 0 ? undefined : below(5) === 0 ? [3, 16] : [16];
    run(keeper, places, { sizes: { ...SIZES, dataPages }, value: below(2), sameTenant: below(50) > 0 });
  }
});

test("memory is zero where instantiation failed, so that nobody watched", () => {
  const keeper = new MemoryKeeper();
  for (let i = 0; i < 50; i++) {
    run(keeper, [5]);
    new Uint8Array(keeper.take(SIZES, true).buffer)[i * 4_096] = 1;
    keeper.clean();
  }
});

test("memory is zero where the kernel counts too much, or nothing", () => {
  let counted = 0;
  for (const count of [() => 0, () => counted++, () => (counted += 1_000)]) {
    const keeper = new MemoryKeeper(count);
    for (let i = 0; i < 300; i++) run(keeper, [i * 3_000, 16 * PAGE_BYTES + i]);
  }
});
