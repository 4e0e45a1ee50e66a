import { type Budgets, ok, type Usage } from "#core";
import type { Engine, EngineFault, EngineJob, EngineReport, OpenEngine } from "#ports";
import { planLaunch } from "./pool/launch.ts";
import { Pool } from "./pool/pool.ts";
import type { JobEnd } from "./pool/sandbox-process.ts";

/** Counts as part of the engine: change it with anything that changes an outcome or a fuel count. */
const ENGINE_VERSION = "1";

const WALL_MS_MAX = 0x7fff_ffff; // LIMIT: the longest timer

const EMPTY = new Uint8Array(0);
const NOTHING_USED: Usage = { wallMs: 0, memoryBytes: 0, fuel: 0, outputBytes: 0, hostCalls: 0 };

/** What this engine is, without starting it: for records of what was only verified, and for `verify-env`. */
export function describeV8Engine(): Pick<Engine, "name" | "version" | "isolation"> {
  const version = `nightcore-v8/${ENGINE_VERSION} node/${process.versions.node} v8/${process.versions.v8}`;
  return { name: "v8", version, isolation: planLaunch().isolation };
}

/**
 * Opens the engine on V8: `slots` sandbox processes, which start in the background while the caller goes on. Fails only for a
 * number of slots that is none; a process that cannot start shows as `engine/unavailable` in the report of the run that wanted it.
 */
export const openV8Engine: OpenEngine = (options) => {
  const launch = planLaunch();
  const pool = new Pool(launch, Math.max(1, Math.floor(options.slots)));
  const engine: Engine = {
    ...describeV8Engine(),
    async run(job, cancellation) {
      const refusal = checkJob(job);
      if (refusal !== undefined) return failed(refusal, 0);
      return reportOf(await pool.run(job, cancellation));
    },
    close: () => pool.close(),
  };
  return Promise.resolve(ok(engine));
};

/** What cannot be sent: strings that would be cut at a NUL, budgets that are no numbers. */
function checkJob(job: EngineJob): EngineFault | undefined {
  for (const text of [...job.argv, ...job.env]) {
    if (text.includes("\0")) return { code: "engine/bad-argument", detail: "an argument or variable contains a NUL" };
  }
  if (job.seed.length !== 32) return { code: "engine/bad-argument", detail: "the seed must have 32 bytes" };
  for (const [name, value] of Object.entries(job.budgets) as [keyof Budgets, number][]) {
    if (!Number.isSafeInteger(value) || value < 0)
      return { code: "engine/bad-argument", detail: `the budget ${name} is no whole number` };
  }
  if (job.budgets.wallMs > WALL_MS_MAX) return { code: "engine/bad-argument", detail: "the budget wallMs is over 24 days" };
  return undefined;
}

function reportOf(end: JobEnd): EngineReport {
  if ("fault" in end) return failed(end.fault, end.wallMs);
  const { outcome, wallMs } = end;
  const usage: Usage = {
    wallMs,
    memoryBytes: outcome.memoryBytes,
    fuel: outcome.fuel,
    outputBytes: outcome.stdout.length + outcome.stderr.length,
    hostCalls: outcome.hostCalls,
  };
  const { exitCode, fault, results, stdout, stderr, deniedPaths } = outcome;
  return { exitCode, fault, results, stdout, stderr, usage, deniedPaths };
}

function failed(fault: EngineFault, wallMs: number): EngineReport {
  const usage = { ...NOTHING_USED, wallMs };
  return { exitCode: undefined, fault, results: [], stdout: EMPTY, stderr: EMPTY, usage, deniedPaths: [] };
}
