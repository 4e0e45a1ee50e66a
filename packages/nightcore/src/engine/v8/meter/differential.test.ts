import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type BodyShape, walkModule } from "#wasm";
import { assemble } from "../fixture.test.ts";
import { WebAssembly } from "../web-assembly.ts";
import { AddedTypes, assembleModule } from "./assemble.ts";
import { writeCall, writeGlobalGet, writeGlobalSet, writeHelpers, writeTrapWhenUsedUp } from "./charge.ts";
import { EVENT } from "./event.ts";
import { fuelAmount } from "./frame.ts";
import { EXHAUSTED, run, runRewritten } from "./kernel.test.ts";
import { Output } from "./output.ts";
import { type MeteredModule, meterModule } from "./rewrite.ts";
import { Segments } from "./segment.ts";

// Random programs that trap, throw, catch, recurse and run out of fuel anywhere. The meter keeps fuel in a local and writes it down
// late; the reference here takes every charge from the global where it falls due, checks it there, and knows nothing else.

/** A statement or expression as a text, given the labels that are open and the loops around it. */
type Part = (labels: number, loops: number) => string;

const LOCALS = 3;
const FIRST_COUNTER = LOCALS + 1;
const STEP =
  "(global.set $steps (i32.sub (global.get $steps) (i32.const 1))) (if (i32.eqz (global.get $steps)) (then unreachable))";

const join =
  (parts: readonly Part[]): Part =>
  (labels, loops) =>
    parts.map((part) => part(labels, loops)).join(" ");
const local = fc.nat(LOCALS - 1);

