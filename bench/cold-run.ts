/**
 * How long a person waits for one run: `nightcore run` of a small tenant, from the start of the process to its end, with the
 * module verified and decided, the run executed in its sandbox process, and everything durably recorded and published.
 * The first runs, which are not counted, ask Cedar; those after them are answered by the log, as everybody's are.
 * Against `node -e 0` on the same Node, in turn. The package is the published one, built into a temporary folder.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildLauncher, compileGreeter, GREETING, makeWorkspace, medianOf, timeProcess } from "../tools/bench-workspace.ts";
import { makePromiseLine } from "../tools/promise.ts";

const PAIRS = 25;
const WARM_PAIRS = 3; // the first run writes Node's compile cache, as it does for everybody

async function measure(folder: string): Promise<void> {
  const launcher = await buildLauncher(join(folder, "nightcore"));
  const workspace = join(folder, "workspace");
  makeWorkspace({ launcher, folder: workspace, tenants: 1, module: await compileGreeter() });
  const ours: number[] = [];
  const peers: number[] = [];
  for (let pair = 0; pair < WARM_PAIRS + PAIRS; pair++) {
    const peer = await timeProcess(process.execPath, ["-e", "0"], workspace);
    const run = await timeProcess(process.execPath, [launcher, "run", "t0000"], workspace);
    if (peer.exitCode !== 0 || run.exitCode !== 0 || run.stdout !== GREETING) throw new Error(`it did not run: ${run.stderr}`);
    if (pair < WARM_PAIRS) continue;
    ours.push(run.wallMs);
    peers.push(peer.wallMs);
  }
  const verified = await timeProcess(process.execPath, [launcher, "ledger", "verify"], workspace);
  if (verified.exitCode !== 0) throw new Error(`the record does not verify: ${verified.stderr}`);
  const line = makePromiseLine({
    name: "cold-run",
    unit: "ms",
    measured: Number(medianOf(ours).toFixed(2)),
    against: Number(medianOf(peers).toFixed(2)),
    peer: "node -e 0",
    promise: "<= 6",
  });
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

if (process.argv.includes("--list")) {
  process.stdout.write("cold-run\n");
} else {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-cold-run-"));
  try {
    await measure(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
