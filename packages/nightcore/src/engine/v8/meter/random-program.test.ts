import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { assemble } from "../fixture.test.ts";
import { run, runMetered } from "./kernel.test.ts";

// Random programs are run three times: plain on V8, metered on V8, and by an interpreter of the syntax tree that counts what it
// does. All three must agree, and the meter must have counted what the interpreter counted.

type Expression =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "local"; readonly index: number }
  | { readonly kind: "binary"; readonly op: "add" | "sub" | "mul" | "xor"; readonly a: Expression; readonly b: Expression }
  | { readonly kind: "load"; readonly address: Expression };

type Statement =
  | { readonly kind: "set"; readonly index: number; readonly value: Expression }
  | { readonly kind: "store"; readonly address: Expression; readonly value: Expression }
  | { readonly kind: "if"; readonly condition: Expression; readonly yes: readonly Statement[]; readonly no: readonly Statement[] }
  | { readonly kind: "block"; readonly body: readonly Statement[] }
  | { readonly kind: "while"; readonly times: number; readonly body: readonly Statement[] }
  | { readonly kind: "repeat"; readonly times: number; readonly body: readonly Statement[] }
  | { readonly kind: "leave"; readonly levels: number; readonly condition: Expression | undefined }
  | { readonly kind: "call" };

const LOCALS = 4;
const ADDRESS_MASK = 0xfc;

const { statements } = fc.letrec<{ expression: Expression; statement: Statement; statements: Statement[] }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.record({ kind: fc.constant("constant" as const), value: fc.integer() }),
    fc.record({ kind: fc.constant("local" as const), index: fc.nat(LOCALS - 1) }),
    fc.record({
      kind: fc.constant("binary" as const),
      op: fc.constantFrom("add" as const, "sub" as const, "mul" as const, "xor" as const),
      a: tie("expression"),
      b: tie("expression"),
    }),
    fc.record({ kind: fc.constant("load" as const), address: tie("expression") }),
  ),
  statement: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.record({ kind: fc.constant("set" as const), index: fc.nat(LOCALS - 1), value: tie("expression") }),
    fc.record({ kind: fc.constant("store" as const), address: tie("expression"), value: tie("expression") }),
    fc.record({
      kind: fc.constant("leave" as const),
      levels: fc.nat(3),
      condition: fc.option(tie("expression"), { nil: undefined }),
    }),
    fc.record({ kind: fc.constant("call" as const) }),
    fc.record({ kind: fc.constant("if" as const), condition: tie("expression"), yes: tie("statements"), no: tie("statements") }),
    fc.record({ kind: fc.constant("block" as const), body: tie("statements") }),
    fc.record({ kind: fc.constant("while" as const), times: fc.nat(3), body: tie("statements") }),
    fc.record({ kind: fc.constant("repeat" as const), times: fc.integer({ min: 1, max: 3 }), body: tie("statements") }),
  ),
  statements: fc.array(tie("statement"), { maxLength: 4 }),
}));

function textOf(e: Expression): string {
  if (e.kind === "constant") return `(i32.const ${e.value})`;
  if (e.kind === "local") return `(local.get ${e.index})`;
  if (e.kind === "binary") return `(i32.${e.op} ${textOf(e.a)} ${textOf(e.b)})`;
  return `(i32.load (i32.and ${textOf(e.address)} (i32.const ${ADDRESS_MASK})))`;
}

/** `depth` counts the labels that are open, of which a `repeat` opens two; each loop has a local for its count. */
function textOfAll(all: readonly Statement[], depth: number, loops: number): string {
  return all
    .map((s): string => {
      if (s.kind === "set") return `(local.set ${s.index} ${textOf(s.value)})`;
      if (s.kind === "store") return `(i32.store (i32.and ${textOf(s.address)} (i32.const ${ADDRESS_MASK})) ${textOf(s.value)})`;
      if (s.kind === "call") return "(call $leaf)";
      if (s.kind === "block") return `(block ${textOfAll(s.body, depth + 1, loops)})`;
      if (s.kind === "if") {
        return `(if ${textOf(s.condition)} (then ${textOfAll(s.yes, depth + 1, loops)}) (else ${textOfAll(s.no, depth + 1, loops)}))`;
      }
      if (s.kind === "leave")
        return s.condition === undefined
          ? `(br ${label(s.levels, depth)})`
          : `(br_if ${label(s.levels, depth)} ${textOf(s.condition)})`;
      const counter = LOCALS + loops;
      if (s.kind === "while") {
        return `(local.set ${counter} (i32.const ${s.times})) (block (loop (br_if 1 (i32.eqz (local.get ${counter})))
          (local.set ${counter} (i32.sub (local.get ${counter}) (i32.const 1)))
          ${textOfAll(s.body, depth + 2, loops + 1)} (br 0)))`;
      }
      return `(local.set ${counter} (i32.const ${s.times})) (block (loop ${textOfAll(s.body, depth + 2, loops + 1)}
        (br_if 0 (local.tee ${counter} (i32.sub (local.get ${counter}) (i32.const 1))))))`;
    })
    .join("\n");
}

