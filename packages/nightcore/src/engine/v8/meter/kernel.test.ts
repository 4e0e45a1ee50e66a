import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../fixture.test.ts";
import { type WasmExports, type WasmGlobal, type WasmMemory, WebAssembly } from "../web-assembly.ts";
import { decodeBudget, encodeBudget, STACK_MASK } from "./frame.ts";
import { type MeteredModule, meterModule } from "./rewrite.ts";

// Kernels of different kinds, each an export `run` of one i32, and the way to run one plain and metered.

export const KERNELS: Readonly<Record<string, string>> = {
  "counted loop": `(func (export "run") (param $n i32) (result i32) (local $sum i32)
    (loop $l (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (local.get $n)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) (local.get $sum))`,
  recursion: `(func $fib (export "run") (param $n i32) (result i32)
    (if (result i32) (i32.lt_s (local.get $n) (i32.const 2)) (then (local.get $n))
      (else (i32.add (call $fib (i32.sub (local.get $n) (i32.const 1))) (call $fib (i32.sub (local.get $n) (i32.const 2)))))))`,
  sieve: `(memory (export "memory") 1) (func (export "run") (param $n i32) (result i32) (local $i i32) (local $j i32) (local $count i32)
    (local.set $n (i32.mul (local.get $n) (i32.const 50))) (local.set $i (i32.const 2))
    (loop $outer
      (if (i32.eqz (i32.load8_u (local.get $i))) (then
        (local.set $count (i32.add (local.get $count) (i32.const 1)))
        (local.set $j (i32.mul (local.get $i) (i32.const 2)))
        (block $done (loop $inner
          (br_if $done (i32.ge_u (local.get $j) (local.get $n)))
          (i32.store8 (local.get $j) (i32.const 1))
          (local.set $j (i32.add (local.get $j) (local.get $i)))
          (br $inner)))))
      (br_if $outer (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (local.get $count))`,
  "interpreter with br_table": `(func (export "run") (param $n i32) (result i32) (local $acc i32)
    (loop $next
      (block $default (block $two (block $one (block $zero
        (br_table $zero $one $two $default (i32.rem_u (local.get $n) (i32.const 5))))
        (local.set $acc (i32.add (local.get $acc) (i32.const 7))) (br $default))
        (local.set $acc (i32.xor (local.get $acc) (i32.const 0x55))) (br $default))
        (local.set $acc (i32.rotl (local.get $acc) (i32.const 3))))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $acc))`,
  "indirect calls": `(type $t (func (param i32) (result i32))) (table 3 funcref) (elem (i32.const 0) $a $b $c)
    (func $a (param i32) (result i32) (i32.add (local.get 0) (i32.const 3)))
    (func $b (param i32) (result i32) (i32.mul (local.get 0) (i32.const 5)))
    (func $c (param i32) (result i32) (return (i32.xor (local.get 0) (i32.const 9))))
    (func (export "run") (param $n i32) (result i32) (local $x i32)
      (loop $l (local.set $x (call_indirect (type $t) (local.get $x) (i32.rem_u (local.get $n) (i32.const 3))))
        (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) (local.get $x))`,
  "bulk memory and growth": `(memory (export "memory") 1 8) (data $d "night core") (func (export "run") (param $n i32) (result i32)
    (memory.fill (i32.const 100) (local.get $n) (i32.const 1000))
    (memory.copy (i32.const 2000) (i32.const 50) (i32.const 500))
    (memory.init $d (i32.const 10) (i32.const 0) (i32.const 10)) (data.drop $d)
    (i32.add (i32.mul (memory.grow (i32.const 2)) (i32.const 100)) (i32.add (memory.grow (i32.const 60)) (memory.size))))`,
  tables: `(table $t 4 20 funcref) (elem $e func $f) (func $f)
    (func (export "run") (param $n i32) (result i32)
      (table.init $t $e (i32.const 1) (i32.const 0) (i32.const 1))
      (table.copy $t $t (i32.const 2) (i32.const 0) (i32.const 2))
      (table.fill $t (i32.const 0) (ref.null func) (i32.const 2))
      (i32.add (i32.mul (table.grow $t (ref.null func) (local.get $n)) (i32.const 100)) (table.size $t)))`,
  "several values": `(func $two (param i32) (result i32 i32) (local.get 0) (i32.add (local.get 0) (i32.const 1)))
    (func (export "run") (param $n i32) (result i32)
      (call $two (local.get $n)) (loop (param i32 i32) (result i32) (i32.add)) (block (param i32) (result i32) (i32.const 3) (i32.mul)))`,
  "exceptions, the older way": `(tag $e (param i32)) (func $thrower (param i32) (if (i32.and (local.get 0) (i32.const 1)) (then (throw $e (local.get 0)))))
    (func (export "run") (param $n i32) (result i32) (local $sum i32)
      (loop $l
        (try (do (call $thrower (local.get $n)) (local.set $sum (i32.add (local.get $sum) (i32.const 100))))
          (catch $e (local.set $sum (i32.add (local.get $sum))))
          (catch_all (local.set $sum (i32.const -1))))
        (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (local.get $sum))`,
  "tail calls": `(func $loop (param $n i32) (param $acc i32) (result i32)
      (if (i32.eqz (local.get $n)) (then (return (local.get $acc))))
      (return_call $loop (i32.sub (local.get $n) (i32.const 1)) (i32.add (i32.mul (local.get $acc) (i32.const 17)) (local.get $n))))
    (func (export "run") (param i32) (result i32) (return_call $loop (local.get 0) (i32.const 1)))`,
  "simd and i64": `(func (export "run") (param $n i32) (result i32) (local $v v128) (local $x i64)
    (loop $l
      (local.set $v (i32x4.add (local.get $v) (i32x4.splat (local.get $n))))
      (local.set $x (i64.add (i64.mul (local.get $x) (i64.const 6364136223846793005)) (i64.const 1442695040888963407)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.xor (i32x4.extract_lane 2 (local.get $v)) (i32.wrap_i64 (i64.shr_u (local.get $x) (i64.const 33)))))`,
  "start section and a trap": `(global $g (mut i32) (i32.const 5)) (func $s (global.set $g (i32.const 77))) (start $s)
    (func (export "run") (param $n i32) (result i32) (i32.div_u (global.get $g) (i32.sub (local.get $n) (local.get $n))))`,
};

