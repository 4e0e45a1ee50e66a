import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { REPOSITORY } from "../tools/repository.ts";
import { judgeEnd, readDocumentedEnds, runHostile } from "./hostile.ts";

test("large hostile guests end as they must, and the host and the next guest do not notice", async () => {
  const said: string[] = [];
  const ended = await runHostile(join(REPOSITORY, "vectors", "hostile"), { filter: "m", say: (line) => said.push(line) });
  assert.ok(ended.length >= 30);
  // On a machine that is busy with other tests, nothing is said about time.
  const failed = ended.filter(({ complaints }) => complaints.some((one) => one !== "too late"));
  assert.deepEqual(failed, []);
  assert.match(said.at(-1) ?? "", /^\d+ passed, \d+ failed$/);
});

test("a guest that ends in another way than is said fails", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-hostile-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "honest.wat"), '(module (func (export "_start")))');
  writeFileSync(join(folder, "trap.wat"), '(module (func (export "_start") unreachable))');
  writeFileSync(join(folder, "expected.json"), JSON.stringify({ honest: { exitCode: 3 }, trap: { fault: "engine/trap" } }));
  const [honest, trap] = await runHostile(folder, { say: () => undefined });
  assert.deepEqual([honest?.complaints, trap?.complaints], [["expected 3"], []]);
});

test("an end that no page names, one that leaves no engine, and one that comes late are complained about", () => {
  assert.ok(readDocumentedEnds().has("engine/trap"));
  const rows: readonly (readonly [end: string, wallMs: number, complaints: readonly string[]])[] = [
    ["0", 1, []],
    ["engine/deadline", 5_100, []],
    ["engine/deadline", 5_101, ["too late"]],
    ["engine/unheard-of", 1, ["engine/unheard-of is not an end that a guest may come to"]],
    ["engine/unavailable", 1, ["engine/unavailable is not an end that a guest may come to"]],
    ["nothing", 1, ["nothing is not an end that a guest may come to"]],
  ];
  for (const [end, wallMs, complaints] of rows) assert.deepEqual(judgeEnd({ end, wallMs }, []), complaints);
});

test("a folder that is not there is a sentence and the usage", () => {
  const hostile = join(REPOSITORY, "test", "hostile.ts");
  for (const folder of ["/nonexistent", hostile]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [hostile, folder], { encoding: "utf8" });
    assert.deepEqual([status, stdout], [2, ""]);
    assert.match(stderr, /^there is no folder .+\nusage: .+\n$/);
  }
});
