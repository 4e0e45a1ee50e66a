import assert from "node:assert/strict";
import { test } from "node:test";
import wabt from "wabt";
import { type Bytes, digestOf, utf8 } from "#core";
import { openV8Engine } from "#engine/v8";
import type { EngineJob, Mount } from "#ports";
import { MemoryRows } from "#state";
import { sha256 } from "#store/keys";
import { explainHostCallDivergence, type HostCallDivergence, replayRun } from "#worker";
import { listArguments } from "./argument-listing.ts";
import { keepInputs, listMounts } from "./mount-listing.ts";
import { jobFor, recordRun } from "./recorded-run.test.ts";

/** What it calls, in this order: arguments, the clock, as many pauses as `pauses`, dice, a file, and at last it prints. */
const guest = (pauses: number): string => `(module
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\00\\04\\00\\00\\10\\00\\00\\00")
  (data (i32.const 512) "a.txt")
  (func (export "_start") (local $n i32)
    (drop (call $args_get (i32.const 2048) (i32.const 4096)))
    (drop (call $clock_time_get (i32.const 0) (i64.const 1) (i32.const 64)))
    (local.set $n (i32.const ${pauses}))
    (block $done (loop $on
      (br_if $done (i32.eqz (local.get $n)))
      (drop (call $sched_yield))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br $on)))
    (drop (call $random_get (i32.const 128) (i32.const 8)))
    (drop (call $path_open
      (i32.const 3) (i32.const 0) (i32.const 512) (i32.const 5) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 32)))
    (drop (call $fd_read (i32.load (i32.const 32)) (i32.const 0) (i32.const 1) (i32.const 40)))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 40)))))`;

const assembler = await wabt();
function assemble(text: string): Bytes {
  const module = assembler.parseWat("guest.wat", text);
  const bytes = new Uint8Array(module.toBinary({}).buffer);
  module.destroy();
  return bytes;
}

const mountOf = (files: Mount["files"]): Mount => ({ guestPath: "/data", files, folders: [] });
const FILE = mountOf([{ path: "a.txt", bytes: utf8("as it was") }]);

const opened = await openV8Engine({ slots: 1 });
assert.ok(opened.ok);
const engine = opened.value;
test.after(() => engine.close());

/** Records a run, changes what it started from, and replays it: the replay is another run then, and diverges for real. */
async function diverge(pauses: number, change: Partial<EngineJob>) {
  const job: EngineJob = { ...jobFor(assemble(guest(pauses))), argv: ["dice", "one"], mounts: [FILE] };
  const recorded = await recordRun(engine, job);
  assert.equal(recorded.outcome.status, "ran", recorded.outcome.fault?.code ?? "");
  const changed: EngineJob = { ...job, ...change };
  const mounts = listMounts(changed.mounts, sha256);
  keepInputs(recorded.blobs, changed, { stdin: digestOf(sha256, changed.stdin), mounts, called: listArguments(changed, sha256) });
  const { argv, capabilities } = changed;
  const said = { argv, capabilities, mounts: mounts.map((one) => one.said), seed: Buffer.from(changed.seed).toString("hex") };
  return { ...recorded, intent: { ...recorded.intent, ...said } };
}

async function findDivergence({ intent, outcome, blobs }: Awaited<ReturnType<typeof diverge>>) {
  const replay = await replayRun({ intent, outcome }, { engine, blobs, sha256, rows: new MemoryRows() });
  assert.ok(replay.ok, JSON.stringify(replay));
  return replay.value.divergence;
}

const SEED = new Uint8Array(32).fill(8);
const OTHER_FILE = mountOf([{ path: "a.txt", bytes: utf8("as it is") }]);

