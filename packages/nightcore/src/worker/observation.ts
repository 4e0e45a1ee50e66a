import {
  type Budgets,
  type Bytes,
  type Capability,
  equalBytes,
  ok,
  type Random,
  type Result,
  type RunId,
  type Usage,
} from "#core";
import type { Cancellation, LedgerFault, ModuleSource } from "#ports";
import type { Pipeline } from "./pipeline.ts";
import type { RunRecord, RunRequest, Trial } from "./run-record.ts";

/** What is added to what was used, in hundredths. */
export const MARGIN_PERCENT = 25;

const WALL_MS_MIN = 1000; // LIMIT: wall time is the machine's as much as the guest's; a busy one takes this long for nothing
const PAGE_BYTES = 65_536;

/** Whether a capability is needed: whether a run without it ends in another way, or prints something else. */
export type Judged = { readonly capability: Capability; readonly needed: boolean };

/** What an observation found. `runs` are all that were made for it, each recorded like any other. */
export type Observation = { readonly runs: readonly RunId[]; readonly baseline: RunRecord } & (
  | { readonly kind: "refused" | "failed" }
  | {
      readonly kind: "observed";
      readonly judged: readonly Judged[];
      readonly capabilities: readonly Capability[];
      readonly budgets: Budgets;
      /** How the run with exactly these capabilities and budgets ended, and whether that is how it should. */
      readonly confirmed: boolean;
      readonly confirmation: RunRecord;
    }
);

/** What the policy offers at the most, and where seeds come from. */
export type ObservationOptions = {
  readonly offered: readonly Capability[];
  readonly limits: Budgets;
  readonly random: Random;
  readonly cancellation?: Cancellation | undefined;
};

/**
 * Finds the least that a module runs with, by running it. First with everything that the policy grants, clock and randomness
 * faked; then without one capability after the other, for as long as it comes out the same; then with exactly what is left.
 * Every run is decided, recorded and metered like any other, and gets no more than was granted.
 */
export async function observeModule(
  pipeline: Pipeline,
  { source, request }: { readonly source: ModuleSource; readonly request: RunRequest },
  options: ObservationOptions,
): Promise<Result<Observation, LedgerFault>> {
  const bench = new TestBench(pipeline, { source, request }, options);
  const { offered, limits, random } = options;
  const faked = offered.filter((capability) => !isReal(capability));
  const seed = random(32);
  const first = await bench.run({ capabilities: faked, seed, budgets: undefined });
  if (!first.ok) return first;
  const baseline = first.value;
  if (baseline.usage === undefined) return ok({ kind: "refused", runs: bench.runs, baseline });
  if (baseline.fault !== undefined) return ok({ kind: "failed", runs: bench.runs, baseline });

  const reduced = await reduce(bench, { baseline, faked, seed, stdin: request.stdin });
  if (!reduced.ok) return reduced;
  const real = await findReal(bench, { reduced: reduced.value, offered, seeds: [seed, random(32)] });
  if (!real.ok) return real;
  const capabilities = offered.filter((one) => reduced.value.kept.includes(one) || real.value.includes(one));
  const budgets = proposeBudgets({ ...usageOf(reduced.value.record), wallMs: bench.wallMsMax }, limits);
  const last = await bench.run({ capabilities, seed, budgets });
  if (!last.ok) return last;
  const confirmation = last.value;
  // What depends on the world prints something else each time; that it ends as it did is all that can be asked.
  const confirmed = real.value.length > 0 ? endsAlike(baseline, confirmation) : comesOutTheSame(baseline, confirmation);
  const judged = offered.map((capability) => ({ capability, needed: capabilities.includes(capability) }));
  return ok({ kind: "observed", runs: bench.runs, baseline, judged, capabilities, budgets, confirmed, confirmation });
}

/** Budgets from what was used: a quarter more of each, whole pages of memory, a second at the least, and never over the limits. */
export function proposeBudgets({ wallMs, memoryBytes, fuel, outputBytes }: Usage, limits: Budgets): Budgets {
  const more = (used: number) => Math.max(1, Math.ceil(used + (used * MARGIN_PERCENT) / 100));
  const proposed: Budgets = {
    wallMs: Math.max(WALL_MS_MIN, more(wallMs)),
    memoryBytes: Math.ceil(more(memoryBytes) / PAGE_BYTES) * PAGE_BYTES,
    fuel: more(fuel),
    outputBytes: more(outputBytes),
  };
  const cut = (name: keyof Budgets) => Math.min(proposed[name], limits[name]);
  return { wallMs: cut("wallMs"), memoryBytes: cut("memoryBytes"), fuel: cut("fuel"), outputBytes: cut("outputBytes") };
}

