import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { openSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { coverInherited, readInherited } from "./inherited.ts";

const HERE = join(import.meta.dirname, "inherited.ts");

test("what a supervisor left open is found, and what Node opens is not", (t) => {
  if (process.platform !== "linux") return t.skip("descriptors are listed in /proc on Linux");
  const before = readInherited();
  openSync(import.meta.filename, "r");
  assert.deepEqual(readInherited(), before, "Node marks its own");
  const script = `import(${JSON.stringify(HERE)}).then(({ readInherited }) => console.log(String(readInherited())));`;
  const left = openSync(import.meta.filename, "r");
  const stdio: (number | "ignore" | "pipe" | "inherit")[] = ["ignore", "pipe", "inherit"];
  stdio[20] = left;
  const said = spawnSync(process.execPath, ["--no-warnings", "-e", script], { encoding: "utf8", stdio: filled(stdio) }).stdout;
  assert.ok(said.trim().split(",").includes("20"), said);
});

test("a process that is started holds /dev/null in its place", (t) => {
  if (process.platform !== "linux") return t.skip("descriptors are listed in /proc on Linux");
  const script = `const { readlinkSync } = require("node:fs"); const { spawnSync } = require("node:child_process");
    import(${JSON.stringify(HERE)}).then(({ coverInherited, readInherited }) => {
      const look = (covered) => spawnSync("/bin/readlink", ["/proc/self/fd/20"],
        { encoding: "utf8", stdio: [...coverInherited(["ignore", "pipe", "ignore"], covered)] }).stdout.trim();
      console.log(look([]) + " " + look(readInherited()));
    });`;
  const stdio: (number | "ignore" | "pipe" | "inherit")[] = ["ignore", "pipe", "inherit"];
  stdio[20] = openSync(import.meta.filename, "r");
  const said = spawnSync(process.execPath, ["--no-warnings", "-e", script], { encoding: "utf8", stdio: filled(stdio) }).stdout;
  const [leaking, covered] = said.trim().split(" ");
  assert.equal(leaking, readlinkSync(`/proc/self/fd/${String(stdio[20])}`), "a control: it would be held");
  assert.equal(covered, "/dev/null");
});

test("nothing changes where nothing is inherited, and what is already set stays", () => {
  const own = ["ignore", "pipe"] as const;
  assert.equal(coverInherited(own, []), own);
  assert.equal(coverInherited(own, [1]), own);
});

function filled<Kind>(stdio: readonly (Kind | undefined)[]): (Kind | "ignore")[] {
  return Array.from(stdio, (one) => one ?? "ignore");
}
