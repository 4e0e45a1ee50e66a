/**
 * What deciding costs, facts ready: `decide` with the default policies in Cedar and one that names a module, so that no two modules
 * are the same to them and no answer is kept, against Cedar's own call alone with the same request; the start of the policy engine;
 * and 10,000 recorded decisions, made again and under a candidate, through the command.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compilePolicies, DEFAULT_POLICIES, loadCedar, openCedarEngine } from "../packages/nightcore/src/cedar/index.ts";
import { digestOf, type KeyId, utf8 } from "../packages/nightcore/src/core/index.ts";
import { BASE_POLICY, decide, type Facts, NO_APPROVALS } from "../packages/nightcore/src/guardian/index.ts";
import { sha256 } from "../packages/nightcore/src/store/keys/index.ts";
import { buildLauncher, compileGreeter, makeWorkspace, medianOf, timeProcess } from "../tools/bench-workspace.ts";
import { makePromiseLine } from "../tools/promise.ts";

const ROWS = ["decide", "decide-us", "policy-start", "simulate"] as const;
const BATCHES = 200;
const PER_BATCH = 100;
const MODULES = 4096;
const STARTS = 11;
const DECISIONS = 10_000;
const TENANTS = 500;
/** What the decision and the engine's start may cost, in the unit of the row. */
const LIMITS = { us: 60, startMs: 60, simulateMs: 5000 };

const DIGEST = digestOf(sha256, utf8("a module"));
const FACTS: Facts = {
  tenant: "hello",
  at: "2026-06-01T00:00:00.000Z",
  mode: "run",
  backend: "wasm",
  isolation: ["process", "bubblewrap", "seccomp"],
  module: { admitted: true, digest: DIGEST, sizeBytes: 100_000, imports: ["wasi_snapshot_preview1.fd_write"], features: [] },
  signature: { trusted: true, keyId: DIGEST as string as KeyId, keyName: "alice", form: "dsse", manifestSigned: true },
  manifest: { state: "read", digest: DIGEST, form: "v38", tenant: undefined, capabilities: ["stdout"], budgets: { fuel: 1000 } },
  entry: { name: "_start", present: true },
  source: "human",
  operatorGrants: [],
  trustStore: DIGEST,
  policy: { state: "read", digest: DIGEST, policy: BASE_POLICY },
  policyVersion: { number: 1, digest: DIGEST },
  quarantine: undefined,
  history: { firstSeenAt: "2026-05-01T00:00:00.000Z", previousDigest: DIGEST, manifestWasSigned: true },
  approvals: NO_APPROVALS,
};

/** With this beside them, every module is another question: to the default policies alone, most are the same. */
const NAMES_A_MODULE = `@id("names-a-module") forbid (principal, action, resource == Module::"${"0".repeat(64)}");`;

function compileDefaults(more = "") {
  const compiled = compilePolicies([{ file: "default.cedar", text: `${DEFAULT_POLICIES}\n${more}` }]);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.fault));
  return compiled.value;
}

/** Microseconds of one call, the median over batches that alternate. */
function timeCalls(calls: readonly (() => unknown)[]): readonly number[] {
  const times = calls.map((): number[] => []);
  for (let batch = 0; batch < BATCHES; batch++) {
    calls.forEach((call, n) => {
      const before = performance.now();
      for (let i = 0; i < PER_BATCH; i++) call();
      if (batch >= BATCHES / 4) times[n]?.push(((performance.now() - before) * 1000) / PER_BATCH);
    });
  }
  return times.map((each) => medianOf(each));
}

