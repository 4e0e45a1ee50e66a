import type { EngineFaultCode } from "../engine.ts";
import { guest, HONEST, print, pure } from "./guests.ts";
import type { Wish } from "./subject.ts";

/** How a guest must end. Of results and output only what is named is compared. */
export type Expected = {
  readonly end: `exit ${number}` | EngineFaultCode;
  readonly results?: readonly string[];
  readonly stdout?: string;
};

/** A guest, what its job asks for, and how it must end. */
export type Ending = readonly [name: string, text: string, expected: Expected, wish?: Wish];

const start = (body: string, more = ""): string => `(module ${more} (func (export "_start") ${body}))`;
const exit = (code: string): string => guest(["proc_exit"], `(call $proc_exit (i32.const ${code})) unreachable`);
const bytes = (...all: readonly number[]): Wish => ({ bytes: new Uint8Array(all) });
const f: Wish = { entry: "f" };

const COMPLETION: readonly Ending[] = [
  ["a guest that returns completed with 0", start(""), { end: "exit 0" }],
  ["proc_exit(0) completes", exit("0"), { end: "exit 0" }],
  ["proc_exit(3) completed with 3, which is not a fault", exit("3"), { end: "exit 3" }],
  ["an exit code has 32 bits, unsigned", exit("-1"), { end: "exit 4294967295" }],
  ["what is printed arrives", HONEST, { end: "exit 0", stdout: "fine" }],
  [
    "what was printed before a fault arrives too",
    guest(["fd_write"], `${print(16, 4)} unreachable`, '(data (i32.const 16) "last")'),
    { end: "engine/trap", stdout: "last" },
  ],
];

const ENTRIES: readonly Ending[] = [
  ["a named entry returns numbers", pure("(i32.const -7)"), { end: "exit 0", results: ["-7"] }, f],
  [
    "an entry takes numbers, and 0 for those that are not given",
    '(module (func (export "f") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0)))',
    { end: "exit 0", results: ["0", "5"] },
    { ...f, numericArgs: ["5"] },
  ],
  ["too many numbers", pure("(i32.const 0)"), { end: "engine/bad-argument" }, { ...f, numericArgs: ["1"] }],
  [
    "a number that does not fit",
    '(module (func (export "f") (param i32)))',
    { end: "engine/bad-argument" },
    { ...f, numericArgs: ["4294967296"] },
  ],
  [
    "a reactor is initialised before its entry",
    `(module (global $g (mut i32) (i32.const 1)) (func (export "_initialize") (global.set $g (i32.const 2)))
      (func (export "f") (result i32) (global.get $g)))`,
    { end: "exit 0", results: ["2"] },
    f,
  ],
  [
    "the start section runs before everything",
    `(module (global $g (mut i32) (i32.const 0)) (func $s (global.set $g (i32.const 9))) (start $s)
      (func (export "f") (result i32) (global.get $g)))`,
    { end: "exit 0", results: ["9"] },
    f,
  ],
  ["nothing exported", "(module)", { end: "engine/no-entry" }],
  ["an entry that is not there", start(""), { end: "engine/no-entry" }, f],
  ["an entry that is a name of every object", start(""), { end: "engine/no-entry" }, { entry: "constructor" }],
  ["`_start` with a parameter", '(module (func (export "_start") (param i32)))', { end: "engine/no-entry" }],
  ["`_start` that is a global", '(module (global (export "_start") i32 (i32.const 0)))', { end: "engine/no-entry" }],
];

const TRAPS: readonly Ending[] = [
  ["unreachable", start("unreachable"), { end: "engine/trap" }],
  ["a division by zero", start("(drop (i32.div_u (i32.const 1) (i32.const 0)))"), { end: "engine/trap" }],
  ["a division that overflows", start("(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))"), { end: "engine/trap" }],
  ["a conversion that overflows", start("(drop (i32.trunc_f64_s (f64.const 1e10)))"), { end: "engine/trap" }],
  ["a load past the end of memory", start("(drop (i32.load (i32.const 65533)))", "(memory 1)"), { end: "engine/trap" }],
  ["a call of nothing", start("(call_indirect (i32.const 0))", "(table 1 funcref)"), { end: "engine/trap" }],
  ["a data segment past the end", start("", '(memory 1) (data (i32.const 65536) "x")'), { end: "engine/trap" }],
  ["a start section that traps", start("", "(func $s unreachable) (start $s)"), { end: "engine/trap" }],
  ["recursion without end", '(module (func $f (export "_start") (call $f) (call $f)))', { end: "engine/stack-overflow" }],
];

const REFUSALS: readonly Ending[] = [
  ["no bytes", "", { end: "engine/invalid-module" }, bytes()],
  ["a native program", "", { end: "engine/invalid-module" }, bytes(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0)],
  ["a module that is cut", "", { end: "engine/invalid-module" }, bytes(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1)],
  [
    "a body whose types do not fit", // (func (export "_start") (drop)) with nothing on the stack
    "",
    { end: "engine/invalid-module" },
    bytes(
      ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 7, 10, 1, 6],
      ...Array.from("_start", code),
      0,
      0,
      10,
      5,
      1,
      3,
      0,
      0x1a,
      0x0b,
    ),
  ],
  ["an import of another module", start("", '(import "env" "system" (func (param i32)))'), { end: "engine/unknown-import" }],
  [
    "an import that there is not",
    start("", '(import "wasi_snapshot_preview1" "proc_exec" (func))'),
    { end: "engine/unknown-import" },
  ],
  [
    "an import with another signature",
    start("", '(import "wasi_snapshot_preview1" "proc_exit" (func (param i64)))'),
    { end: "engine/unknown-import" },
  ],
  ["an import of a name of every object", start("", '(import "__proto__" "toString" (func))'), { end: "engine/unknown-import" }],
  ["a NUL in an argument", start(""), { end: "engine/bad-argument" }, { argv: ["a\0b"] }],
  ["a seed that is too short", start(""), { end: "engine/bad-argument" }, { seed: new Uint8Array(31) }],
];

function code(letter: string): number {
  return letter.codePointAt(0) ?? 0;
}

const BUDGETS: readonly Ending[] = [
  ["memory that is declared over its budget", start("", "(memory 65)"), { end: "engine/memory-exceeded" }],
  [
    "memory grows up to its budget, and then not",
    pure(
      `(drop (memory.grow (i32.const 63))) (i32.store8 (i32.const 4194303) (i32.const 1))
        (i32.add (i32.mul (i32.const 10) (memory.grow (i32.const 1))) (memory.grow (i32.const 0)))`,
      "(memory 1)",
    ),
    { end: "exit 0", results: ["54"] }, // -10 and 64 pages
    f,
  ],
  ["as much output as its budget", guest(["fd_write"], print(0, 4096)), { end: "exit 0", stdout: "\0".repeat(4096) }],
  ["more output than its budget", guest(["fd_write"], `${print(0, 4096)} ${print(0, 1)}`), { end: "engine/output-exceeded" }],
  ["output without end", guest(["fd_write"], `(loop $l ${print(0, 64)} (br $l))`), { end: "engine/output-exceeded" }],
];

/** Guests by how they end, each in a run of its own. */
export const ENDINGS: readonly Ending[] = [...COMPLETION, ...ENTRIES, ...TRAPS, ...REFUSALS, ...BUDGETS];
