import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import wabt from "wabt";
import { type GuestEngine, type GuestRun, openEngine } from "./index.ts";

const assembler = await wabt();

function assemble(text: string): Uint8Array<ArrayBuffer> {
  const module = assembler.parseWat("guest.wat", text);
  const bytes = new Uint8Array(module.toBinary({}).buffer);
  module.destroy();
  return bytes;
}

/** Imports, a page of memory, and a body; `$show` prints `length` bytes at `at`. */
const guest = (body: string, imports = ""): Uint8Array<ArrayBuffer> =>
  assemble(`(module ${imports}
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1) (data (i32.const 100) "fine") (data (i32.const 200) "sub/a.txt")
    (func $show (param $at i32) (param $length i32)
      (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $length))
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
    (func (export "_start") ${body}))`);

const FINE = guest("(call $show (i32.const 100) (i32.const 4))");
const SPIN = guest("(loop $l (br $l))");
const ADD = assemble('(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))');
const CAT =
  guest(`(drop (call $open (i32.const 3) (i32.const 0) (i32.const 200) (i32.const 9) (i32.const 0) (i64.const 2) (i64.const 0)
  (i32.const 0) (i32.const 40))) (i32.store (i32.const 0) (i32.const 300)) (i32.store (i32.const 4) (i32.const 64))
  (drop (call $read (i32.load (i32.const 40)) (i32.const 0) (i32.const 1) (i32.const 8)))
  (call $show (i32.const 300) (i32.load (i32.const 8)))`);
const ECHO = guest(`(loop $on (i32.store (i32.const 0) (i32.const 300)) (i32.store (i32.const 4) (i32.const 64))
  (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
  (if (i32.load (i32.const 8)) (then (call $show (i32.const 300) (i32.load (i32.const 8))) (br $on))))`);
const ARGUMENTS = guest(
  `(drop (call $get (i32.const 300) (i32.const 400))) (drop (call $env (i32.const 350) (i32.const 500)))
  (call $show (i32.const 400) (i32.const 12)) (call $show (i32.const 500) (i32.const 4))`,
  `(import "wasi_snapshot_preview1" "args_get" (func $get (param i32 i32) (result i32)))
   (import "wasi_snapshot_preview1" "environ_get" (func $env (param i32 i32) (result i32)))`,
);

let engine: GuestEngine;
before(async () => {
  engine = await openEngine({ processes: 2 });
});
after(() => engine.close());

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

test("a run gets what it names: arguments, variables, files, numbers", async () => {
  const given = await engine.run({ module: ARGUMENTS, name: "prog", args: ["x", "yz"], env: { A: "1" } });
  assert.equal(text(given.stdout), "prog\0x\0yz\0\0\0A=1\0");
  const mounts = [{ path: "/data", files: { "sub/a.txt": "from a file" }, folders: ["empty/deep"] }];
  const cat = await engine.run({ module: CAT, mounts, capabilities: ["stdout", "fs:read"] });
  assert.equal(text(cat.stdout), "from a file");
  assert.deepEqual(cat.observed.openedPaths, ["/data/sub/a.txt"]);
  const added = await engine.run({ module: ADD, entry: "add", args: ["40", "2"] });
  assert.deepEqual([added.results, added.exitCode, added.fault], [["42"], 0, undefined]);
  assert.match(added.digest, /^[0-9a-f]{64}$/);
});

test("input that is iterated is read when the guest waits for it; without the capability it is refused, and a failure is a fault", async () => {
  let left = 3;
  async function* lines() {
    while (left-- > 0) yield await Promise.resolve(`${left}\n`);
  }
  const outcome = await engine.run({ module: ECHO, stdin: lines(), capabilities: ["stdin", "stdout"] });
  assert.deepEqual([outcome.fault, text(outcome.stdout)], [undefined, "2\n1\n0\n"]);
  const refused = await engine.run({ module: ECHO, stdin: lines() });
  assert.equal(refused.fault?.code, "engine/bad-argument");
  // oxlint-disable-next-line require-yield
  async function* broken(): AsyncGenerator<string> {
    await Promise.resolve();
    throw new Error("the line is dead");
  }
  const { fault } = await engine.run({ module: ECHO, stdin: broken(), capabilities: ["stdin", "stdout"] });
  assert.equal(fault?.code, "engine/input-failed");
  assert.match(fault.message, /^the input could not be read to its end: the line is dead$/);
});

