import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { differenceOf, readCases, runCases } from "./wasi.ts";

const REPOSITORY = join(import.meta.dirname, "..", "..");
const SHARED = join(REPOSITORY, "..", "shared", "data", "wasi-testsuite");

test("our own WASI vectors pass", async () => {
  const lines: string[] = [];
  const { passed, failed } = await runCases(join(REPOSITORY, "vectors", "wasi"), { say: (line) => lines.push(line) });
  assert.equal(failed, 0, lines.join("\n"));
  assert.ok(passed >= 14);
});

test("the cases of the WebAssembly/wasi-testsuite project pass", async (t) => {
  if (!existsSync(SHARED)) return t.skip("../shared/data is not here");
  const lines: string[] = [];
  const { passed, failed } = await runCases(SHARED, { say: (line) => lines.push(line) });
  assert.equal(failed, 0, lines.join("\n"));
  assert.equal(passed, 48);
});

test("a case fails for a wrong exit code, wrong output, or a fault", () => {
  const [first] = readCases(join(REPOSITORY, "vectors", "wasi"));
  assert.ok(first !== undefined);
  const usage = { wallMs: 1, memoryBytes: 0, fuel: 0, outputBytes: 0, hostCalls: 0 };
  const empty = new Uint8Array(0);
  const report = { exitCode: 0, fault: undefined, results: [], stdout: empty, stderr: empty, usage, deniedPaths: [] };
  assert.match(differenceOf({ ...first, exitCode: 1 }, report) ?? "", /exit code 0, expected 1/);
  assert.match(differenceOf(first, report) ?? "", /stdout differs/);
  assert.match(differenceOf(first, { ...report, fault: { code: "engine/trap", detail: "unreachable" } }) ?? "", /trapped/);
});