const ROWS: readonly (readonly [changed: string, pauses: number, change: Partial<EngineJob>, hostCall: HostCallDivergence])[] = [
  ["an argument", 0, { argv: ["dice", "two"] }, { after: 0, by: 1, recorded: "args_get", replayed: "args_get" }],
  ["the seed", 0, { seed: SEED }, { after: 2, by: 3, recorded: "random_get", replayed: "random_get" }],
  ["a file's content", 0, { mounts: [OTHER_FILE] }, { after: 4, by: 5, recorded: "fd_read", replayed: "fd_read" }],
  [
    "a folder that lost its file",
    0,
    { mounts: [mountOf([])] },
    { after: 3, by: 4, recorded: "path_open", replayed: "path_open, errno 44" },
  ],
  [
    "a capability less",
    0,
    { capabilities: ["fs:read"] },
    { after: 5, by: 6, recorded: "fd_write", replayed: "fd_write, errno 8" },
  ],
  ["the seed, far behind", 509, { seed: SEED }, { after: 511, by: 512, recorded: "random_get", replayed: "random_get" }],
  ["the seed, behind what is kept of each call", 600, { seed: SEED }, { after: 576, by: 606 }],
  ["the seed, ten thousand calls behind", 10_000, { seed: SEED }, { after: 9_984, by: 10_006 }],
];

for (const [changed, pauses, change, hostCall] of ROWS) {
  test(`a replay from another start names the first host call that differs: ${changed}`, async () => {
    const run = await diverge(pauses, change);
    const divergence = await findDivergence(run);
    assert.deepEqual(divergence?.hostCall, hostCall);
    const unchanged = { ...run, intent: (await diverge(pauses, {})).intent };
    assert.equal(await findDivergence(unchanged), undefined, "a control: from the same start it is the same");
  });
}

test("a trace that is gone, changed, or of another run says nothing about a call, and the divergence stays", async () => {
  const run = await diverge(0, { seed: SEED });
  const digest = run.outcome.hostCallTrace?.digest ?? assert.fail();
  const trace = run.blobs.get(digest) ?? assert.fail();
  for (const instead of [undefined, trace.subarray(1), Uint8Array.from(trace, (byte, n) => (n === 20 ? byte ^ 1 : byte))]) {
    if (instead === undefined) run.blobs.kept.delete(digest);
    else run.blobs.put(digest, instead);
    const divergence = await findDivergence(run);
    assert.equal(divergence?.what, "host calls");
    assert.equal(divergence.hostCall, undefined);
  }
});

test("calls that differ, and nothing else, are a divergence; a record without a trace is compared in their number", async () => {
  const run = await diverge(0, {});
  const longer = await recordRun(engine, { ...jobFor(assemble(guest(1))), argv: ["dice", "one"], mounts: [FILE] });
  const { hostCallTrace } = longer.outcome;
  for (const [digest, bytes] of longer.blobs.kept) run.blobs.put(digest, bytes);
  const divergence = await findDivergence({ ...run, outcome: { ...run.outcome, ...(hostCallTrace && { hostCallTrace }) } });
  assert.equal(divergence?.what, "host calls");
  assert.deepEqual(divergence.hostCall, { after: 2, by: 3, recorded: "sched_yield", replayed: "random_get" });
  const { hostCallTrace: _, ...older } = run.outcome;
  assert.equal(await findDivergence({ ...run, outcome: older }), undefined);
});

test("a first difference in words", () => {
  const rows: readonly (readonly [HostCallDivergence, string])[] = [
    [
      { after: 2, by: 3, recorded: "fd_read", replayed: "fd_read" },
      "host call 3 is the first that differs: fd_read, with other parameters or another answer",
    ],
    [
      { after: 0, by: 1, recorded: "path_open", replayed: "path_open, errno 44" },
      "host call 1 is the first that differs: path_open, now path_open, errno 44",
    ],
    [
      { after: 5, by: 6, recorded: "no further call", replayed: "fd_write" },
      "host call 6 is the first that differs: no further call, now fd_write",
    ],
    [{ after: 600, by: 601 }, "host call 601 is the first that differs"],
    [{ after: 576, by: 640 }, "host calls differ for the first time between 577 and 640"],
  ];
  for (const [divergence, words] of rows) assert.equal(explainHostCallDivergence(divergence), words);
});
