import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { buildPackage } from "./build.ts";
import { REPOSITORY } from "./repository.ts";

let installed = "";
let folder = "";
before(() => {
  // The package stands where npm would put it, away from the repository and next to what it depends on.
  installed = mkdtempSync(join(tmpdir(), "nightcore-build-"));
  folder = join(installed, "node_modules/nightcore");
  buildPackage({ folder });
  cpSync(join(REPOSITORY, "node_modules/smol-toml"), join(installed, "node_modules/smol-toml"), { recursive: true });
});
after(() => {
  rmSync(installed, { recursive: true, force: true });
});

const read = (path: string): string => readFileSync(join(folder, path), "utf8");
const files = (): readonly string[] => readdirSync(folder, { recursive: true, encoding: "utf8" });

test("the package is complete by itself: every door and the launcher name a file that is there", () => {
  const manifest = JSON.parse(read("package.json")) as {
    bin: Record<string, string>;
    imports: Record<string, string>;
    files: string[];
  };
  for (const target of [...Object.values(manifest.imports), ...Object.values(manifest.bin)]) {
    assert(existsSync(join(folder, target)), target);
    assert(manifest.files.includes(target.replace(/^\.\//, "").split("/")[0] ?? ""), `${target} is published`);
  }
  assert(!("devDependencies" in manifest) && !("scripts" in manifest) && !("private" in manifest));
});

test("nothing in it is or imports a source file or a test", () => {
  for (const path of files()) {
    assert(!/\.test\.|(?<!\.d)\.ts$/.test(path), path);
    if (path.endsWith(".js")) assert(!/(?:from|import\()\s*["'][^"']+\.ts["']/.test(read(path)), path);
  }
});

test("the launcher of the package runs, and says the package's own version", () => {
  const launcher = join(folder, "bin/nightcore.js");
  const run = spawnSync(process.execPath, [launcher, "version", "--json"], { cwd: installed, encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
  const { version } = JSON.parse(read("package.json")) as { version: string };
  assert.equal((JSON.parse(run.stdout) as { nightcore: string }).nightcore, version);
});