const { statements } = fc.letrec<{ expression: Part; statement: Part; statements: Part }>((tie) => {
  const e = tie("expression");
  const body = tie("statements");
  const leaf = fc.oneof(
    fc.integer({ min: -9, max: 9 }).map(
      (value): Part =>
        () =>
          `(i32.const ${value})`,
    ),
    local.map(
      (index): Part =>
        () =>
          `(local.get ${index})`,
    ),
  );
  const binary = fc.constantFrom("add", "sub", "mul", "and", "lt_s", "div_s", "rem_u");
  const expression = fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.tuple(binary, e, e).map(
      ([op, a, b]): Part =>
        (n, m) =>
          `(i32.${op} ${a(n, m)} ${b(n, m)})`,
    ),
    e.map(
      (at): Part =>
        (n, m) =>
          `(i32.load (i32.and ${at(n, m)} (i32.const 0xfc)))`,
    ),
    e.map(
      (at): Part =>
        (n, m) =>
          `(i32.load (i32.mul ${at(n, m)} (i32.const 9000)))`,
    ),
    e.map(
      (value): Part =>
        (n, m) =>
          `(call $f ${value(n, m)})`,
    ),
    fc.tuple(e, e).map(
      ([value, at]): Part =>
        (n, m) =>
          `(call_indirect (type $t) ${value(n, m)} (i32.and ${at(n, m)} (i32.const 3)))`,
    ),
    fc.tuple(e, e, e).map(
      ([when, a, b]): Part =>
        (n, m) =>
          `(if (result i32) ${when(n, m)} (then ${a(n + 1, m)}) (else ${b(n + 1, m)}))`,
    ),
    e.map(
      (pages): Part =>
        (n, m) =>
          `(memory.grow (i32.and ${pages(n, m)} (i32.const 1)))`,
    ),
  );
  const statement = fc.oneof(
    { maxDepth: 4 },
    fc.tuple(local, e).map(
      ([index, value]): Part =>
        (n, m) =>
          `(local.set ${index} ${value(n, m)})`,
    ),
    fc.tuple(e, e).map(
      ([at, value]): Part =>
        (n, m) =>
          `(i32.store (i32.and ${at(n, m)} (i32.const 0xfc)) ${value(n, m)})`,
    ),
    fc.tuple(fc.nat(3), e).map(
      ([levels, when]): Part =>
        (n, m) =>
          `(br_if ${Math.min(levels, n - 1)} ${when(n, m)})`,
    ),
    fc.nat(3).map(
      (levels): Part =>
        (n) =>
          n > 1 ? `(br ${Math.min(levels, n - 2)})` : "nop",
    ),
    fc.tuple(fc.array(fc.nat(3), { minLength: 1, maxLength: 3 }), e).map(
      ([levels, at]): Part =>
        (n, m) =>
          n > 1 ? `(br_table ${levels.map((one) => Math.min(one, n - 2)).join(" ")} ${at(n, m)})` : "nop",
    ),
    fc.tuple(e, body, body).map(
      ([when, yes, no]): Part =>
        (n, m) =>
          `(if ${when(n, m)} (then ${yes(n + 1, m)}) (else ${no(n + 1, m)}))`,
    ),
    fc.tuple(e, body).map(
      ([when, yes]): Part =>
        (n, m) =>
          `(if ${when(n, m)} (then ${yes(n + 1, m)}))`,
    ),
    body.map(
      (all): Part =>
        (n, m) =>
          `(block ${all(n + 1, m)})`,
    ),
    // the two forms of a loop that compilers write
    fc.tuple(fc.nat(4), body).map(([times, all]): Part => (n, m) => {
      const counter = FIRST_COUNTER + m;
      return `(local.set ${counter} (i32.const ${times})) (loop ${STEP} ${all(n + 1, m + 1)}
        (br_if 0 (i32.gt_s (local.tee ${counter} (i32.sub (local.get ${counter}) (i32.const 1))) (i32.const 0))))`;
    }),
    fc.tuple(fc.nat(4), body).map(([times, all]): Part => (n, m) => {
      const counter = FIRST_COUNTER + m;
      return `(local.set ${counter} (i32.const ${times})) (block (loop ${STEP} (br_if 1 (i32.eqz (local.get ${counter})))
        (local.set ${counter} (i32.sub (local.get ${counter}) (i32.const 1))) ${all(n + 2, m + 1)} (br 0)))`;
    }),
    fc.tuple(e, e).map(
      ([when, value]): Part =>
        (n, m) =>
          `(if ${when(n, m)} (then (throw $e ${value(n + 1, m)})))`,
    ),
    fc.tuple(body, local, body).map(
      ([all, index, handler]): Part =>
        (n, m) =>
          `(try (do ${all(n + 1, m)}) (catch $e (local.set ${index}) ${handler(n + 1, m)}) (catch_all ${handler(n + 1, m)}))`,
    ),
    fc.tuple(body, body).map(
      ([all, handler]): Part =>
        (n, m) =>
          `(try (do (try (do ${all(n + 2, m)}) (delegate 0))) (catch_all ${handler(n + 1, m)}))`,
    ),
    e.map(
      (length): Part =>
        (n, m) =>
          `(memory.fill (i32.const 64) (i32.const 7) (i32.and ${length(n, m)} (i32.const 63)))`,
    ),
    e.map(
      (value): Part =>
        (n, m) =>
          `(drop (call $g ${value(n, m)}))`,
    ),
    e.map(
      (value): Part =>
        (n, m) =>
          `(if (i32.const 1) (then (return ${value(n + 1, m)})))`,
    ),
  );
  return { expression, statement, statements: fc.array(tie("statement"), { maxLength: 4 }).map(join) };
});

/** Bodies are opened at two labels: their own, and that of a block which `br_if` may leave without a value. */
function textOf(f: Part, g: Part, main: Part): string {
  const counters = Array<string>(24).fill("i32").join(" ");
  const locals = `(local ${Array<string>(LOCALS - 1)
    .fill("i32")
    .join(" ")} i32 ${counters})`;
  const body = (part: Part, last: string): string => `${locals} ${STEP} (block ${part(1, 0)}) ${last}`;
  return `(module (type $t (func (param i32) (result i32))) (tag $e (param i32)) (memory (export "memory") 1 3)
    (table 3 funcref) (elem (i32.const 0) $f $g $leaf) (global $steps (mut i32) (i32.const 200))
    (func $leaf (param i32) (result i32) (i32.div_s (i32.const 100) (local.get 0)))
    (func $f (param i32) (result i32) ${body(f, "(i32.load (local.get 0))")})
    (func $g (param i32) (result i32) ${body(g, "(return_call $f (local.get 1))")})
    (func (export "run") (param i32) (result i32) ${body(main, "(call $f (local.get 1))")}))`;
}

