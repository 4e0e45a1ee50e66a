import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { type Bytes, concatBytes, NO_REFUSALS, replayInput } from "#core";
import type { EngineJob } from "#ports";
import { assemble, jobFor } from "../fixture.test.ts";
import { encodeNeedInput, encodeNeedModule, encodeOutcome, encodeReady, type GuestOutcome } from "../wire/answer.ts";
import type { Launch } from "./launch.ts";
import { Pool } from "./pool.ts";
import type { JobEnd } from "./assignment.ts";

// A process that says anything, in any order and in any pieces, on the channel of a real pool; the one after it is honest.

/** A process for each, so a hundredth of what is decoded in memory (CONTRIBUTING.md). */
const RUNS = Math.max(20, Math.ceil(Number(process.env["NIGHTCORE_FUZZ_RUNS"] ?? 3_000) / 100));

const BUDGETS = { wallMs: 10_000, memoryBytes: 65_536, fuel: 100, outputBytes: 10 };
const MODULE = assemble('(module (func (export "_start")))');
const LIED_TO = jobFor(MODULE, { budgets: BUDGETS });
/** The same with input to come, which a process may ask for. */
const fed = (): EngineJob => ({
  ...jobFor(MODULE, { budgets: BUDGETS, capabilities: ["stdin"] }),
  input: replayInput({ bytes: new Uint8Array(9), pieces: [4, 5] }),
});
const NEXT = jobFor(MODULE, { tenant: "next" });

const TRUE: GuestOutcome = {
  exitCode: 0,
  fault: undefined,
  results: [],
  stdout: new Uint8Array(0),
  stderr: new Uint8Array(0),
  memoryBytes: 0,
  fuel: 0,
  hostCalls: 0,
  refusals: NO_REFUSALS,
  deniedPaths: [],
};

const READY = concatBytes(encodeReady());
const FINE = concatBytes(encodeOutcome({ ...TRUE, fuel: 77 }));
const LISTEN = "head -c 1 <&3 >/dev/null";

/** One thing that a process does. */
type Step = { readonly say: Bytes } | "listen" | "exit" | "hush";

const say = (bytes: Bytes): string =>
  `printf '${Array.from(bytes, (byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("")}' >&3`;

function encodeStep(step: Step): string {
  if (step === "listen") return LISTEN;
  if (step === "exit") return "exit 0";
  return step === "hush" ? "sleep 0.01" : say(step.say);
}

/** The first process does as `steps` say and then ends, long before its deadline, and each that follows answers as a sandbox should. */
function liar(folder: string, steps: readonly Step[]): Launch {
  const lies = steps.map(encodeStep).join("\n");
  const script = `if mkdir ${folder}/first 2>/dev/null; then\n${lies}\nsleep 0.3; exit 0\nelse\n${say(READY)}\n${LISTEN}\n${say(FINE)}\nfi\nexec sleep 60`;
  return { command: "/bin/sh", args: ["-c", script], isolation: [] };
}

/** Runs a job with the liar, and one more with whoever is there then. */
async function meet(steps: readonly Step[], job: EngineJob): Promise<readonly [lied: JobEnd, next: JobEnd]> {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-liar-"));
  const pool = new Pool(liar(folder, steps), { slots: 1 });
  try {
    const lied = await pool.run(job, undefined);
    let next = await pool.run(NEXT, undefined);
    // A liar who was believed is met again, and has nothing more to say: the one after it is not it.
    if ("outcome" in lied && "fault" in next) next = await pool.run(NEXT, undefined);
    return [lied, next];
  } finally {
    await pool.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const mutated = fc
  .tuple(
    fc.constantFrom(READY, FINE, concatBytes(encodeNeedModule()), concatBytes(encodeNeedInput())),
    fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 3 }),
  )
  .map(([frame, changes]) => {
    const bytes = frame.slice();
    for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
    return bytes;
  });
const halves = fc
  .tuple(mutated, fc.nat(80))
  .map(([bytes, at]): Step[] => [
    { say: bytes.subarray(0, at % bytes.length) },
    "hush",
    { say: bytes.subarray(at % bytes.length) },
  ]);
const one = fc.oneof(
  mutated.map((bytes): Step[] => [{ say: bytes }]),
  fc.uint8Array({ maxLength: 40 }).map((bytes): Step[] => [{ say: bytes }]),
  halves,
  fc.constantFrom<Step[]>(["listen"], ["hush"], ["exit"]),
);
const anything = fc.array(one, { maxLength: 5 }).map((steps) => steps.flat());
// Half of them begin as they should: what comes before `ready` ends a process at once. None keeps silent until it is given up.
const scripts = fc
  .tuple(fc.boolean(), anything)
  .map(([starts, steps]): Step[] => [...(starts ? [{ say: READY }, "listen" as const] : [{ say: FINE }]), ...steps]);

const CODES = new Set(["engine/protocol", "engine/deadline", "engine/sandbox-died", "engine/unavailable", "engine/trap"]);

test("whatever a process says in whichever order, the worker goes on with a fresh one", async (t) => {
  if (!existsSync("/bin/sh")) return t.skip("there is no /bin/sh here");
  let believed = 0;
  const property = fc.asyncProperty(scripts, fc.boolean(), async (steps, hungry) => {
    const [lied, next] = await meet(steps, hungry ? fed() : LIED_TO);
    assert.ok((lied.input?.bytes.length ?? 0) <= 9, "no more than there is");
    if ("outcome" in lied) {
      believed++;
      const { outcome } = lied;
      assert.ok(outcome.fuel <= BUDGETS.fuel && outcome.hostCalls <= outcome.fuel + 3 && outcome.stdout.length <= 10);
    } else assert.ok(CODES.has(lied.fault.code), lied.fault.code);
    assert.ok("outcome" in next && next.outcome.fuel === 77, JSON.stringify(next));
  });
  const honest: Step[] = [{ say: READY }, "listen", { say: FINE }];
  const asking: Step[] = [{ say: READY }, "listen", { say: concatBytes(encodeNeedInput()) }, "listen", { say: FINE }];
  const examples: [Step[], boolean][] = [
    [honest, false],
    [asking, true],
    [asking, false],
  ];
  await fc.assert(property, { numRuns: RUNS, examples });
  assert.ok(believed > 0, "a control: the honest are believed");
});
