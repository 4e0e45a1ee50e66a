import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { assemble } from "../fixture.test.ts";
import { OVERFLOWED, runMetered } from "./kernel.test.ts";

type Shape = {
  readonly params?: number;
  readonly locals?: number;
  readonly operands?: number;
  readonly results?: number;
  readonly type?: "i64" | "f64" | "v128";
};

/** A function that calls itself for ever, with everything it has alive across the call. It counts how deep it got, in memory. */
function endless({ params = 0, locals = 0, operands = 0, results = 0, type = "i64" }: Shape): string {
  const repeat = (count: number, part: (i: number) => string): string =>
    Array.from({ length: count }, (_, i) => part(i)).join(" ");
  const names = (count: number): string => repeat(count, () => type);
  const load = (i: number): string => `(${type}.load offset=${16 * i + 16} (i32.const 0))`;
  const store = (i: number): string => `(${type}.store offset=${16 * i + 16} (i32.const 0) (local.get ${params + i}))`;
  return `(module (memory (export "memory") 16) (func $f (param ${names(params)}) (result ${names(results)}) (local ${names(locals)})
      (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
      ${repeat(locals, (i) => `(local.set ${params + i} ${load(i)})`)} ${repeat(operands, load)}
      (call $f ${repeat(params, (i) => `(local.get ${i})`)}) ${repeat(results, () => "drop")}
      ${repeat(operands, () => "drop")} ${repeat(locals, store)} ${repeat(results, load)})
    (func (export "run") (call $f ${repeat(params, load)}) ${repeat(results, () => "drop")}))`;
}

const SHAPES: Readonly<Record<string, Shape>> = {
  "nothing at all": {},
  "a parameter": { params: 1 },
  "parameters in registers and on the stack": { params: 20 },
  "1,000 parameters": { params: 1_000 },
  "1,000 results": { results: 1_000 },
  "200 locals": { locals: 200 },
  "4,000 locals": { locals: 4_000 },
  "1,000 vectors": { locals: 1_000, type: "v128" },
  "three operands": { operands: 3 },
  "2,000 operands": { operands: 2_000 },
  "1,000 operands that are vectors": { operands: 1_000, type: "v128" },
  "some of everything": { params: 9, locals: 9, operands: 9, results: 3, type: "f64" },
};

/** How deep each shape gets and what fuel it used, or how else it ended. */
function depths(): Readonly<Record<string, string>> {
  const found = Object.entries(SHAPES).map(([name, shape]) => {
    const { result, fuel, memory } = runMetered(assemble(endless(shape)), "run", []);
    const depth = Buffer.from(memory ?? "", "latin1").readUInt32LE(0);
    return [name, result === OVERFLOWED ? `${depth} calls, ${fuel} fuel` : String(result)] as const;
  });
  return Object.fromEntries(found);
}

if (process.argv.includes("--depths")) process.stdout.write(`\n#${JSON.stringify(depths())}\n`);
else {
  test("recursion ends at the same depth and with the same fuel in every tier, before V8's own stack does", () => {
    const here = depths();
    for (const [name, end] of Object.entries(here)) assert.match(end, /^\d+ calls, \d+ fuel$/, name);
    for (const flag of ["--liftoff-only", "--no-liftoff"]) {
      const child = spawnSync(process.execPath, [flag, import.meta.filename, "--depths"], { encoding: "utf8" });
      const said = /^#(.*)$/m.exec(child.stdout)?.[1];
      assert.ok(said !== undefined, child.stderr);
      assert.deepEqual(JSON.parse(said), here, flag);
    }
  });

  test("ordinary recursion has room", () => {
    const down = `(module (func $f (param i32) (result i32)
        (if (result i32) (local.get 0) (then (i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0))))
      (func (export "run") (param i32) (result i32) (call $f (local.get 0))))`;
    assert.equal(runMetered(assemble(down), "run", [8_000]).result, 8_000);
    assert.equal(runMetered(assemble(down), "run", [20_000]).result, OVERFLOWED);
  });

  test("a tail call, a return, a branch out and a caught exception give the frame back", () => {
    const callees = [
      "(func $g (param i32) (result i32) (return_call $h (local.get 0)))",
      "(func $g (param i32) (result i32) (return (call $h (local.get 0))))",
      "(func $g (param i32) (result i32) (br 0 (call $h (local.get 0))))",
      "(func $g (param i32) (result i32) (br_if 0 (call $h (local.get 0)) (i32.const 1)))",
      "(func $g (param i32) (result i32) (br_table 0 0 (call $h (local.get 0)) (local.get 0)))",
      "(func $g (param i32) (result i32) (try (result i32) (do (throw $e (call $h (local.get 0)))) (catch $e)))",
      "(func $g (param i32) (result i32) (try (result i32) (do (call $thrower (local.get 0))) (catch_all (i32.const 7))))",
      "(func $g (param i32) (result i32) (try (result i32) (do (try (result i32) (do (call $thrower (i32.const 1))) (delegate 0))) (catch $e)))",
      "(func $g (param i32) (result i32) (drop (call $two (local.get 0))) (drop) (i32.const 0))",
    ];
    for (const callee of callees) {
      const text = `(module (tag $e (param i32)) (func $h (param i32) (result i32) (call $i (local.get 0)))
        (func $i (param i32) (result i32) (local.get 0))
        (func $thrower (param i32) (result i32) (throw $e (call $i (local.get 0))))
        (func $two (param i32) (result i32 i32) (br_if 0 (call $h (i32.const 3)) (i32.const 4) (local.get 0)))
        ${callee}
        (func (export "run") (param i32) (result i32) (loop $l (drop (call $g (local.get 0)))
          (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (i32.const 42)))`;
      assert.equal(runMetered(assemble(text), "run", [50_000]).result, 42, callee);
    }
  });

  test("endless tail calls use fuel and no stack", () => {
    const text = '(module (func $f (export "run") (return_call $f)))';
    assert.deepEqual(runMetered(assemble(text), "run", [], 1_000_000n).fuel, 1_000_000n);
  });
}