const label = (levels: number, depth: number): number => Math.min(levels, depth);

class Machine {
  fuel = 0;
  steps = 0;
  global = 0;
  readonly locals: number[] = Array<number>(LOCALS).fill(0);
  readonly memory = new DataView(new ArrayBuffer(65_536));

  evaluate(e: Expression): number {
    if (e.kind === "constant" || e.kind === "local") {
      this.fuel += 1;
      return e.kind === "constant" ? e.value : (this.locals[e.index] as number);
    }
    if (e.kind === "load") {
      const at = this.evaluate(e.address) & ADDRESS_MASK;
      this.fuel += 3;
      return this.memory.getInt32(at, true);
    }
    const a = this.evaluate(e.a);
    const b = this.evaluate(e.b);
    this.fuel += 1;
    if (e.op === "mul") return Math.imul(a, b);
    return (e.op === "add" ? a + b : e.op === "sub" ? a - b : a ^ b) | 0;
  }

  /** Runs statements; the answer is how many labels a branch still has to leave, -1 for none. A loop's own label continues it. */
  execute(all: readonly Statement[], depth: number): number {
    for (const s of all) {
      const leaves = this.step(s, depth);
      if (leaves >= 0) return leaves;
    }
    return -1;
  }

  step(s: Statement, depth: number): number {
    if (++this.steps > 20_000) throw new Error("too long");
    if (s.kind === "set") {
      this.locals[s.index] = this.evaluate(s.value);
      this.fuel += 1;
    } else if (s.kind === "store") {
      const at = this.evaluate(s.address) & ADDRESS_MASK;
      this.memory.setInt32(at, this.evaluate(s.value), true);
      this.fuel += 3;
    } else if (s.kind === "call") {
      this.global = (this.global + 1) | 0;
      this.fuel += 1 + 4;
    } else if (s.kind === "leave") {
      if (s.condition !== undefined && this.evaluate(s.condition) === 0) return ((this.fuel += 1), -1);
      this.fuel += 1;
      return label(s.levels, depth);
    } else if (s.kind === "block") return this.scope(s.body, depth);
    else if (s.kind === "if") {
      const yes = this.evaluate(s.condition) !== 0;
      this.fuel += 1;
      return this.scope(yes ? s.yes : s.no, depth);
    } else if (s.kind === "while") return this.loop(s.times, s.body, depth);
    else return this.repeat(s.times, s.body, depth);
    return -1;
  }

  scope(all: readonly Statement[], depth: number): number {
    const leaves = this.execute(all, depth + 1);
    return leaves <= 0 ? -1 : leaves - 1;
  }

  loop(times: number, body: readonly Statement[], depth: number): number {
    this.fuel += 2; // i32.const, local.set
    for (let left = times; ; left--) {
      this.fuel += 3; // local.get, i32.eqz, br_if
      if (left === 0) return -1;
      this.fuel += 4; // local.get, i32.const, i32.sub, local.set
      const leaves = this.execute(body, depth + 2);
      if (leaves > 1) return leaves - 2;
      if (leaves === 1) return -1;
      if (leaves < 0) this.fuel += 1; // br
    }
  }

  repeat(times: number, body: readonly Statement[], depth: number): number {
    this.fuel += 2; // i32.const, local.set
    let left = times;
    for (;;) {
      const leaves = this.execute(body, depth + 2);
      if (leaves > 1) return leaves - 2;
      if (leaves === 1) return -1;
      if (leaves === 0) {
        if (++this.steps > 20_000) throw new Error("too long");
        continue; // a branch to the loop itself skips the counting
      }
      left -= 1;
      this.fuel += 5; // local.get, i32.const, i32.sub, local.tee, br_if
      if (left === 0) return -1;
    }
  }
}

test("a program counts what it does, and does what it did", () => {
  let counted = 0;
  fc.assert(
    fc.property(statements, (program) => {
      const machine = new Machine();
      try {
        machine.execute(program, 0);
      } catch {
        return fc.pre(false); // it may run for ever: a branch to a loop does not count down
      }
      const locals = `(local ${Array<string>(LOCALS + 40)
        .fill("i32")
        .join(" ")})`;
      const bytes = assemble(`(module (memory (export "memory") 1) (global $g (mut i32) (i32.const 0))
        (func $leaf (global.set $g (i32.add (global.get $g) (i32.const 1))))
        (func (export "result") (result i32) (global.get $g))
        (func (export "run") ${locals} ${textOfAll(program, 0, 0)}))`);
      const plain = run(bytes, "run", []);
      const metered = runMetered(bytes, "run", []);
      assert.equal(metered.memory, plain.memory);
      assert.equal(metered.memory, Buffer.from(machine.memory.buffer).toString("latin1"));
      assert.deepEqual([plain.result, metered.result], [undefined, undefined]);
      assert.equal(metered.fuel, BigInt(machine.fuel));
      counted++;
    }),
    { numRuns: 1_000 },
  );
  assert.ok(counted > 100);
});
