/**
 * Runs per second of one warm tenant: the engine with two sandbox processes (a fresh instance and zeroed memory for each run,
 * metered, every answer checked) against the same module in a process of Node, nothing metered and nothing isolated: through node:wasi
 * with a fresh instance and a fresh WASI for each run, and as a fresh Extism plugin for each run.
 *
 * The plugin is made as Extism's manual makes it: from the module's bytes, with WASI on, which every module that a compiler made for
 * WASI needs. Told beside it: the same with a module that was compiled before, and an equal guest on Extism's own ABI from a module
 * that was compiled before, without WASI: less than a plugin that prints can do with. The same module through Wasmer's SDK, loaded
 * once, in a fresh sandbox for each run, because ours finds no files of the run before; with several at once, and with one sandbox for
 * all runs, it is told. Told too: the engine with one process, a guest without memory, and the ceiling, which is our host in
 * Node's process with a memory that is reused and zeroed.
 *
 * Each side has a process of its own, so that nobody collects another's garbage. Warm is meant: each runs for a while before it is
 * measured, every time that its turn comes.
 */
import { type ChildProcess, fork } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { parseArgs } from "node:util";
import { WASI } from "node:wasi";
import { createPlugin } from "@extism/extism";
import wabt from "wabt";
import type { Digest } from "../packages/nightcore/src/core/index.ts";
import { loadEngineParts, openV8Engine } from "../packages/nightcore/src/engine/v8/index.ts";
import type { EngineJob } from "../packages/nightcore/src/ports/index.ts";
import { parseModule } from "../packages/nightcore/src/wasm/index.ts";
import { medianOf } from "../tools/bench-workspace.ts";
import { makePromiseLine } from "../tools/promise.ts";

const ROUNDS = 5;
const ROUND_MS = 700;
const LEAD_IN_MS = 300;
const IN_FLIGHT = 64;
const WASMER_IN_FLIGHT = 4; // where it does best on two cores
const PAGES = 17; // what a program of Rust begins with
const GREETING = "Hello from the guest.\n";

const HELLO = `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") ${PAGES}) (data (i32.const 1048576) "Hello from the guest.\\0a")
  (func (export "_start") (i32.store (i32.const 0) (i32.const 1048576)) (i32.store (i32.const 4) (i32.const ${GREETING.length}))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))`;
const EXTISM_HELLO = `(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (memory (export "memory") ${PAGES}) (data (i32.const 1048576) "Hello from the guest.\\0a")
  (func (export "greet") (result i32) (local $to i64) (local $i i32)
    (local.set $to (call $alloc (i64.const ${GREETING.length})))
    (loop $next
      (call $store (i64.add (local.get $to) (i64.extend_i32_u (local.get $i))) (i32.load8_u offset=1048576 (local.get $i)))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${GREETING.length}))))
    (call $output (local.get $to) (i64.const ${GREETING.length})) (i32.const 0)))`;
const TINY = '(module (memory (export "memory") 0) (func (export "_start")))';

const assembler = await wabt();
const { HostFunctions, WasiContext, WebAssembly } = await loadEngineParts();

function assemble(text: string): Uint8Array<ArrayBuffer> {
  const module = assembler.parseWat("guest.wat", text);
  const bytes = new Uint8Array(module.toBinary({}).buffer);
  module.destroy();
  return bytes;
}

function jobFor(bytes: Uint8Array): EngineJob {
  return {
    tenant: "warm",
    digest: createHash("sha256").update(bytes).digest("hex") as Digest,
    bytes,
    entry: undefined,
    numericArgs: [],
    argv: ["guest"],
    env: [],
    stdin: new Uint8Array(0),
    mounts: [],
    capabilities: ["stdout"],
    budgets: { wallMs: 10_000, memoryBytes: 64 * 1024 * 1024, fuel: 1_000_000, outputBytes: 65_536 },
    seed: new Uint8Array(32),
  };
}

type Side = { readonly rate: (forMs: number) => Promise<number>; readonly close: () => Promise<void> };

async function openEngine(slots: number, bytes: Uint8Array, output: string): Promise<Side> {
  const opened = await openV8Engine({ slots });
  if (!opened.ok) throw new Error(opened.fault.detail);
  const engine = opened.value;
  const job = jobFor(bytes);
  const rate = async (forMs: number): Promise<number> => {
    const startedMs = performance.now();
    let runs = 0;
    const work = async (): Promise<void> => {
      while (performance.now() - startedMs < forMs) {
        const report = await engine.run(job);
        if (report.fault !== undefined || report.stdout.length !== output.length)
          throw new Error(report.fault?.detail ?? "output");
        runs++;
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, work));
    return (runs * 1000) / (performance.now() - startedMs);
  };
  return { rate, close: () => engine.close() };
}

