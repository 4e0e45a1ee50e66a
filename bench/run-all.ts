/**
 * Small tenants per second: `nightcore run --all` over 1,000 distinct signed tenants, from the start of the process to its end,
 * with every one verified, decided, run and recorded. Against starting a runtime once for each module, with as many at once.
 *
 * The peer only runs: nothing is verified, decided, metered or recorded there. It is the faster of the runtimes that can be
 * fetched. Both sides run the same modules, in turn, and the medians of the rounds are compared.
 */
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fetchRuntimes, type Runtime } from "../tools/bench-runtimes.ts";
import { buildLauncher, compileGreeter, GREETING, makeWorkspace, medianOf, timeProcess } from "../tools/bench-workspace.ts";
import { makePromiseLine } from "../tools/promise.ts";

const TENANTS = 1000;
const PARALLEL = 2;
const ROUNDS = 3;
const TRIAL = 100; // modules that decide which runtime is the faster one

async function measureOurs(launcher: string, template: string, workspace: string): Promise<number> {
  // A fresh copy for every round: each module is seen for the first time, as each is by the peer.
  cpSync(template, workspace, { recursive: true });
  const run = await timeProcess(process.execPath, [launcher, "run", "--all", "--parallel", String(PARALLEL)], workspace);
  if (run.exitCode !== 0) throw new Error(`run --all failed: ${run.stderr.slice(-2000)}`);
  const printed = run.stderr.split(GREETING).length - 1;
  if (printed !== TENANTS) throw new Error(`${printed} tenants printed their greeting`);
  rmSync(workspace, { recursive: true, force: true });
  return (TENANTS * 1000) / run.wallMs;
}

async function measureRuntime({ run: [command, ...args] }: Runtime, modules: readonly string[]): Promise<number> {
  const startedMs = performance.now();
  let next = 0;
  const work = async (): Promise<void> => {
    for (let module = modules[next++]; module !== undefined; module = modules[next++]) {
      const run = await timeProcess(command, [...args, module], tmpdir());
      if (run.exitCode !== 0 || run.stdout !== GREETING) throw new Error(`${command} did not run ${module}: ${run.stderr}`);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return (modules.length * 1000) / (performance.now() - startedMs);
}

async function chooseRuntime(folder: string, modules: readonly string[]): Promise<Runtime> {
  const { runtimes, missing } = fetchRuntimes(folder);
  for (const sentence of missing) process.stderr.write(`run-all: ${sentence}\n`);
  let fastest: { readonly runtime: Runtime; readonly rate: number } | undefined;
  for (const runtime of runtimes) {
    await measureRuntime(runtime, modules.slice(0, 4)); // its files come from the disk the first time
    const rate = await measureRuntime(runtime, modules.slice(0, TRIAL));
    process.stderr.write(`run-all: ${runtime.name}: ${Math.round(rate)} modules per s\n`);
    if (fastest === undefined || rate > fastest.rate) fastest = { runtime, rate };
  }
  if (fastest === undefined) throw new Error("neither wazero nor bun can be fetched, so there is nothing to compare with");
  return fastest.runtime;
}

async function measure(folder: string): Promise<void> {
  const launcher = await buildLauncher(join(folder, "nightcore"));
  const template = join(folder, "template");
  makeWorkspace({ launcher, folder: template, tenants: TENANTS, module: await compileGreeter() });
  const modules = readdirSync(join(template, "modules")).map((tenant) => join(template, "modules", tenant, "module.wasm"));
  const runtime = await chooseRuntime(folder, modules);
  const ours: number[] = [];
  const peers: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await measureOurs(launcher, template, join(folder, "workspace")));
    peers.push(await measureRuntime(runtime, modules));
    process.stderr.write(`run-all: ${Math.round(ours.at(-1) ?? 0)} / ${Math.round(peers.at(-1) ?? 0)} per s\n`);
  }
  const line = makePromiseLine({
    name: "run-all",
    unit: "tenants per s",
    measured: Number(medianOf(ours).toFixed(1)),
    against: Number(medianOf(peers).toFixed(1)),
    peer: `${runtime.name}, once per module, ${PARALLEL} at once`,
    promise: ">= 5",
  });
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

if (process.argv.includes("--list")) {
  process.stdout.write("run-all\n");
} else {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-run-all-"));
  try {
    await measure(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