function meterNaively(bytes: Uint8Array): Omit<MeteredModule, "shape"> {
  const code = new Output(bytes.length * 4);
  const segments = new Segments();
  let global = 0;
  let functions = 0;
  const walked = walkModule(bytes, (reader, body) => {
    global = reader.spaces.globals;
    functions = reader.spaces.functions;
    segments.read(reader, body);
    writeNaively(code, { bytes, body, segments, global, functions });
  });
  assert.ok(walked.ok);
  const shape = walked.value;
  const added = new AddedTypes(shape.types.length);
  added.indexOf(["i32"], ["i32"]);
  const indices = { budgetGlobal: global, chargeBytes: functions, chargeEntries: functions + 1, grow: functions + 2 };
  writeHelpers(code, indices, true);
  const memory = { pagesMin: 1, pagesMax: 3, dataPages: [] };
  const parts = { budgetExport: "nightcore.budget", startExport: undefined, memory };
  const plan = { bytes, shape, code, addedTypes: added, usesHelpers: true, tableMaxima: [3], fuelInitially: 0, ...parts };
  return { bytes: assembleModule(plan), ...parts };
}

type NaivePlan = {
  readonly bytes: Uint8Array;
  readonly body: BodyShape;
  readonly segments: Segments;
  readonly global: number;
  readonly functions: number;
};

function writeNaively(code: Output, { bytes, body, segments: { events }, global, functions }: NaivePlan): void {
  const start = code.reserveSize();
  code.u32(body.localGroupCount);
  let copied = body.localGroupsOffset;
  for (let i = 0; i < events.count; i++) {
    const kind = events.kinds[i] as number;
    const value = events.values[i] as number;
    code.copy(bytes, copied, events.offsets[i] as number);
    copied = events.offsets[i] as number;
    if (kind === EVENT.segment || kind === EVENT.header || kind === EVENT.checked || kind === EVENT.moved) {
      writeGlobalGet(code, global);
      code.u8(0x42);
      code.s64(fuelAmount(value));
      code.u8(0x7d);
      writeGlobalSet(code, global);
      writeGlobalGet(code, global);
      writeTrapWhenUsedUp(code, false, undefined);
    } else if (kind === EVENT.bytes) writeCall(code, functions);
    else if (kind === EVENT.grow) {
      writeCall(code, functions + 2);
      copied += 2;
    }
  }
  code.copy(bytes, copied, body.endOffset);
  code.patchSize(start);
}

const plainly = (result: unknown): unknown => (result instanceof WebAssembly.Exception ? "an exception" : result);

type Seen = { results: number; traps: number; exceptions: number; wrongWhenFast: number };

/** Runs one program in every form and on the reference, whole and with a share of the fuel that it takes. */
function compare(bytes: Uint8Array<ArrayBuffer>, text: string, argument: number, share: number, seen: Seen): void {
  const exact = meterModule(bytes, { memoryPagesMax: 64, exactAtTraps: true });
  const fast = meterModule(bytes, { memoryPagesMax: 64, exactAtTraps: false });
  assert.ok(exact.ok && fast.ok);
  const naive = meterNaively(bytes);
  const plain = run(bytes, "run", [argument]);
  const wanted = runRewritten(naive, "run", [argument]);
  const outcome = runRewritten(exact.value, "run", [argument]);
  const quick = runRewritten(fast.value, "run", [argument]);
  const result = plainly(plain.result);
  for (const one of [wanted, outcome, quick]) {
    assert.deepEqual([plainly(one.result), one.memory], [result, plain.memory], text);
  }
  assert.equal(outcome.fuel, wanted.fuel, text);
  if (typeof result === "number") {
    seen.results++;
    assert.ok(outcome.stackKept && quick.stackKept, `frames were not counted out: ${text}`);
  } else if (result === "an exception") seen.exceptions++;
  else seen.traps++;
  const written = typeof result !== "string" || result === "unreachable" || result === "an exception";
  if (written) assert.equal(quick.fuel, wanted.fuel, text);
  else if (quick.fuel !== wanted.fuel) seen.wrongWhenFast++;
  if (wanted.fuel === undefined || wanted.fuel === 0n) return;
  const budget = (wanted.fuel * BigInt(share)) / 1001n;
  for (const module of [naive, exact.value]) {
    const starved = runRewritten(module, "run", [argument], budget);
    assert.deepEqual([starved.result, starved.fuel], [EXHAUSTED, budget], text);
  }
}