function inProcess(run: () => void): Side {
  const rate = (forMs: number): Promise<number> => {
    const startedMs = performance.now();
    let runs = 0;
    for (; performance.now() - startedMs < forMs; runs++) run();
    return Promise.resolve((runs * 1000) / (performance.now() - startedMs));
  };
  return { rate, close: () => Promise.resolve() };
}

function openNodeWasi(bytes: Uint8Array<ArrayBuffer>): Side {
  const module = new WebAssembly.Module(bytes);
  const stdout = openSync(devNull, "w");
  const side = inProcess(() => {
    const wasi = new WASI({ version: "preview1", args: ["guest"], env: {}, stdout, returnOnExit: true });
    wasi.start(new WebAssembly.Instance(module, wasi.getImportObject() as never));
  });
  return { ...side, close: () => Promise.resolve(closeSync(stdout)) };
}

/** How an Extism plugin is made for each run, and what is called; on Extism's own ABI what it returns is its output. */
type Plugin = { readonly wasm: Parameters<typeof createPlugin>[0]; readonly useWasi: boolean; readonly entry: string };

function openExtism({ wasm, useWasi, entry }: Plugin): Side {
  const rate = async (forMs: number): Promise<number> => {
    const startedMs = performance.now();
    let runs = 0;
    for (; performance.now() - startedMs < forMs; runs++) {
      const plugin = await createPlugin(wasm, { useWasi });
      const output = await plugin.call(entry);
      if (!useWasi && output?.text() !== GREETING) throw new Error("the plugin's output is wrong");
      await plugin.close();
    }
    return (runs * 1000) / (performance.now() - startedMs);
  };
  return { rate, close: () => Promise.resolve() };
}

/** A sandbox of Wasmer's is a file system and a network of its own; runs in one see each other's files. */
async function openWasmer(bytes: Uint8Array, { fresh, inFlight }: { fresh: boolean; inFlight: number }): Promise<Side> {
  const { Wasmer } = await import("@wasmer/sdk/node"); // here, so that `--list` need not load it
  const wasmer = new Wasmer();
  const program = await wasmer.packages.load(bytes);
  const kept = await wasmer.sandboxes.create({ packages: [program] });
  const rate = async (forMs: number): Promise<number> => {
    const startedMs = performance.now();
    let runs = 0;
    const work = async (): Promise<void> => {
      for (; performance.now() - startedMs < forMs; runs++) {
        const sandbox = fresh ? await wasmer.sandboxes.create({ packages: [program] }) : kept;
        const output = await sandbox.command(program).run();
        if (output.text() !== GREETING) throw new Error("what Wasmer's guest printed is wrong");
        if (fresh) await sandbox.close();
      }
    };
    await Promise.all(Array.from({ length: inFlight }, work));
    return (runs * 1000) / (performance.now() - startedMs);
  };
  const close = async (): Promise<void> => {
    await kept.close();
    await wasmer.close();
  };
  return { rate, close };
}

/** Nothing is metered or isolated here, either: what our host and V8 could do at the most. */
function openCeiling(bytes: Uint8Array<ArrayBuffer>): Side {
  const shape = parseModule(bytes);
  if (!shape.ok) throw new Error(shape.fault.code);
  const imported = assemble(HELLO.replace('(memory (export "memory") 17)', '(memory (import "host" "memory") 17)'));
  const module = new WebAssembly.Module(imported);
  const memory = new WebAssembly.Memory({ initial: PAGES });
  const job = { ...jobFor(bytes) };
  const host = new HostFunctions(shape.value.imports);
  const imports = { ...host.imports, host: { memory } };
  return inProcess(() => {
    const context = new WasiContext(job);
    context.bindMemory(memory);
    const { exports } = new WebAssembly.Instance(module, imports);
    host.serve(context, exports["_start"] as () => void);
    new Uint8Array(memory.buffer).fill(0);
  });
}

