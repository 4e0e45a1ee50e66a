import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { FileLayer } from "../../packages/nightcore/src/store/tiles/index.ts";
import { type Failure, failingFiles, type Journey, PowerCutFiles, SEED, type StepName } from "./failing-files.ts";
import { assertPromises, openWriter, payloadOf, type Promised, temporaryFolder } from "./ledger-rig.ts";

const SEGMENT_BYTES = 32 * 1024;
/** Every step of this many is tried, from where the seed says; NIGHTCORE_SEED chooses, and other runs try the others. */
const STRIDE = 8;

/**
 * Appends across two bundle boundaries and several segments, publishing now and then, until the work is done or a step
 * fails. Returns the code of the fault, and notes what was promised.
 */
async function work(folder: string, files: FileLayer, promised: Promised): Promise<string | undefined> {
  const opened = await openWriter(folder, { files, segmentBytes: SEGMENT_BYTES });
  if (!opened.ok) return opened.fault.code;
  const writer = opened.value;
  try {
    for (let round = 0; round < 20; round++) {
      const payloads = Array.from({ length: 30 }, (_, i) => payloadOf(`${writer.openedSize} round ${round} entry ${i}`));
      const answers = await Promise.all([writer.append(payloads.slice(0, 29)), writer.append(payloads.slice(29))]);
      for (const [a, answer] of answers.entries()) {
        if (!answer.ok) return answer.fault.code;
        for (const [i, { index, checkpoint }] of answer.value.entries()) {
          promised.set(index, { payload: Buffer.from(payloads[a * 29 + i] ?? []).toString(), checkpoint });
        }
      }
      if (round % 4 !== 3) continue;
      const published = await writer.publish();
      if (!published.ok) return published.fault.code;
    }
  } finally {
    const closed = await writer.close();
    if (closed.ok)
      assert.deepEqual(await writer.append([payloadOf("late")]).then((late) => !late.ok && late.fault.code), "ledger/closed");
  }
  return undefined;
}

function faultCode(result: { readonly ok: true } | { readonly ok: false; readonly fault: { readonly code: string } }): string {
  return result.ok ? "" : result.fault.code;
}

async function countSteps(folder: string, only?: StepName): Promise<number> {
  const journey: Journey = { steps: 0, failed: undefined };
  if (only !== undefined) {
    const never = { step: Infinity, failure: "not persisted", errno: "EIO", only } as const;
    assert.equal(await work(folder, failingFiles(never, journey), new Map()), undefined);
    return journey.steps;
  }
  assert.equal(await work(folder, failingFiles(undefined, journey), new Map()), undefined);
  return journey.steps;
}

for (const failure of ["not persisted", "persisted", "torn"] as const satisfies readonly Failure[]) {
  test(`a step that fails, ${failure}: the writer stops, and the next opening keeps every promise`, async (t) => {
    const root = temporaryFolder(t);
    const steps = await countSteps(join(root, "count"));
    assert.ok(steps > 150, `${steps} steps`);
    const met = new Set<string>();
    for (let step = SEED % STRIDE; step < steps; step += STRIDE) {
      const folder = join(root, String(step));
      const journey: Journey = { steps: 0, failed: undefined };
      const promised: Promised = new Map();
      const code = await work(folder, failingFiles({ step, failure, errno: "EIO" }, journey), promised);
      met.add(journey.failed ?? "");
      assert.equal(code ?? "ledger/write-failed", "ledger/write-failed", `step ${step}, seed ${SEED}`);
      await reopenAndCheck(folder, promised, `step ${step} (${journey.failed}), ${failure}, seed ${SEED}`);
    }
    for (const kind of ["write", "fdatasync", "rename", "fsync"]) assert.ok(met.has(kind), kind);
  });
}

/** A crash is followed by an opening with sound files; it must find everything, and go on. */
async function reopenAndCheck(folder: string, promised: Promised, what: string): Promise<void> {
  const opened = await openWriter(folder, { segmentBytes: SEGMENT_BYTES });
  assert.ok(opened.ok, `${what}: ${JSON.stringify(opened)}`);
  assert.ok(opened.value.openedSize >= promised.size, what);
  const appended = await opened.value.append([payloadOf("after")]);
  assert.ok(appended.ok, what);
  for (const { index, checkpoint } of appended.value) {
    promised.set(index, { payload: Buffer.from(payloadOf("after")).toString(), checkpoint });
  }
  const closed = await opened.value.close();
  assert.ok(closed.ok, `${what}: ${JSON.stringify(closed)}`);
  await assertPromises(folder, promised);
}

