import assert from "node:assert/strict";
import { test } from "node:test";
import type { WasmMemory } from "../web-assembly.ts";
import { MemoryKeeper } from "./memory.ts";

const SMALL = { pagesMin: 1, pagesMax: 4, dataPages: [] };

function grow(memory: WasmMemory, pages: number): void {
  (memory as WasmMemory & { grow(pages: number): number }).grow(pages);
}

test("the next run of the same tenant gets the same memory, with nothing left in it", () => {
  const keeper = new MemoryKeeper();
  const first = keeper.take(SMALL, false);
  new Uint8Array(first.buffer).fill(0xaa);
  keeper.clean();
  const second = keeper.take(SMALL, true);
  assert.equal(second, first);
  assert.ok(new Uint8Array(second.buffer).every((byte) => byte === 0));
});

test("a memory is made anew when it may not be kept", () => {
  const rows: readonly (readonly [why: string, use: (keeper: MemoryKeeper, memory: WasmMemory) => WasmMemory])[] = [
    ["another tenant", (keeper) => (keeper.clean(), keeper.take(SMALL, false))],
    ["another minimum", (keeper) => (keeper.clean(), keeper.take({ ...SMALL, pagesMin: 2 }, true))],
    [
      "another maximum, which a guest can see by growing",
      (keeper) => (keeper.clean(), keeper.take({ ...SMALL, pagesMax: 5 }, true)),
    ],
    ["it has grown", (keeper, memory) => (grow(memory, 1), keeper.clean(), keeper.take(SMALL, true))],
    ["nobody has zeroed it", (keeper) => keeper.take(SMALL, true)],
  ];
  for (const [why, use] of rows) {
    const keeper = new MemoryKeeper();
    const memory = keeper.take(SMALL, false);
    new Uint8Array(memory.buffer).fill(0xaa);
    const next = use(keeper, memory);
    assert.notEqual(next, memory, why);
    assert.ok(
      new Uint8Array(next.buffer).every((byte) => byte === 0),
      why,
    );
  }
});

test("a large memory is let go of", () => {
  const keeper = new MemoryKeeper();
  const large = { pagesMin: 65, pagesMax: 65, dataPages: [] };
  const first = keeper.take(large, false);
  keeper.clean();
  assert.notEqual(keeper.take(large, true), first);
});