const PEERS: ReadonlyMap<string, string> = new Map([
  ["extism", "a fresh Extism plugin for each run, from bytes, with WASI"],
  ["extism-compiled", "the same from a module that was compiled before"],
  ["extism-bare", "Extism's own ABI without WASI, from a module that was compiled before"],
  ["wasmer", "@wasmer/sdk, loaded once, a fresh sandbox for each run"],
  ["wasmer-at-once", "the same, four at once"],
  ["wasmer-kept", "@wasmer/sdk, one sandbox for all runs"],
  ["ceiling", "our host in its process, with a memory that is reused and zeroed"],
]);

const hello = assemble(HELLO);

/** The sides, each made in a process of its own. */
const SIDES: Readonly<Record<string, () => Side | Promise<Side>>> = {
  engine: () => openEngine(2, hello, GREETING),
  "engine-one-slot": () => openEngine(1, hello, GREETING),
  "engine-tiny": () => openEngine(2, assemble(TINY), ""),
  ceiling: () => openCeiling(hello),
  extism: () => openExtism({ wasm: { wasm: [{ data: hello }] }, useWasi: true, entry: "_start" }),
  "extism-compiled": () => openExtism({ wasm: new WebAssembly.Module(hello), useWasi: true, entry: "_start" }),
  "extism-bare": () => openExtism({ wasm: new WebAssembly.Module(assemble(EXTISM_HELLO)), useWasi: false, entry: "greet" }),
  wasmer: () => openWasmer(hello, { fresh: true, inFlight: 1 }),
  "wasmer-at-once": () => openWasmer(hello, { fresh: true, inFlight: WASMER_IN_FLIGHT }),
  "wasmer-kept": () => openWasmer(hello, { fresh: false, inFlight: 1 }),
  "node-wasi": () => openNodeWasi(hello),
};

/** One side: a rate for each message, until the parent goes. */
async function serve(name: string): Promise<void> {
  const side = await SIDES[name]?.();
  if (side === undefined) throw new Error(`there is no side ${name}`);
  process.on("message", () => {
    void (async () => {
      await side.rate(LEAD_IN_MS); // whoever has waited while the others ran is cold
      process.send?.(await side.rate(ROUND_MS));
    })();
  });
  process.once("disconnect", () => void side.close());
}

function nextRate(side: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error("a side ended before it had told its rate"));
    side.once("exit", ended);
    side.once("message", (rate) => {
      side.off("exit", ended);
      resolve(Number(rate));
    });
    side.send("measure");
  });
}

async function measure(): Promise<void> {
  const sides = Object.keys(SIDES).map((name) => [name, fork(import.meta.filename, ["--side", name])] as const);
  const rates = new Map<string, number[]>();
  for (let round = 0; round < ROUNDS + 1; round++) {
    for (const [name, side] of sides) {
      const rate = await nextRate(side);
      if (round > 0) rates.set(name, [...(rates.get(name) ?? []), rate]); // the first round is there to warm up
    }
  }
  for (const [, side] of sides) side.disconnect();
  const median = (name: string): number => Math.round(medianOf(rates.get(name) ?? []));
  const print = (name: string, [side, against]: readonly [string, string], promise: string): void => {
    const both = { measured: median(side), against: median(against), peer: PEERS.get(against) ?? "node:wasi, in process" };
    process.stdout.write(`${JSON.stringify(makePromiseLine({ name, unit: "runs per s", ...both, promise }))}\n`);
  };
  print("engine-warm", ["engine", "node-wasi"], ">= 4");
  print("engine-warm-extism", ["engine", "extism"], ">= 8");
  print("engine-warm-extism-compiled", ["engine", "extism-compiled"], "none");
  print("engine-warm-extism-bare", ["engine", "extism-bare"], "none");
  print("engine-warm-wasmer", ["engine", "wasmer"], ">= 50"); // 60 is wanted, and missed where others have just used the machine
  print("engine-warm-wasmer-at-once", ["engine", "wasmer-at-once"], "none");
  print("engine-warm-wasmer-kept", ["engine", "wasmer-kept"], "none");
  print("engine-warm-one-slot", ["engine-one-slot", "node-wasi"], "none");
  print("engine-warm-tiny", ["engine-tiny", "node-wasi"], "none");
  print("engine-warm-ceiling", ["engine", "ceiling"], "none");
  print("engine-warm-ceiling-wasmer", ["ceiling", "wasmer"], "none");
}

const { values } = parseArgs({ options: { list: { type: "boolean" }, side: { type: "string" } } });
if (values.list === true) process.stdout.write("engine-warm\nengine-warm-extism\nengine-warm-wasmer\n");
else if (values.side !== undefined) await serve(values.side);
else await measure();