function measureDecision(): void {
  const policies = compileDefaults(NAMES_A_MODULE);
  const engine = openCedarEngine({ name: "bench", policies });
  const cedar = loadCedar();
  const principal = { type: "Key", id: DIGEST };
  const resource = { type: "Module", id: DIGEST };
  // What these policies ask for, and nothing else: the least that this question can be.
  const request = {
    ...{ principal, resource, action: { type: "Action", id: "run" } },
    context: { riskBand: "safe", approved: false },
    entities: [],
    ...{ preparsedPolicySetId: "bench", validateRequest: false },
  };
  if (decide(FACTS, engine).verdict !== "allow") throw new Error("it was not allowed");
  // More questions than the engine keeps answers for, so that each call asks Cedar.
  const modules = Array.from({ length: MODULES }, (_, n): Facts => {
    const digest = digestOf(sha256, utf8(`module ${n}`));
    return { ...FACTS, module: { ...FACTS.module, digest } };
  });
  let turn = 0;
  const decideNext = () => decide(modules[turn++ % MODULES] ?? FACTS, engine);
  const [ours = 0, alone = 0] = timeCalls([decideNext, () => cedar.statefulIsAuthorized(request)]);
  print("decide", "us", { measured: ours, against: alone, peer: "statefulIsAuthorized alone", promise: "<= 2" });
  print("decide-us", "us", { measured: ours, against: LIMITS.us, peer: "the limit", promise: "<= 1" });
}

function print(
  name: (typeof ROWS)[number],
  unit: string,
  { measured, against, ...rest }: { measured: number; against: number; peer: string; promise: string },
): void {
  const line = makePromiseLine({
    name,
    unit,
    measured: Number(measured.toFixed(2)),
    against: Number(against.toFixed(2)),
    ...rest,
  });
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Everything between a process that has its code and the first answer: loading Cedar, preparing the policies, one decision. */
async function measureStart(): Promise<void> {
  const times: number[] = [];
  for (let n = 0; n < STARTS; n++) {
    const { stdout, exitCode, stderr } = await timeProcess(process.execPath, [import.meta.filename, "--start"], tmpdir());
    if (exitCode !== 0) throw new Error(stderr);
    times.push(Number(stdout));
  }
  print("policy-start", "ms", { measured: medianOf(times), against: LIMITS.startMs, peer: "the limit", promise: "<= 1" });
}

function startOnce(): void {
  const policies = JSON.parse(process.env["NIGHTCORE_BENCH_POLICIES"] ?? "null") as ReturnType<typeof compileDefaults> | null;
  const before = performance.now();
  const engine = openCedarEngine({ name: "start", policies: policies ?? compileDefaults() });
  if (decide(FACTS, engine).verdict !== "allow") throw new Error("it was not allowed");
  process.stdout.write(String(performance.now() - before));
}

async function measureSimulation(folder: string): Promise<void> {
  const launcher = await buildLauncher(join(folder, "nightcore"));
  const workspace = join(folder, "workspace");
  makeWorkspace({ launcher, folder: workspace, tenants: TENANTS, module: await compileGreeter() });
  const nightcore = async (...args: readonly string[]) => {
    const spoken = await timeProcess(process.execPath, [launcher, ...args], workspace);
    if (spoken.exitCode !== 0) throw new Error(spoken.stderr);
    return spoken;
  };
  for (let n = 0; n < DECISIONS / TENANTS; n++) await nightcore("run", "--all", "--proof");
  const forbid = '@id("no-t0007") @reason("a test") forbid (principal, action, resource in Tenant::"t0007");';
  writeFileSync(join(workspace, "candidate.cedar"), forbid);
  const { wallMs, stdout } = await nightcore("policy", "simulate", "--candidate", "candidate.cedar", "--json");
  const { decisions, flips } = JSON.parse(stdout) as { readonly decisions: number; readonly flips: readonly unknown[] };
  if (decisions !== DECISIONS || flips.length !== DECISIONS / TENANTS)
    throw new Error(`${decisions} decisions, ${flips.length} flips`);
  print("simulate", "ms", { measured: wallMs, against: LIMITS.simulateMs, peer: "the limit", promise: "<= 1" });
}

if (process.argv.includes("--list")) {
  process.stdout.write(`${ROWS.join("\n")}\n`);
} else if (process.argv.includes("--start")) {
  startOnce();
} else {
  measureDecision();
  process.env["NIGHTCORE_BENCH_POLICIES"] = JSON.stringify(compileDefaults());
  await measureStart();
  const folder = mkdtempSync(join(tmpdir(), "nightcore-decisions-"));
  try {
    await measureSimulation(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
