import { type Budgets, type Canary, ok, type Refusals, type Usage, utf8 } from "#core";
import type { Engine, EngineFault, EngineJob, EngineReport, OpenEngine } from "#ports";
import { CanarySearch } from "./canary-search.ts";
import { type Diagnosis, diagnoseWrapper } from "./confinement/diagnosis.ts";
import type { JobEnd } from "./pool/assignment.ts";
import { type Launch, planLaunches } from "./pool/launch.ts";
import { Pool, type PoolSize } from "./pool/pool.ts";

/** Counts as part of the engine: change it with anything that changes an outcome or a fuel count. */
const ENGINE_VERSION = "2";

const WALL_MS_MAX = 0x7fff_ffff; // LIMIT: the longest timer

const EMPTY = new Uint8Array(0);
const NOTHING_USED: Usage = { wallMs: 0, memoryBytes: 0, fuel: 0, outputBytes: 0, hostCalls: 0 };

// What this machine can start is learnt by starting it, once in the life of this process; and what was tried first.
let learnt: Launch | undefined;
let triedFirst: Launch | undefined;

/**
 * What this engine is, for records of what was only verified, and for `verify-env`. Its isolation is that of the processes that run
 * jobs once an engine has been opened; before that, it is the strongest that can be tried here.
 */
export function describeV8Engine(): Pick<Engine, "name" | "version" | "isolation"> {
  const version = `nightcore-v8/${ENGINE_VERSION} node/${process.versions.node} v8/${process.versions.v8}`;
  return { name: "v8", version, isolation: (learnt ?? planLaunches()[0]).isolation };
}

/** Layers whose program is here, and under which no sandbox process would start. Empty until an engine has been opened. */
export function readLostLayers(): readonly string[] {
  if (learnt === undefined || triedFirst === undefined) return [];
  const { isolation } = learnt;
  return triedFirst.isolation.filter((layer) => !isolation.includes(layer));
}

/** What keeps the wrapper of the strongest launch from starting; undefined when it did, or is not here. Starts it once more. */
export function diagnoseLostLayers(): Diagnosis | undefined {
  if (!readLostLayers().some((layer) => !layer.startsWith("cgroup-"))) return undefined;
  const { command, args } = planLaunches()[0];
  const filterless = args.filter((one, i) => one !== "--seccomp" && args[i - 1] !== "--seccomp");
  return diagnoseWrapper(command, [...filterless.slice(0, filterless.indexOf("--permission")), "--version"]);
}

/**
 * Opens the engine on V8: `slots` sandbox processes, which are on their way when this returns, while the caller goes on; spares
 * are started when a guest is slow for the first time. It resolves when the first process is ready, and with that which layers are
 * in place is known and stays so: where the strongest does not start, the next weaker one is tried. When none starts,
 * `engine/unavailable` shows in the report of the run that wanted it.
 */
export const openV8Engine: OpenEngine = async (options) => {
  const { pool, isolation } = await openPool({ slots: Math.max(1, Math.floor(options.slots)), spares: options.spares ?? 0 });
  const engine: Engine = {
    ...describeV8Engine(),
    isolation,
    async run(job, cancellation, print) {
      const refusal = checkJob(job);
      if (refusal !== undefined) return failed(refusal, 0);
      return searchReport(reportOf(await pool.run(job, cancellation, print)), job.canaries ?? []);
    },
    close: () => pool.close(),
  };
  return ok(engine);
};

type OpenedPool = { readonly pool: Pool; readonly isolation: readonly string[] };

async function openPool(size: PoolSize): Promise<OpenedPool> {
  if (learnt !== undefined) return { pool: new Pool(learnt, size), isolation: learnt.isolation };
  const [strongest, ...weaker] = planLaunches();
  triedFirst ??= strongest;
  let launch = strongest;
  // Idle processes do not keep the event loop alive, and nothing else may.
  const alive = setInterval(() => undefined, WALL_MS_MAX);
  try {
    for (;;) {
      const started = Promise.withResolvers<EngineFault | undefined>();
      let failures = 0;
      const onStarted = (fault: EngineFault | undefined): void => {
        if (fault === undefined || ++failures === size.slots) started.resolve(fault);
      };
      const pool = new Pool({ ...launch, onStarted }, size);
      const fault = await started.promise;
      const next = weaker.shift();
      if (fault === undefined) learnt ??= launch;
      if (fault === undefined || next === undefined) return { pool, isolation: launch.isolation };
      await pool.close();
      launch = next;
    }
  } finally {
    clearInterval(alive);
  }
}

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
  const read = end.input === undefined ? {} : { input: end.input };
  if ("fault" in end) return { ...failed(end.fault, end.wallMs), ...read };
  const { outcome, wallMs } = end;
  const usage: Usage = {
    wallMs,
    memoryBytes: outcome.memoryBytes,
    fuel: outcome.fuel,
    outputBytes: outcome.stdout.length + outcome.stderr.length,
    hostCalls: outcome.hostCalls,
  };
  const { exitCode, fault, results, stdout, stderr, deniedPaths, observed, trace, output } = outcome;
  const report = { exitCode, fault, results, stdout, stderr, usage, deniedPaths };
  return {
    ...report,
    ...read,
    ...(wasRefused(outcome.refusals) ? { refusals: outcome.refusals } : {}),
    ...(observed === undefined ? {} : { observed }),
    ...(trace === undefined ? {} : { trace }),
    ...(output === undefined ? {} : { output }),
  };
}

/** Looks for decoys where the sandbox cannot: in what is left in `/out`, and once more in what it says was printed. */
function searchReport(report: EngineReport, canaries: readonly Canary[]): EngineReport {
  if (canaries.length === 0 || report.fault?.code === "engine/canary") return report;
  const search = new CanarySearch(canaries);
  const left = (report.output ?? []).flatMap(({ path, bytes }) => [utf8(path), ...(bytes === undefined ? [] : [bytes])]);
  const found = [report.stdout, report.stderr, ...left].map((bytes) => search.find(bytes)).find((name) => name !== undefined);
  if (found === undefined) return report;
  return { ...report, exitCode: undefined, results: [], fault: { code: "engine/canary", detail: found } };
}

function wasRefused({ deniedCalls, badPointers }: Refusals): boolean {
  return deniedCalls > 0 || badPointers > 0;
}

function failed(fault: EngineFault, wallMs: number): EngineReport {
  const usage = { ...NOTHING_USED, wallMs };
  return { exitCode: undefined, fault, results: [], stdout: EMPTY, stderr: EMPTY, usage, deniedPaths: [] };
}
