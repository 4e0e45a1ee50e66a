/**
 * Passages through the whole pipeline per second: admission, signature, decision, intent, execution and outcome of one small warm
 * tenant, each with its entries durable in the ledger before anything of them is told. One process with the parts of the command line
 * (the ledger's writer in its thread, the engine with two sandbox processes), many passages at once, so that they share flushes; rows
 * are written out as it goes, within the time measured.
 *
 * `--cpu-prof` of Node shows where the time of the worker goes: `node --cpu-prof bench/pipeline.ts --runs 20000`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openBenchWorker, repeatAtOnce } from "../tools/bench-worker.ts";
import { buildLauncher, compileGreeter, makeWorkspace, medianOf } from "../tools/bench-workspace.ts";
import { makePromiseLine } from "../tools/promise.ts";

const WANTED_PER_SECOND = 5_000;
const ROUNDS = 5;
const RUNS_A_ROUND = 5_000;
const AT_ONCE = 128;
const RUNS_PER_COMMIT = 1_000;

async function measure(folder: string, runs: number): Promise<void> {
  const launcher = await buildLauncher(join(folder, "nightcore"));
  const workspace = join(folder, "workspace");
  makeWorkspace({ launcher, folder: workspace, tenants: 1, module: await compileGreeter() });
  const worker = await openBenchWorker(workspace);
  const rates: number[] = [];
  const cpuUs: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const [startedMs, before] = [performance.now(), process.cpuUsage()];
    let done = 0;
    await repeatAtOnce(AT_ONCE, runs, async () => {
      await worker.run();
      if (++done % RUNS_PER_COMMIT === 0 || done === runs) worker.commit();
    });
    const { user, system } = process.cpuUsage(before);
    if (round === 0) continue; // there to warm up
    rates.push((runs * 1000) / (performance.now() - startedMs));
    cpuUs.push((user + system) / runs);
  }
  await worker.close();
  process.stderr.write(`pipeline: ${Math.round(medianOf(cpuUs))} us of processor time a run in the worker's two threads\n`);
  const both = { measured: Math.round(medianOf(rates)), against: WANTED_PER_SECOND, peer: "5,000 per second on two cores" };
  process.stdout.write(
    `${JSON.stringify(makePromiseLine({ name: "pipeline", unit: "runs per s", ...both, promise: ">= 0.6" }))}\n`,
  );
}

const { values } = parseArgs({ options: { list: { type: "boolean" }, runs: { type: "string" } } });
if (values.list === true) {
  process.stdout.write("pipeline\n");
} else {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-pipeline-"));
  try {
    await measure(folder, Number(values.runs ?? RUNS_A_ROUND));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