test("a power cut at any step loses nothing that was acknowledged", async (t) => {
  const root = temporaryFolder(t);
  const steps = await countSteps(join(root, "count"));
  let cuts = 0;
  for (let step = SEED % STRIDE; step < steps; step += STRIDE) {
    const folder = join(root, String(step));
    mkdirSync(folder);
    const power = new PowerCutFiles(step, SEED + step);
    const promised: Promised = new Map();
    await work(folder, power.files, promised);
    if (power.dead) cuts++;
    await reopenAndCheck(folder, promised, `step ${step}, seed ${SEED}`);
  }
  assert.ok(cuts > 15, `${cuts} cuts`);
});

test("control: on a disk whose flushes do nothing, a power cut does lose what was acknowledged", async (t) => {
  const root = temporaryFolder(t);
  let lost = 0;
  for (let step = 40; step < 120 && lost === 0; step += 5) {
    const folder = join(root, String(step));
    mkdirSync(folder);
    const power = new PowerCutFiles(step, SEED + step, { flushes: false });
    const promised: Promised = new Map();
    await work(folder, power.files, promised);
    await reopenAndCheck(folder, promised, "control").catch(() => lost++);
  }
  assert.ok(lost > 0);
});

/** What a disk and a system refuse, by the step at which they do, and the fault that it is called by. */
const REFUSALS: readonly (readonly [errno: string, only: StepName, code: string])[] = [
  ["ENOSPC", "write", "ledger/disk-full"],
  ["ENOSPC", "create", "ledger/disk-full"],
  ["ENOSPC", "fdatasync", "ledger/disk-full"],
  ["EDQUOT", "write", "ledger/disk-full"],
  ["EIO", "write", "ledger/write-failed"],
  ["EIO", "fdatasync", "ledger/write-failed"],
  ["EIO", "fsync", "ledger/write-failed"],
  ["EIO", "rename", "ledger/write-failed"],
  ["EMFILE", "open", "ledger/write-failed"],
  ["EMFILE", "create", "ledger/write-failed"],
];
const MOMENTS = 4;

for (const [errno, only, code] of REFUSALS) {
  test(`${errno} at a ${only}, at any moment and from then on: it is called \`${code}\`, and nothing more is signed`, async (t) => {
    const root = temporaryFolder(t);
    const steps = await countSteps(join(root, "count"), only);
    assert.ok(steps >= MOMENTS, `${steps} steps`);
    for (let moment = 0; moment < MOMENTS; moment++) {
      const step = Math.floor((moment * steps) / MOMENTS) + (SEED % Math.ceil(steps / MOMENTS));
      const folder = join(root, String(moment));
      const journey: Journey = { steps: 0, failed: undefined };
      const promised: Promised = new Map();
      const files = failingFiles(
        { step: Math.min(step, steps - 1), failure: "not persisted", errno, only, lasting: true },
        journey,
      );
      const met = await work(folder, files, promised);
      assert.equal(journey.failed, only, `step ${step}, seed ${SEED}`);
      assert.equal(met ?? code, code, `step ${step}, seed ${SEED}`);
      await reopenAndCheck(folder, promised, `${errno} at ${only} ${step}, seed ${SEED}`);
    }
  });
}

test("after a flush that failed, appends and publications are refused with its fault, and the flush is not tried again", async (t) => {
  const folder = temporaryFolder(t);
  const journey: Journey = { steps: 0, failed: undefined };
  const writer = await openWriter(folder);
  assert.ok(writer.ok);
  assert.ok((await writer.value.append([payloadOf("before")])).ok);
  assert.ok((await writer.value.close()).ok);
  const files = failingFiles({ step: 0, failure: "not persisted", errno: "EIO", only: "fdatasync" }, journey);
  const failing = await openWriter(folder, { files });
  assert.ok(failing.ok);
  for (let i = 0; i < 3; i++) assert.equal(faultCode(await failing.value.append([payloadOf("failed")])), "ledger/write-failed");
  assert.equal(faultCode(await failing.value.publish()), "ledger/write-failed");
  assert.equal(faultCode(await failing.value.close()), "ledger/write-failed");
  assert.equal(journey.steps, 1, "one flush, and none after it");
  await reopenAndCheck(folder, new Map(), "after a failed flush");
});
