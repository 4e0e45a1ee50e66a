import assert from "node:assert/strict";
import { test } from "node:test";
import { CAPABILITIES, concatBytes, replayInput, utf8 } from "#core";
import { openV8Engine } from "#engine/v8";
import type { EngineJob } from "#ports";
import { assemble, jobFor } from "./fixture.test.ts";

// A sandbox reads its jobs where they arrive, in memory that is used again and again: nothing of one may reach another.

/** Copies its input to its output, and then what it asks for at the end: its arguments, and 16 bytes that follow from its seed. */
const GUEST = assemble(`(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory (export "memory") 8)
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 1024))
    (loop $more
      (i32.store (i32.const 4) (i32.const 65536))
      (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (i32.store (i32.const 4) (i32.load (i32.const 8)))
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 12)))
      (br_if $more (i32.load (i32.const 8))))
    (drop (call $sizes (i32.const 8) (i32.const 4)))
    (drop (call $args (i32.const 16) (i32.const 1024)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 12)))
    (drop (call $random (i32.const 1024) (i32.const 16)))
    (i32.store (i32.const 4) (i32.const 16))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 12)))))`);

const opened = await openV8Engine({ slots: 1 });
assert.ok(opened.ok);
const engine = opened.value;
test.after(() => engine.close());

const CAPABLE = CAPABILITIES.filter((one) => one === "stdin" || one === "stdout");
const LENGTHS = [0, 1, 100, 3_000, 20_000, 65_400, 65_536, 65_600, 140_000];

const DRAWN_BYTES = 16;

function jobOf(n: number, length: number, over: Partial<EngineJob> = {}): EngineJob {
  const stdin = new Uint8Array(length).fill(n % 251);
  const budgets = { ...jobFor(GUEST).budgets, wallMs: 300_000 };
  const seed = new Uint8Array(32).fill(n % 256);
  return jobFor(GUEST, { capabilities: CAPABLE, argv: [`job ${n}`, "x".repeat(n % 50)], stdin, budgets, seed, ...over });
}

/** What a guest draws from each seed, each in a run of its own. */
async function drawAll(): Promise<readonly Uint8Array[]> {
  const drawn: Uint8Array[] = [];
  for (let n = 0; n < 256; n++) drawn.push((await engine.run(jobOf(n, 0))).stdout.slice(-DRAWN_BYTES));
  assert.equal(new Set(drawn.map((bytes) => Buffer.from(bytes).toString("hex"))).size, 256, "a control: seeds differ");
  return drawn;
}
const drawn = await drawAll();

function printed({ stdin, argv, seed }: EngineJob): Uint8Array {
  return concatBytes([stdin, ...argv.map((text) => utf8(`${text}\0`)), drawn[seed[0] ?? 0] ?? new Uint8Array(0)]);
}

test("jobs of any length that are sent together stay apart", async () => {
  const jobs = Array.from({ length: 400 }, (_, n) => jobOf(n, (n % 7 === 0 ? LENGTHS[(n / 7) % LENGTHS.length] : n * 13) ?? 0));
  const reports = await Promise.all(jobs.map((job) => engine.run(job)));
  for (const [n, job] of jobs.entries()) {
    assert.equal(reports[n]?.fault, undefined, `job ${n}`);
    assert.ok(Buffer.from(printed(job)).equals(reports[n]?.stdout ?? new Uint8Array()), `job ${n}`);
  }
});

test("input that comes later does not touch the job that waits for it", async () => {
  for (const length of LENGTHS) {
    const pieces = [length, 1, length].filter((bytes) => bytes > 0 && bytes <= 65_536);
    const bytes = concatBytes(pieces.map((size, n) => new Uint8Array(size).fill(n + 1)));
    const job = jobOf(77, 50, { argv: ["guest", "y".repeat(500)] });
    const report = await engine.run({ ...job, input: replayInput({ bytes, pieces }) });
    assert.equal(report.fault, undefined);
    assert.ok(Buffer.from(printed({ ...job, stdin: concatBytes([job.stdin, bytes]) })).equals(report.stdout), `${length}`);
  }
});
