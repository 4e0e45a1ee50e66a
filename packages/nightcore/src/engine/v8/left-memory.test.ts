import assert from "node:assert/strict";
import { test } from "node:test";
import { openV8Engine } from "#engine/v8";
import { assemble, jobFor } from "./fixture.test.ts";

// A memory that is kept is not zeroed where no run has written. Who would find something there is the next run of the same tenant.

/** Returns what stands where the run before wrote, added to what its own data has become, and writes at a place of its own. */
const guest = (dataAt: number): Uint8Array<ArrayBuffer> =>
  assemble(`(module (memory (export "memory") 17) (data (i32.const ${dataAt}) "\\07")
    (func (export "run") (param $before i32) (param $at i32) (param $value i32) (result i32)
      (i32.add (i32.load8_u (local.get $before)) (i32.mul (i32.const 256) (i32.load8_u (i32.const ${dataAt}))))
      (i32.store8 (local.get $at) (local.get $value))
      (i32.store8 (i32.const ${dataAt}) (i32.const 9))))`);

const PLACES = [1, 70_000, 600_000, 604_097, 1_100_000];
const UNTOUCHED = 7 * 256;

test("no run of thousands finds what another of its tenant has written, in a sandbox process", async (t) => {
  const opened = await openV8Engine({ slots: 1 });
  assert.ok(opened.ok);
  const engine = opened.value;
  t.after(() => engine.close());
  const guests = [guest(1_048_576), guest(300_000)];
  let before = 0;
  const jobs = Array.from({ length: 3_000 }, (_, n) => {
    // Runs of one place, in which memory is kept, and now and then of another.
    const at = n % 100 < 90 ? (PLACES[Math.floor(n / 500) % 5] ?? 0) : (n * 7_919) % 1_114_000;
    const job = jobFor(guests[n % 1_000 < 900 ? 0 : 1] ?? guest(0), {
      entry: "run",
      numericArgs: [before, at, n % 3].map(String),
      seed: new Uint8Array(32),
    });
    before = at;
    return job;
  });
  for (let n = 0; n < jobs.length; n += 50) {
    const reports = await Promise.all(jobs.slice(n, n + 50).map((job) => engine.run(job)));
    for (const [i, report] of reports.entries()) {
      assert.equal(report.fault, undefined);
      assert.deepEqual(report.results, [String(UNTOUCHED)], `run ${n + i}`);
    }
  }
});
