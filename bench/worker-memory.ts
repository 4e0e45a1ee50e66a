/**
 * Whether the worker's memory stays flat: one process drives the real pipeline (the ledger's writer in its thread, the engine on
 * V8 with two slots, the projection in SQLite) 100,000 times with one small tenant, in a temporary workspace. The promise
 * compares the resident memory at the end with that after the first tenth, each after a forced collection.
 *
 * `--runs N` for a shorter one.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { buildLauncher, compileGreeter, makeWorkspace } from "../tools/bench-workspace.ts";
import { makePromiseLine } from "../tools/promise.ts";
import { openBenchWorker, repeatAtOnce } from "../tools/bench-worker.ts";

const RUNS = 100_000;
const AT_ONCE = 16;
/** Rows wait in memory for a commit, so a worker that stays commits as it goes. */
const RUNS_PER_COMMIT = 1000;
/**
 * The collector can be called only when Node was started so. And V8 doubles the nursery of each of its two heaps when it likes,
 * up to 32 MiB, some time in the first 30,000 runs: it has that size from the start, so that what grows is a leak.
 */
const FLAGS = ["--expose-gc", "--min-semi-space-size=32"];
/** What is freed in one collection is given back to the system in the next. */
const COLLECTIONS = 5;

async function readResidentMiB(): Promise<number> {
  for (let n = 0; n < COLLECTIONS; n++) {
    globalThis.gc?.();
    await sleep(100);
  }
  return process.memoryUsage.rss() / (1024 * 1024);
}

async function measure(folder: string, runs: number): Promise<void> {
  const launcher = await buildLauncher(join(folder, "nightcore"));
  const workspace = join(folder, "workspace");
  makeWorkspace({ launcher, folder: workspace, tenants: 1, module: await compileGreeter() });
  const worker = await openBenchWorker(workspace);
  const tenth = Math.max(1, Math.floor(runs / 10));
  const resident: number[] = [];
  const startedMs = performance.now();
  for (let done = 0; done < tenth * 10; done += tenth) {
    for (let part = 0; part < tenth; part += RUNS_PER_COMMIT) {
      await repeatAtOnce(AT_ONCE, Math.min(RUNS_PER_COMMIT, tenth - part), () => worker.run());
      worker.commit();
    }
    resident.push(await readResidentMiB());
    const rate = ((done + tenth) * 1000) / (performance.now() - startedMs);
    const { heapUsed, external } = process.memoryUsage();
    const [rss, heap, outside] = [resident.at(-1) ?? 0, heapUsed / 2 ** 20, external / 2 ** 20].map((mib) => mib.toFixed(1));
    process.stderr.write(
      `worker-memory: ${done + tenth} runs, ${Math.round(rate)} per s: ${rss} MiB resident, ${heap} heap, ${outside} external\n`,
    );
  }
  await worker.close();
  const line = makePromiseLine({
    name: "worker-memory",
    unit: "MiB resident",
    measured: Number((resident.at(-1) ?? 0).toFixed(1)),
    against: Number((resident[0] ?? 0).toFixed(1)),
    peer: `the same worker after ${tenth} of ${tenth * 10} runs`,
    promise: "<= 1.1",
  });
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const { values } = parseArgs({ options: { list: { type: "boolean" }, runs: { type: "string" } } });
if (values.list === true) {
  process.stdout.write("worker-memory\n");
} else if (globalThis.gc === undefined) {
  const run = spawnSync(process.execPath, [...FLAGS, ...process.argv.slice(1)], { stdio: "inherit" });
  process.exitCode = run.status ?? 1;
} else {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-worker-memory-"));
  try {
    await measure(folder, Number(values.runs ?? RUNS));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
