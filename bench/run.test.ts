import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makePromiseLine, parsePromiseLine, readPromiseNames } from "../tools/promise.ts";
import { REPOSITORY, toolEnvironment } from "../tools/repository.ts";
import { listBenches, listPromises, renderTable } from "./run.ts";

const LINE = makePromiseLine({ name: "cold-run", unit: "ms", measured: 90, against: 30, peer: "node -e 0", promise: "<= 4" });

test("a line is made from what was measured, and read as it was made", () => {
  assert.equal(LINE.ratio, 3);
  assert.equal(LINE.holds, true);
  assert.deepEqual(parsePromiseLine(JSON.stringify(LINE)), LINE);
  assert.equal(makePromiseLine({ ...LINE, promise: ">= 3.5" }).holds, false);
});

test("a line that contradicts itself is refused", () => {
  const rows: readonly (readonly [wrong: string, text: string])[] = [
    ["not JSON", "cold-run: 3"],
    ["not an object", "3"],
    ["no name", JSON.stringify({ ...LINE, name: undefined })],
    ["a number as text", JSON.stringify({ ...LINE, measured: "90" })],
    ["nothing measured", JSON.stringify({ ...LINE, measured: null })],
    ["a division by zero", JSON.stringify({ ...LINE, against: 0 })],
    ["a kinder ratio", JSON.stringify({ ...LINE, ratio: 2 })],
    ["a kinder verdict", JSON.stringify({ ...LINE, promise: "<= 2" })],
    ["a promise in words", JSON.stringify({ ...LINE, promise: "fast" })],
    ["no verdict", JSON.stringify({ ...LINE, holds: undefined })],
  ];
  for (const [wrong, text] of rows) assert.equal(typeof parsePromiseLine(text), "string", wrong);
});

test("the table is aligned and names what is broken", () => {
  const table = renderTable([LINE, { ...LINE, name: "x", holds: false }]);
  const [head = "", first = "", second = ""] = table.split("\n");
  assert.equal(head.indexOf("unit"), first.indexOf("ms"));
  assert(second.startsWith("BROKEN  x "));
});

test("promises are the rows of a table that begin with a name in backticks", () => {
  const text = "| promise | wanted |\n| --- | --- |\n| `cold-run` | at most 4 |\n| not one | |\ntext with `code`\n| `a-b` |";
  assert.deepEqual(readPromiseNames(text), ["cold-run", "a-b"]);
});

test("the bench of a large ledger builds and measures a small one", () => {
  const args = [join(REPOSITORY, "bench/large-ledger.ts"), "--entries", "20000"];
  const run = spawnSync(process.execPath, args, { ...toolEnvironment(), encoding: "utf8" });
  const lines = run.stdout
    .trim()
    .split("\n")
    .map((line) => parsePromiseLine(line));
  const names = lines.map((line) => (typeof line === "string" ? line : line.name));
  assert.deepEqual(names, listPromises("large-ledger"), run.stderr);
});

test("docs/SPECIFICATION.md names exactly the promises that the benches measure", () => {
  const path = join(REPOSITORY, "docs/SPECIFICATION.md");
  const promised = existsSync(path) ? readPromiseNames(readFileSync(path, "utf8")) : [];
  const measured = listBenches().flatMap((bench) => listPromises(bench));
  assert.deepEqual(promised.toSorted(), measured.toSorted());
  assert.equal(new Set(promised).size, promised.length, "a promise is made once");
});
