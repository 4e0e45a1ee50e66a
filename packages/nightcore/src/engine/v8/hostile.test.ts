import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Engine, EngineFaultCode, EngineReport } from "#ports";
import { openV8Engine } from "./engine.ts";
import { assemble, jobFor, MEBIBYTE, readTexts, REPOSITORY, SHARED_DATA, WRITABLE_ROOT } from "./fixture.test.ts";

type Expected = { readonly exitCode?: number; readonly fault?: EngineFaultCode };

const HONEST = assemble(
  `(module
    (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1) (data (i32.const 16) "fine")
    (func (export "_start")
      (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 4))
      (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))`,
);

let engine: Engine;

before(async () => {
  const opened = await openV8Engine({ slots: 1 });
  assert.ok(opened.ok);
  engine = opened.value;
});

after(() => engine.close());

function assertEnd(report: EngineReport, expected: Expected): void {
  const exitCode = expected.fault === undefined ? (expected.exitCode ?? 0) : undefined;
  assert.deepEqual([report.fault?.code, report.exitCode], [expected.fault, exitCode], report.fault?.detail ?? "");
}

async function assertHonestRuns(): Promise<void> {
  const report = await engine.run(jobFor(HONEST));
  assert.equal(report.fault, undefined);
  assert.equal(Buffer.from(report.stdout).toString(), "fine");
}

const own = JSON.parse(readFileSync(join(REPOSITORY, "vectors", "hostile", "expected.json"), "utf8")) as Record<string, Expected>;

for (const { name, text } of readTexts(join(REPOSITORY, "vectors", "hostile"))) {
  test(`vectors/hostile/${name}`, async () => {
    const expected = own[name];
    assert.ok(expected !== undefined, "expected.json does not say how it ends");
    assertEnd(
      await engine.run(
        jobFor(assemble(text, name), { mounts: [WRITABLE_ROOT], capabilities: ["stdout", "fs:read", "fs:write"] }),
      ),
      expected,
    );
    await assertHonestRuns();
  });
}

/** What each guest of the shared corpus comes to, under 64 MiB and a writable folder. */
const SHARED: Readonly<Record<string, Expected>> = {
  h01: { fault: "engine/fuel-exhausted" },
  h02: { fault: "engine/fuel-exhausted" },
  h03: {}, // memory stops at the budget, and what there is can be touched
  h04: { fault: "engine/memory-exceeded" },
  h05: { fault: "engine/stack-overflow" },
  h06: { fault: "engine/stack-overflow" },
  h07: {}, // the table stops at its cap
  h08: { fault: "engine/output-exceeded" },
  h09: { exitCode: 33 }, // EMFILE of its own table
  h10: { exitCode: 51 }, // ENOSPC of its own overlay
  h11: {}, // virtual sleep
  h12: { exitCode: 21 },
  h13: { exitCode: 21 },
  h14: {},
  h15: {},
  h16: {},
  h17: { exitCode: 67 }, // it may plant in its own overlay, and finds nothing behind it
  h18: {},
  h19: { fault: "engine/unknown-import" },
  h20: { fault: "engine/unknown-import" },
  h21: { fault: "engine/unknown-import" },
  h22: { fault: "engine/invalid-module" },
  h23: { fault: "engine/no-entry" },
  h24: { fault: "engine/no-entry" },
  h25: { fault: "engine/trap" },
  h26: {}, // the memory is bound before the start function runs
  h27: { fault: "engine/trap" },
  h28: { fault: "engine/memory-exceeded" },
  h29: {}, // no delta below a microsecond
  h30: { exitCode: 0xffff_ffff },
  h31: { fault: "engine/memory-exceeded" },
  h32: {},
  h33: {}, // stdin is empty, not silent
  h34: {},
  h35: { exitCode: 2 }, // the link is there, opening it is refused
  h36: { exitCode: 2 },
  h37: { exitCode: 2 },
  h38: {},
  h39: {},
  h40: { exitCode: 21 },
};

const sharedFolder = join(SHARED_DATA, "hostile");
const sharedTexts = existsSync(sharedFolder) ? readTexts(sharedFolder) : [];
if (sharedTexts.length === 0) test("the shared hostile corpus", (t) => t.skip("../shared/data is not here"));

for (const { name, text } of sharedTexts) {
  test(`hostile/${name}`, async () => {
    const expected = SHARED[name.slice(0, 3)];
    assert.ok(expected !== undefined);
    const budgets = { wallMs: 5_000, memoryBytes: 64 * MEBIBYTE, fuel: 20_000_000, outputBytes: 200_000 };
    assertEnd(await engine.run(jobFor(assemble(text, name), { mounts: [WRITABLE_ROOT], budgets })), expected);
    await assertHonestRuns();
  });
}

test("with all the memory there is, bulk work is stopped by fuel and the rest by the deadline", async (t) => {
  if (sharedTexts.length === 0) return t.skip("../shared/data is not here");
  const budgets = { wallMs: 300, memoryBytes: 4096 * MEBIBYTE, fuel: 20_000_000, outputBytes: 1_000 };
  const run = async (name: string): Promise<EngineReport> => {
    const text = sharedTexts.find((one) => one.name.startsWith(name))?.text ?? "";
    return engine.run(jobFor(assemble(text), { budgets }));
  };
  assert.equal((await run("h28")).fault?.code, "engine/fuel-exhausted");
  assert.equal((await run("h03")).fault?.code, "engine/fuel-exhausted");
  assert.equal((await run("h31")).fault?.code, "engine/deadline");
  await assertHonestRuns();
});