test("what cannot be meant is refused, and nothing runs", async () => {
  const mount = (path: string, files: Record<string, string>, folders: readonly string[] = []): Partial<GuestRun> => ({
    mounts: [{ path, files, folders }],
    capabilities: ["fs:read"],
  });
  const rows: readonly (readonly [why: string, over: Partial<GuestRun>, message: RegExp])[] = [
    ["a capability that there is not", { capabilities: ["net" as "stdin"] }, /there is no capability `net`, only stdout/],
    ["an input that nobody may read", { stdin: "x" }, /not the capability `stdin`/],
    ["files that nobody may see", { ...mount("/data", {}), capabilities: [] }, /not the capability `fs:read`/],
    ["a mount that is at no absolute path", mount("data", {}), /`data` is at no absolute path/],
    ["a file outside of its mount", mount("/", { "../etc/passwd": "" }), /is no path below a mount/],
    ["an absolute file", mount("/", { "/etc/passwd": "" }), /is no path below a mount/],
    ["a folder with a NUL", mount("/", {}, ["a\0b"]), /is no path below a mount/],
    ["a file with files in it", mount("/", { a: "", "a/b": "" }), /`a` is a file and a folder/],
    ["a folder that is a file", mount("/", { a: "" }, ["a"]), /`a` is a file and a folder/],
    ["a variable that would be two", { env: { "A=B": "" } }, /`A=B` is no name of a variable/],
    ["a NUL in an argument", { args: ["a\0"] }, /contains a NUL/],
    ["a short seed", { seed: new Uint8Array(1) }, /the seed must have 32 bytes/],
    ["a budget that is no number", { budgets: { fuel: NaN } }, /the budget fuel is no whole number/],
  ];
  for (const [why, over, message] of rows) {
    const { fault, exitCode, usage } = await engine.run({ module: FINE, ...over });
    assert.deepEqual([fault?.code, exitCode, usage.hostCalls], ["engine/bad-argument", undefined, 0], why);
    assert.match(fault?.message ?? "", message, why);
  }
  await assert.rejects(engine.run({ module: "bytes" as unknown as Uint8Array }), TypeError);
});

test("bytes that cannot be run are faults by code, with a sentence", async () => {
  const rows: readonly (readonly [Uint8Array, string])[] = [
    [new Uint8Array(0), "engine/invalid-module"],
    [FINE.subarray(0, -1), "engine/invalid-module"],
    [new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 4, 1, 3, 1, 1]), "engine/unsupported-feature"],
    [assemble('(module (import "env" "exec" (func)) (func (export "_start")))'), "engine/unknown-import"],
    [ADD, "engine/no-entry"],
  ];
  for (const [module, code] of rows) {
    const { fault } = await engine.run({ module });
    assert.equal(fault?.code, code);
    assert.match(fault?.message ?? "", /^[a-z]/);
  }
});

test("a budget that is named holds, and the others stay as they are", async () => {
  assert.equal((await engine.run({ module: SPIN, budgets: { fuel: 1_000 } })).fault?.code, "engine/fuel-exhausted");
  assert.equal((await engine.run({ module: SPIN, budgets: { wallMs: 100 } })).fault?.code, "engine/deadline");
  assert.equal((await engine.run({ module: FINE, budgets: { outputBytes: 1 } })).fault?.code, "engine/output-exceeded");
  const fine = await engine.run({ module: FINE, budgets: { fuel: undefined as unknown as number, wallMs: 9_000 } });
  assert.equal(text(fine.stdout), "fine");
});

test("a buffer that is used again after the call has no part in the run, nor in a later one", async () => {
  const bytes = FINE.slice();
  const running = engine.run({ module: bytes });
  bytes.fill(0);
  assert.equal(text((await running).stdout), "fine");
  assert.equal(text((await engine.run({ module: FINE })).stdout), "fine");
});

test("a signal ends a run, before it begins too; a listener that throws ends its own run alone", async () => {
  assert.equal((await engine.run({ module: SPIN, signal: AbortSignal.abort() })).fault?.code, "engine/cancelled");
  const controller = new AbortController();
  const running = engine.run({ module: SPIN, signal: controller.signal });
  setImmediate(() => controller.abort());
  assert.equal((await running).fault?.code, "engine/cancelled");
  const heard: string[] = [];
  await engine.run({ module: FINE, print: (stream, bytes) => heard.push(`${stream} ${text(bytes)}`) });
  assert.deepEqual(heard, ["stdout fine"]);
  const failing = engine.run({
    module: FINE,
    print() {
      throw new RangeError("no room");
    },
  });
  await assert.rejects(failing, /no room/);
  assert.equal(text((await engine.run({ module: FINE })).stdout), "fine");
});

test("what is closed runs nothing more", async () => {
  const closing = await openEngine();
  const running = closing.run({ module: SPIN });
  await closing[Symbol.asyncDispose]();
  assert.match((await running).fault?.code ?? "", /^engine\/(?:cancelled|unavailable)$/);
  assert.equal((await closing.run({ module: FINE })).fault?.code, "engine/unavailable");
  assert.deepEqual(engine.isolation.slice(0, 2), ["process", "node-permission"]);
  assert.match(engine.version, /^nightcore-v8\//);
});
