import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { type Digest, encodeTime, type RunId } from "../packages/nightcore/src/core/index.ts";
import { openV8Engine } from "../packages/nightcore/src/engine/v8/index.ts";
import { BASE_POLICY, type Facts } from "../packages/nightcore/src/guardian/index.ts";
import type { Engine, EngineJob, EngineReport } from "../packages/nightcore/src/ports/index.ts";
import { type Event, evolve, MemoryRows, type OutcomeEvent } from "../packages/nightcore/src/state/index.ts";
import { assessmentEvents, assessOutcome } from "../packages/nightcore/src/worker/index.ts";
import { guest, GUESTS } from "./journeys/guests.ts";
import { assemble } from "./journeys/workspace.ts";

const RUNS = 400;
const DIGEST = "11".repeat(32) as Digest;
const FACTS = { policy: { state: "read", digest: DIGEST, policy: BASE_POLICY } } as const satisfies Pick<Facts, "policy">;

/** Works, prints and calls as often as its arguments are long. */
const WORKER = guest(`(local $n i32) (drop (call $args_sizes_get (i32.const 12) (i32.const 4)))
  (local.set $n (i32.mul (call $size) (i32.const 30000)))
  (loop $on (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br_if $on (local.get $n)))
  (drop (call $args_sizes_get (i32.const 12) (i32.const 4))) (local.set $n (call $size))
  (loop $on (call $print (i32.const 1) (i32.const 1024) (i32.const 100))
    (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br_if $on (local.get $n)))`);

// A linear congruence (Numerical Recipes): the same runs on every machine.
function drawFrom(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}

function jobOf(bytes: Uint8Array, argument: string): EngineJob {
  return {
    tenant: "benign",
    digest: createHash("sha256").update(bytes).digest("hex") as Digest,
    bytes,
    entry: undefined,
    numericArgs: [],
    argv: ["benign", argument],
    env: [],
    stdin: new Uint8Array(),
    mounts: [{ guestPath: "/sandbox", files: [{ path: "data.txt", bytes: new Uint8Array(2_000) }], folders: [] }],
    capabilities: ["stdout", "fs:read"],
    budgets: BASE_POLICY.limits,
    seed: new Uint8Array(32),
  };
}

/** The log of one tenant as far as assessments make it: each run's outcome, what was found about it, and the rows of both. */
class History {
  readonly rows: MemoryRows = new MemoryRows();
  #entries = 0;

  add(job: EngineJob, report: EngineReport): readonly string[] {
    const at = encodeTime(Date.parse("2026-06-01T00:00:00Z") + this.#entries * 60_000);
    const outcome: Event & OutcomeEvent = {
      kind: "outcome",
      ...{ run: `run-${this.#entries}` as RunId, tenant: job.tenant, at, digest: job.digest },
      ...{ status: "ran", exitCode: report.exitCode ?? null, results: [], stdout: null, stderr: null },
      fault: report.fault === undefined ? null : { code: report.fault.code, message: "" },
      // What a busy machine adds to a run is not the guest's.
      usage: { ...report.usage, wallMs: 1 },
      ...(report.refusals === undefined ? {} : { refusals: report.refusals }),
      assessed: { rules: "1", entries: this.#entries },
    };
    const assessment = assessOutcome({ facts: FACTS, intent: job, outcome }, this.rows);
    for (const event of [outcome, ...assessmentEvents(outcome, assessment, undefined).map((one) => one.event)])
      evolve(this.rows, event, { index: this.#entries++ });
    return assessment.findings.map(({ code }) => code);
  }
}

async function runHonestly(engine: Engine, history: History, seed: number): Promise<readonly string[]> {
  const draw = drawFrom(seed);
  const modules = [WORKER, GUESTS.greeter, GUESTS.file, GUESTS.folder, GUESTS.arguments, GUESTS.counter].map((text) =>
    assemble(text),
  );
  const found: string[] = [];
  for (let n = 0; n < RUNS; n++) {
    // Most runs are of the one that works; now and then the tenant runs something else, and a few inputs are much longer.
    const other = draw() < 0.3 ? 1 + Math.floor(draw() * (modules.length - 1)) : 0;
    const length = Math.floor(draw() * 20) + (draw() < 0.05 ? 30 : 0);
    const job = jobOf(modules[other] ?? assert.fail(), "x".repeat(length));
    found.push(...history.add(job, await engine.run(job)));
  }
  return found;
}

test(`${RUNS} seeded runs of honest guests raise no alarm; then one with fifty times the work raises one, and escapes contain`, async () => {
  const opened = await openV8Engine({ slots: 1 });
  assert.ok(opened.ok);
  const engine = opened.value;
  try {
    const history = new History();
    assert.deepEqual(await runHonestly(engine, history, 1), []);
    assert.deepEqual(
      history.rows.scan("standing", {}).map(({ subject, points }) => [subject, points]),
      [["tenant/benign", 0]],
      "nothing but samples",
    );
    const large = jobOf(assemble(WORKER), "x".repeat(900));
    assert.deepEqual(history.add(large, await engine.run(large)), ["guardian/unusual-fuel", "guardian/unusual-output"]);
    const open = `(drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 600) (i32.const 4) (i32.const 0)
      (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 40)))`;
    const hostile = jobOf(assemble(guest(open.repeat(12), '(data (i32.const 600) "/etc")')), "");
    assert.deepEqual(history.add(hostile, await engine.run(hostile)), ["guardian/escape-tried"]);
    assert.equal(history.rows.scan("blocks", { where: { cause: "containment", target: hostile.digest } }).length, 1);
  } finally {
    await engine.close();
  }
});
