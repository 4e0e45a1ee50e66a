import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { REPOSITORY } from "../tools/repository.ts";
import { runHostile } from "./hostile.ts";

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