function compareMany(numRuns: number, translate: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>): Seen {
  const seen = { results: 0, traps: 0, exceptions: 0, wrongWhenFast: 0 };
  const property = fc.property(statements, statements, statements, fc.integer(), fc.nat(1000), (f, g, main, argument, share) => {
    const text = textOf(f, g, main);
    compare(translate(assemble(text)), text, argument, share, seen);
  });
  fc.assert(property, { numRuns });
  return seen;
}

test("wherever a program ends, the fuel is what the reference counted, and the program did what it did", () => {
  const seen = compareMany(600, (bytes) => bytes);
  assert.ok(seen.results > 50 && seen.traps > 50 && seen.exceptions > 2, JSON.stringify(seen));
  assert.ok(seen.wrongWhenFast > 0, "a budget that is not written down before a trap would not have been noticed");
});

/** The part of binaryen that is used, which comes with the compiler of the kernels. */
type Binaryen = {
  readonly Features: { readonly All: number };
  readBinaryWithFeatures(bytes: Uint8Array, features: number): BinaryenModule;
  parseText(text: string): BinaryenModule;
};

type BinaryenModule = {
  setFeatures(features: number): void;
  runPasses(names: readonly string[]): void;
  emitBinary(): Uint8Array;
  dispose(): void;
};

/** A label that a handler and ordinary branches lead to alike, with something charged just before each. */
const MIXED_LABEL = `(module (tag $e) (memory (export "memory") 1 3) (table 3 funcref)
  (func $f (param i32) (if (i32.eqz (local.get 0)) (then (throw $e))))
  (func (export "run") (param i32) (result i32) (local $n i32) (local.set $n (i32.const 40))
    (loop $l
      (block $h
        (try_table (catch_all $h)
          (br_if $h (i32.eq (i32.and (local.get $n) (i32.const 3)) (local.get 0)))
          (call $f (i32.and (local.get $n) (i32.const 1)))
          (br_if $h (i32.eq (i32.and (local.get $n) (i32.const 5)) (local.get 0))))
        (local.set $n (i32.sub (local.get $n) (i32.const 1))))
      (br_if $l (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (memory.grow (i32.const 0))))`;

test("the same with the newer exceptions, whose handlers are labels", async (t) => {
  const name = "binaryen";
  const loaded = (await import(name).catch(() => undefined)) as { readonly default: Binaryen } | undefined;
  if (loaded === undefined) return t.skip("binaryen is not installed");
  const binaryen = loaded.default;
  const seen = compareMany(400, (bytes) => {
    const module = binaryen.readBinaryWithFeatures(bytes, binaryen.Features.All);
    module.runPasses(["translate-to-exnref"]);
    const translated = new Uint8Array(module.emitBinary());
    module.dispose();
    return translated;
  });
  assert.ok(seen.results > 30 && seen.traps > 30, JSON.stringify(seen));
  const module = binaryen.parseText(MIXED_LABEL);
  module.setFeatures(binaryen.Features.All);
  const mixed = new Uint8Array(module.emitBinary());
  for (let argument = 0; argument < 6; argument++) compare(mixed, MIXED_LABEL, argument, 500, seen);
});

test("exceptions that come through several frames give them back, and what was charged in them stays charged", () => {
  const handlers = ["(catch $e (drop))", "(catch_all)"];
  for (const handler of handlers) {
    const text = `(module (type $t (func (param i32) (result i32))) (tag $e (param i32)) (memory (export "memory") 1 3)
      (table 3 funcref) (global $steps (mut i32) (i32.const 200)) (func $leaf (param i32) (result i32) (local.get 0))
      (func $deep (param i32) (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1)))) (else (throw $e (i32.const 1)))))
      (func (export "run") (param i32) (result i32) (local $n i32) (local.set $n (i32.const 50))
        (loop $l (try (do (call $deep (i32.and (local.get 0) (i32.const 31)))) ${handler})
          (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) (memory.grow (i32.const 0))))`;
    const seen = { results: 0, traps: 0, exceptions: 0, wrongWhenFast: 0 };
    for (const argument of [0, 1, 7, 31]) compare(assemble(text), text, argument, 500, seen);
    assert.equal(seen.results, 4);
  }
});