/** Makes the runs of one observation and keeps count of them. */
class TestBench {
  readonly runs: RunId[] = [];
  /** The longest that any of them took. */
  wallMsMax = 0;
  readonly #process: (trial: Trial) => Promise<Result<RunRecord, LedgerFault>>;

  constructor(
    pipeline: Pipeline,
    { source, request }: { readonly source: ModuleSource; readonly request: RunRequest },
    { offered, cancellation }: ObservationOptions,
  ) {
    const operatorGrants = [...new Set([...request.operatorGrants, ...offered])];
    this.#process = (trial) => pipeline.process(source, { ...request, operatorGrants, trial }, cancellation);
  }

  async run(trial: Trial): Promise<Result<RunRecord, LedgerFault>> {
    const record = await this.#process(trial);
    if (!record.ok) return record;
    this.runs.push(record.value.run);
    this.wallMsMax = Math.max(this.wallMsMax, record.value.usage?.wallMs ?? 0);
    return record;
  }
}

type Reduced = { readonly kept: readonly Capability[]; readonly record: RunRecord };

/**
 * Takes capabilities away while the run comes out the same. After each that goes, those that were needed are asked again: what
 * is left at the end cannot spare any one.
 */
async function reduce(
  bench: TestBench,
  { baseline, faked, seed, stdin }: { baseline: RunRecord; faked: readonly Capability[]; seed: Bytes; stdin: Bytes },
): Promise<Result<Reduced, LedgerFault>> {
  // Without input, a run that may read it sees what one that may not sees.
  let kept = stdin.length === 0 ? faked.filter((one) => one !== "stdin") : faked;
  let record = baseline;
  const needed = new Set<Capability>();
  for (;;) {
    const candidate = kept.find((one) => !needed.has(one));
    if (candidate === undefined) return ok({ kept, record });
    const without = kept.filter((one) => one !== candidate);
    const trial = await bench.run({ capabilities: without, seed, budgets: undefined });
    if (!trial.ok) return trial;
    if (comesOutTheSame(baseline, trial.value)) {
      kept = without;
      record = trial.value;
      needed.clear();
    } else needed.add(candidate);
  }
}

/** Which of the real clock and the real randomness change what comes out, as against two fakes that are told apart. */
async function findReal(
  bench: TestBench,
  { reduced, offered, seeds }: { reduced: Reduced; offered: readonly Capability[]; seeds: readonly [Bytes, Bytes] },
): Promise<Result<readonly Capability[], LedgerFault>> {
  const { kept: capabilities, record } = reduced;
  const [seed, otherSeed] = seeds;
  const needed: Capability[] = [];
  const trials: readonly (readonly [Capability, Trial])[] = [
    ["clock:real", { capabilities: [...capabilities, "clock:real"], seed, budgets: undefined }],
    ["random:real", { capabilities, seed: otherSeed, budgets: undefined }],
  ];
  for (const [capability, trial] of trials) {
    if (!offered.includes(capability)) continue;
    const other = await bench.run(trial);
    if (!other.ok) return other;
    if (!comesOutTheSame(record, other.value)) needed.push(capability);
  }
  return ok(needed);
}

function isReal(capability: Capability): boolean {
  return capability === "clock:real" || capability === "random:real";
}

function usageOf({ usage }: RunRecord): Usage {
  return usage ?? { wallMs: 0, memoryBytes: 0, fuel: 0, outputBytes: 0, hostCalls: 0 };
}

function endsAlike(a: RunRecord, b: RunRecord): boolean {
  return a.exitCode === b.exitCode && a.fault?.code === b.fault?.code && b.usage !== undefined;
}

function comesOutTheSame(a: RunRecord, b: RunRecord): boolean {
  const results = a.results.length === b.results.length && a.results.every((result, n) => result === b.results[n]);
  return (
    endsAlike(a, b) &&
    results &&
    equalBytes(a.stdout, b.stdout) &&
    equalBytes(a.stderr, b.stderr) &&
    a.outputTree?.digest === b.outputTree?.digest
  );
}
