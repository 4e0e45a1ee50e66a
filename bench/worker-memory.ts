/**
 * Whether the worker's memory stays flat: one process drives the real pipeline (the ledger's writer in its thread, the engine on
 * V8 with two slots, the projection in SQLite) 100,000 times with one small tenant, in a temporary workspace. The promise
 * compares the resident memory at the end with that after the first tenth, each after a forced collection.
 *
 * `--runs N` for a shorter one.
 */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { compilePolicies, DEFAULT_POLICIES, openCedarEngine } from "../packages/nightcore/src/cedar/index.ts";
import { digestOf, type Result, utf8 } from "../packages/nightcore/src/core/index.ts";
import { describeV8Engine, openV8Engine } from "../packages/nightcore/src/engine/v8/index.ts";
import { openBlobs } from "../packages/nightcore/src/store/blobs/index.ts";
import { readPrivateKey, sha256, verifyEd25519 } from "../packages/nightcore/src/store/keys/index.ts";
import { openModuleFolder } from "../packages/nightcore/src/store/modules/index.ts";
import { Projection } from "../packages/nightcore/src/store/sqlite/index.ts";
import { openLedgerWriter } from "../packages/nightcore/src/store/tiles/index.ts";
import { layOut } from "../packages/nightcore/src/store/workspace/index.ts";
import { TrustStore } from "../packages/nightcore/src/trust/index.ts";
import { Pipeline, PolicyShelf, Recorder, type RunRequest } from "../packages/nightcore/src/worker/index.ts";
import { buildLauncher, compileGreeter, GREETING, makeWorkspace } from "../tools/bench-workspace.ts";
import { makePromiseLine } from "../tools/promise.ts";

const RUNS = 100_000;
const AT_ONCE = 16;
const MODULE_BYTES_MAX = 1024 * 1024;
/** Rows wait in memory for a commit, so a worker that stays commits as it goes. */
const RUNS_PER_COMMIT = 1000;
/**
 * The collector can be called only when Node was started so. And V8 doubles the nursery of each of its two heaps when it likes,
 * up to 32 MiB, some time in the first 30,000 runs: it has that size from the start, so that what grows is a leak.
 */
const FLAGS = ["--expose-gc", "--min-semi-space-size=32"];
/** What is freed in one collection is given back to the system in the next. */
const COLLECTIONS = 5;

const crypto = { sha256, verifyEd25519 };
const REQUEST: RunRequest = {
  mode: "run",
  entry: undefined,
  args: [],
  env: [],
  stdin: new Uint8Array(),
  operatorGrants: [],
};

function must<T>(result: Result<T, { readonly code: string }>): T {
  if (!result.ok) throw new Error(result.fault.code);
  return result.value;
}

/** The worker, joined from the real parts as the command line joins it. */
async function openWorker(workspace: string) {
  const layout = layOut(workspace);
  const key = must(readPrivateKey(layout.nodeKey, () => undefined));
  const ledger = must(await openLedgerWriter({ folder: layout.ledger, origin: "bench.invalid/workspace", key, thread: true }));
  const { projection: rows } = Projection.open(layout.state);
  const recorder = new Recorder({ ledger, rows, sha256 }, rows.applied);
  const engine = must(await openV8Engine({ slots: 2 }));
  const trust = readFileSync(layout.trustStore);
  const files = { "_default.json": readFileSync(join(layout.policies, "_default.json"), "utf8") };
  const version = { number: 1, digest: digestOf(sha256, utf8("the default policies")) };
  const compiled = must(compilePolicies([{ file: "default.cedar", text: DEFAULT_POLICIES }]));
  const pipeline = new Pipeline({
    clock: Date.now,
    random: (length) => randomBytes(length),
    crypto,
    recorder,
    rows,
    store: must(TrustStore.parse(trust, crypto)),
    trustStore: digestOf(sha256, trust),
    blobs: openBlobs(layout.blobs),
    policies: new PolicyShelf({ version, files }, sha256),
    policyEngine: openCedarEngine({ name: version.digest, policies: compiled }),
    moduleBytesMax: MODULE_BYTES_MAX,
    origin: "bench.invalid/workspace",
    engine,
    backend: "wasm",
    isolation: describeV8Engine().isolation,
  });
  const source = must(openModuleFolder(workspace, "modules/t0000", MODULE_BYTES_MAX));
  return {
    async run(): Promise<void> {
      const record = must(await pipeline.process(source, REQUEST));
      if (Buffer.from(record.stdout).toString() !== GREETING) throw new Error(`it ended as ${JSON.stringify(record)}`);
    },
    commit: () => rows.commit(recorder.applied),
    async close(): Promise<void> {
      must(await ledger.close());
      rows.commit(recorder.applied);
      rows.close();
      await engine.close();
    },
  };
}

async function repeat(count: number, run: () => Promise<void>): Promise<void> {
  let left = count;
  const work = async (): Promise<void> => {
    while (left-- > 0) await run();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

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
  const worker = await openWorker(workspace);
  const tenth = Math.max(1, Math.floor(runs / 10));
  const resident: number[] = [];
  const startedMs = performance.now();
  for (let done = 0; done < tenth * 10; done += tenth) {
    for (let part = 0; part < tenth; part += RUNS_PER_COMMIT) {
      await repeat(Math.min(RUNS_PER_COMMIT, tenth - part), () => worker.run());
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
