import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import wabt from "wabt";
import { compareFolder } from "./spec.ts";

const assembler = await wabt();
const SHARED = join(import.meta.dirname, "..", "..", "..", "shared", "data", "wasm-spec");

test("rewriting changes nothing that the specification's tests can see", (t) => {
  if (!existsSync(SHARED)) return t.skip("../shared/data is not here");
  const said: string[] = [];
  const tally = compareFolder(SHARED, (line) => said.push(line));
  assert.equal(tally.failed, 0, said.join("\n"));
  assert.ok(tally.passed > 15_000, `${tally.passed} compared`);
});

function compare(text: string, commands: readonly object[]): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-spec-test-"));
  try {
    const module = assembler.parseWat("one.wat", text, { exceptions: true, threads: true });
    writeFileSync(join(folder, "one.0.wasm"), module.toBinary({}).buffer);
    const all = [{ type: "module", line: 1, filename: "one.0.wasm" }, ...commands];
    writeFileSync(join(folder, "one.json"), JSON.stringify({ source_filename: "one.wast", commands: all }));
    const said: string[] = [];
    compareFolder(folder, (line) => said.push(line));
    return said;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const invoke = (field: string): object => ({
  type: "assert_return",
  line: 2,
  action: { type: "invoke", field, args: [{ type: "i32", value: "7" }] },
  expected: [],
});

test("a result that rewriting changes is reported", () => {
  // The export is there only after rewriting, as a guest could see if it could look at itself.
  const said = compare('(module (func (export "f") (param i32) (result i32) (local.get 0)))', [
    invoke("f"),
    { type: "action", line: 3, action: { type: "get", field: "nightcore.budget" } },
  ]);
  assert.equal(said.length, 2);
  assert.match(said[0] ?? "", /^DIFFERENT one\.json:3 action: plain undefined undefined, rewritten bigint \d+$/);
  assert.equal(said[1], "2 passed, 1 failed");
});

test("what cannot be metered is named, and no difference", () => {
  const said = compare('(module (memory 1 1 shared) (func (export "f") (param i32)))', [invoke("f")]);
  assert.deepEqual(said, ["refused: threads (1 modules)", "0 passed, 0 failed"]);
});

test("a stack that is used up ends alike on both sides", () => {
  const said = compare('(module (func $f (export "f") (param i32) (call $f (local.get 0))))', [invoke("f")]);
  assert.deepEqual(said, ["2 passed, 0 failed"]);
});
