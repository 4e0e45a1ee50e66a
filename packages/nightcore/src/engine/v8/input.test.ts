import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CAPABILITIES, concatBytes, INPUT_BYTES_MAX, INPUT_PIECE_BYTES_MAX, type InputStream, replayInput, utf8 } from "#core";
import { openV8Engine } from "#engine/v8";
import type { EngineJob } from "#ports";
import { assemble, jobFor } from "./fixture.test.ts";

/** Copies its input to its output in reads of so many bytes, over two buffers, and ends with how many reads that took. */
const copier = (bytes: number): Uint8Array =>
  assemble(`(module
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 4)
  (func (export "_start") (local $reads i32)
    (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 1))
    (i32.store (i32.const 8) (i32.const 1025)) (i32.store (i32.const 12) (i32.const ${bytes - 1}))
    (i32.store (i32.const 16) (i32.const 1024))
    (loop $on
      (if (call $fd_read (i32.const 0) (i32.const 0) (i32.const 2) (i32.const 24)) (then (unreachable)))
      (if (i32.load (i32.const 24)) (then
        (i32.store (i32.const 20) (i32.load (i32.const 24)))
        (drop (call $fd_write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 28)))
        (local.set $reads (i32.add (local.get $reads) (i32.const 1)))
        (br $on))))
    (call $proc_exit (local.get $reads))))`);

const opened = await openV8Engine({ slots: 2 });
assert.ok(opened.ok);
const engine = opened.value;
test.after(() => engine.close());

const PATIENT = { ...jobFor(copier(100)).budgets, wallMs: 300_000 };
const GRANTED = CAPABILITIES.filter((one) => one === "stdin" || one === "stdout");

function jobWith(input: InputStream | undefined, over: Partial<EngineJob> = {}, bytes = copier(100)): EngineJob {
  return { ...jobFor(bytes, { capabilities: GRANTED, ...over }), input };
}

/** A stream of these pieces, and what was asked of it. */
function streamOf(pieces: readonly Uint8Array[]) {
  const seen = { reads: 0, closed: 0 };
  const left = [...pieces];
  const stream: InputStream = {
    read() {
      seen.reads++;
      return Promise.resolve(left.shift() ?? new Uint8Array(0));
    },
    close: () => void seen.closed++,
  };
  return { stream, seen };
}

test("a guest reads what comes, in the pieces in which it comes, and the same again makes the same run", async () => {
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 250 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(pieces, async (all) => {
      const { stream, seen } = streamOf(all);
      const report = await engine.run(jobWith(stream));
      assert.deepEqual(new Uint8Array(report.stdout), concatBytes(all));
      assert.equal(
        report.exitCode,
        all.reduce((sum, { length }) => sum + Math.ceil(length / 100), 0),
      );
      assert.deepEqual(report.input, { bytes: concatBytes(all), pieces: all.map(({ length }) => length) });
      assert.deepEqual(seen, { reads: all.length + 1, closed: 1 });
      const again = await engine.run(jobWith(report.input && replayInput(report.input)));
      assert.deepEqual([again.trace, again.usage.fuel, again.exitCode], [report.trace, report.usage.fuel, report.exitCode]);
    }),
    { numRuns: 25 },
  );
});

test("what is there from the beginning is read first, and a guest that was not granted its input is given none", async () => {
  const both = await engine.run(jobWith(streamOf([utf8("behind")]).stream, { stdin: utf8("before ") }));
  assert.deepEqual([Buffer.from(both.stdout).toString(), both.exitCode], ["before behind", 2]);
  const { stream, seen } = streamOf([utf8("secret")]);
  const without = await engine.run(jobWith(stream, { capabilities: ["stdout"] }));
  assert.deepEqual([without.stdout.length, without.exitCode, seen.reads], [0, 0, 0]);
});

test("nothing is read before the guest wants it, and no further than it reads", async () => {
  const { stream, seen } = streamOf([utf8("one"), utf8("two")]);
  const quiet = await engine.run(jobWith(stream, {}, assemble('(module (func (export "_start")))')));
  assert.deepEqual([quiet.exitCode, seen], [0, { reads: 0, closed: 1 }]);
});

test("the deadline and the caller end a guest that waits for input, and the next one runs", async () => {
  const never: InputStream = { read: () => new Promise(() => undefined), close: () => undefined };
  const budgets = { ...jobFor(copier(100)).budgets, wallMs: 200 };
  const late = await engine.run(jobWith(never, { budgets }));
  assert.equal(late.fault?.code, "engine/deadline");
  assert.deepEqual(late.input, { bytes: new Uint8Array(0), pieces: [] });
  const controller = new AbortController();
  let asked = 0;
  const once: InputStream = {
    read() {
      if (asked++ === 0) return Promise.resolve(utf8("once"));
      controller.abort();
      return new Promise(() => undefined);
    },
    close: () => undefined,
  };
  const cancelled = await engine.run(jobWith(once, { budgets: PATIENT }), controller.signal);
  assert.equal(cancelled.fault?.code, "engine/cancelled");
  assert.deepEqual(cancelled.input, { bytes: utf8("once"), pieces: [4] }, "what it was given before is known");
  assert.equal((await engine.run(jobWith(streamOf([utf8("fine")]).stream))).exitCode, 1);
});

test("jobs beside one that waits for its input are not kept waiting, nor taken for its input", async () => {
  const release = Promise.withResolvers<void>();
  let asked = 0;
  const slow: InputStream = {
    async read() {
      if (asked++ > 0) return new Uint8Array(0);
      await release.promise;
      return utf8("late");
    },
    close: () => undefined,
  };
  const waiting = engine.run(jobWith(slow, { budgets: PATIENT }));
  for (let n = 0; n < 20; n++) assert.equal((await engine.run(jobWith(undefined, { stdin: utf8("now") }))).exitCode, 1);
  release.resolve();
  assert.deepEqual(new Uint8Array((await waiting).stdout), utf8("late"));
});

test("a stream that fails, lies or does not end is a fault of its own, and what it gave before is known", async () => {
  const piece = new Uint8Array(INPUT_PIECE_BYTES_MAX);
  const endless: InputStream = { read: () => Promise.resolve(piece), close: () => undefined };
  const budgets = { ...PATIENT, fuel: 1e9, outputBytes: INPUT_BYTES_MAX };
  const rows: readonly (readonly [why: string, code: string, stream: InputStream])[] = [
    ["breaks off", "engine/input-failed", { read: () => Promise.reject(new Error("gone")), close: () => undefined }],
    ["gives more than it was asked for", "engine/input-failed", streamOf([new Uint8Array(INPUT_PIECE_BYTES_MAX + 1)]).stream],
    ["gives no bytes", "engine/input-failed", { read: () => Promise.resolve("text" as never), close: () => undefined }],
    ["never ends", "engine/input-exceeded", endless],
  ];
  for (const [why, code, stream] of rows) {
    const report = await engine.run(jobWith(stream, { budgets }, copier(65_536)));
    assert.equal(report.fault?.code, code, why);
    assert.ok((report.input?.bytes.length ?? Infinity) <= INPUT_BYTES_MAX);
  }
});

test("a guest that traps after it has read is not run again with what is left", async () => {
  const trap = assemble(`(module
    (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\\00\\04\\00\\00\\10\\00\\00\\00")
    (func (export "_start")
      (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))
      (drop (i32.load (i32.const -1)))))`);
  const { stream, seen } = streamOf([utf8("once"), utf8("twice")]);
  const report = await engine.run(jobWith(stream, {}, trap));
  assert.deepEqual([report.fault?.code, seen.reads], ["engine/trap", 1]);
});
