/**
 * Small tenants per second: `nightcore run --all` over 1,000 distinct signed tenants, from the start of the process to its end,
 * with every one verified, decided, run and recorded. Against starting a runtime once for each module, with as many at once.
 *
 * The peers only run: nothing is verified, decided, metered or recorded there. The promise is about `bun run`; `wazero run`
 * starts faster, and the second line tells what remains against it. All sides run the same modules, in turn, and the medians
 * of the rounds are compared.
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
const PEER_MODULES = 300; // enough for a rate; the rest would only take longer

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

async function measure(folder: string): Promise<void> {
  const launcher = await buildLauncher(join(folder, "nightcore"));
  const template = join(folder, "template");
  makeWorkspace({ launcher, folder: template, tenants: TENANTS, module: await compileGreeter() });
  const modules = readdirSync(join(template, "modules")).map((tenant) => join(template, "modules", tenant, "module.wasm"));
  const { runtimes, missing } = fetchRuntimes(folder);
  for (const sentence of missing) process.stderr.write(`run-all: ${sentence}\n`);
  if (runtimes.length === 0) throw new Error("neither bun nor wazero can be fetched, so there is nothing to compare with");
  for (const runtime of runtimes) await measureRuntime(runtime, modules.slice(0, 4)); // from the disk the first time
  const ours: number[] = [];
  const peers = runtimes.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await measureOurs(launcher, template, join(folder, "workspace")));
    for (const [n, runtime] of runtimes.entries()) peers[n]?.push(await measureRuntime(runtime, modules.slice(0, PEER_MODULES)));
    const rates = peers.map((rates) => Math.round(rates.at(-1) ?? 0)).join(" / ");
    process.stderr.write(`run-all: ${Math.round(ours.at(-1) ?? 0)} / ${rates} per s\n`);
  }
  for (const [n, { name, promised, run }] of runtimes.entries()) {
    const line = makePromiseLine({
      name: promised ? "run-all" : `run-all-${run[0].split("/").at(-1) ?? ""}`,
      unit: "tenants per s",
      measured: Number(medianOf(ours).toFixed(1)),
      against: Number(medianOf(peers[n] ?? []).toFixed(1)),
      peer: `${name}, once per module, ${PARALLEL} at once`,
      promise: promised ? ">= 4" : "none",
    });
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
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
