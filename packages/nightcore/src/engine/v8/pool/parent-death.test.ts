import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

test("sandbox processes end when the worker is killed", async (t) => {
  if (!existsSync("/proc/self/stat")) return t.skip("there is no /proc here");
  const door = join(import.meta.dirname, "..", "index.ts");
  const script = `const { openV8Engine } = await import(${JSON.stringify(door)});
    await openV8Engine({ slots: 2 }); setInterval(() => {}, 1000);
    setTimeout(() => console.log("open"), 500);`;
  const worker = spawn(process.execPath, ["--no-warnings", "--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve) => worker.stdout.once("data", resolve));
  const children = readFileSync(`/proc/${worker.pid}/task/${worker.pid}/children`, "utf8").trim().split(" ");
  assert.equal(children.length, 2);
  worker.kill("SIGKILL");
  const ended = (pid: string): boolean => {
    try {
      return /^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
    } catch {
      return true;
    }
  };
  for (let i = 0; i < 200 && !children.every(ended); i++) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(children.every(ended));
});