/** What came of calling an export: its result or the message of its trap, the memory, and the fuel used. */
export type Run = { readonly result: unknown; readonly memory: string | undefined; readonly fuel: bigint | undefined };

const FUEL = 1n << 40n;

/** What a host makes of a run whose fuel, or whose stack, is below zero afterwards, however it ended. */
export const EXHAUSTED = "the fuel is used up";
export const OVERFLOWED = "the stack is used up";

export function run(bytes: Uint8Array<ArrayBuffer>, name: string, parameters: readonly (number | bigint)[]): Run {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  return { ...call(exports, name, parameters), fuel: undefined };
}

export function runMetered(bytes: Uint8Array, name: string, parameters: readonly (number | bigint)[], fuel: bigint = FUEL): Run {
  const metered = meterModule(bytes, { memoryPagesMax: 64, exactAtTraps: true });
  assert.ok(metered.ok, JSON.stringify(metered));
  return runRewritten(metered.value, name, parameters, fuel);
}

/** Runs a module that has been rewritten already. */
export function runRewritten(
  module: Omit<MeteredModule, "shape">,
  name: string,
  parameters: readonly (number | bigint)[],
  fuel: bigint = FUEL,
): Run & { readonly stackKept: boolean } {
  const { budgetExport, startExport, memory } = module;
  const imports =
    memory === undefined
      ? {}
      : { nightcore: { memory: new WebAssembly.Memory({ initial: memory.pagesMin, maximum: memory.pagesMax }) } };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.bytes), imports);
  const budget = exports[budgetExport] as WasmGlobal;
  budget.value = encodeBudget(Number(fuel));
  if (startExport !== undefined) call(exports, startExport, []);
  const ran = call(exports, name, parameters);
  const left = budget.value;
  const { fuelUsed, end } = decodeBudget(left, Number(fuel));
  const result = end === "fuel" ? EXHAUSTED : end === "stack" ? OVERFLOWED : ran.result;
  const stackKept = ((left ^ encodeBudget(0)) & BigInt(STACK_MASK)) === 0n;
  return { ...ran, result, fuel: BigInt(fuelUsed), stackKept };
}

function call(exports: WasmExports, name: string, parameters: readonly (number | bigint)[]): Omit<Run, "fuel"> {
  let result: unknown;
  try {
    result = (exports[name] as (...all: readonly (number | bigint)[]) => unknown)(...parameters);
  } catch (error) {
    result = error instanceof WebAssembly.RuntimeError ? error.message : error;
  }
  const memory = exports["memory"] as WasmMemory | undefined;
  return { result, memory: memory === undefined ? undefined : Buffer.from(memory.buffer).toString("latin1") };
}

for (const [name, text] of Object.entries(KERNELS)) {
  test(`${name}: metered as plain, and counted the same twice`, () => {
    const bytes = assemble(`(module ${text})`);
    for (const n of [1, 2, 7, 12]) {
      const plain = run(bytes, "run", [n]);
      const metered = runMetered(bytes, "run", [n]);
      assert.deepEqual([metered.result, metered.memory], [plain.result, plain.memory], `of ${n}`);
      assert.equal(runMetered(bytes, "run", [n]).fuel, metered.fuel);
    }
  });

  test(`${name}: any smaller budget is used up, and no more than that`, () => {
    const bytes = assemble(`(module ${text})`);
    const { fuel } = runMetered(bytes, "run", [5]);
    assert.ok(fuel !== undefined && fuel > 0n);
    for (const budget of [0n, 1n, fuel / 2n, fuel - 1n]) {
      const starved = runMetered(bytes, "run", [5], budget);
      assert.equal(starved.fuel, budget);
      assert.equal(starved.result, EXHAUSTED);
    }
    assert.equal(runMetered(bytes, "run", [5], fuel).fuel, fuel);
  });
}
