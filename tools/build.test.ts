import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { buildLauncher, compileGreeter, GREETING, makeWorkspace } from "./bench-workspace.ts";

let home = "";
let folder = "";
let launcher = "";
let workspace = "";
before(async () => {
  // The package stands where npm would put it, away from the repository, in a folder whose name needs care in a URL.
  home = mkdtempSync(join(tmpdir(), "nightcore build %20 "));
  folder = join(home, "node_modules/nightcore");
  launcher = await buildLauncher(folder);
  workspace = join(home, "workspace");
  makeWorkspace({ launcher, folder: workspace, tenants: 2, module: await compileGreeter() });
});
after(() => {
  rmSync(home, { recursive: true, force: true });
});

const read = (path: string): string => readFileSync(join(folder, path), "utf8");
const nightcoreAt = (start: string, ...args: readonly string[]) =>
  spawnSync(process.execPath, [start, ...args], { cwd: workspace, encoding: "utf8" });
const nightcore = (...args: readonly string[]) => nightcoreAt(launcher, ...args);

test("the package is complete by itself: it names files that are there, and depends on nothing", () => {
  const manifest = JSON.parse(read("package.json")) as { bin: Record<string, string>; files: string[] };
  for (const target of Object.values(manifest.bin)) {
    assert(existsSync(join(folder, target)), target);
    assert(manifest.files.includes(target.split("/")[0] ?? ""), `${target} is published`);
  }
  for (const member of ["imports", "dependencies", "devDependencies", "scripts", "private"])
    assert(!(member in manifest), member);
  assert.match(read("lib/main.cjs"), /BSD-3-Clause/, "the license of what is inside goes with it");
});

test("nothing in it is a source file or a test, and it imports Node's own modules only", () => {
  for (const path of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    assert(!path.endsWith(".ts") || (path.startsWith("lib/types/") && path.endsWith(".d.ts")), path);
    if (!/\.c?js$/.test(path)) continue;
    // As esbuild writes them: a call with one text, or the end of an import at the start of a line.
    const imports = read(path).matchAll(/\b(?:require|import)\("([^"]+)"\)|^(?:import|\} from) .*"([^"]+)";$/gm);
    const names = [...imports].map(([, called, declared]) => called ?? declared ?? "");
    // What a browser loads imports nothing at all.
    if (path.startsWith("lib/verify")) assert.deepEqual(names, [], path);
    else assert(names.length > 0, `${path} imports something`);
    for (const name of names) assert(isBuiltin(name), `${path} imports ${name}`);
  }
});

test("the launcher of the package runs, and says the package's own version", () => {
  const run = nightcore("version", "--json");
  assert.equal(run.status, 0, run.stderr);
  const { version } = JSON.parse(read("package.json")) as { version: string };
  assert.equal((JSON.parse(run.stdout) as { nightcore: string }).nightcore, version);
});

test("it signs, runs and proves in a foreign folder", () => {
  const signed = nightcore("sign", "--dir", "modules/t0001", "--key", "keys/maintainers/admin1.key");
  assert.equal(signed.status, 0, signed.stderr);
  const run = nightcore("run", "t0001");
  assert.equal(run.stdout, GREETING, run.stderr);
  assert.equal(run.status, 0);
  const id = /run ([0-9a-f-]{36});/.exec(run.stderr)?.[1] ?? "";
  const receipt = join(workspace, "receipt.txt");
  writeFileSync(receipt, nightcore("receipt", "show", id).stdout);
  const logKey = nightcore("ledger", "vkey").stdout.trim();
  const verified = nightcore("receipt", "verify", receipt, "--log-key", logKey);
  assert.equal(verified.status, 0, verified.stderr);
  writeFileSync(
    receipt,
    readFileSync(receipt, "utf8").replace(/[A-Za-z](?=[^A-Za-z]*$)/, (letter) => (letter === "A" ? "B" : "A")),
  );
  assert.equal(nightcore("receipt", "verify", receipt, "--log-key", logKey).status, 4, "a changed receipt is refused");
});

test("`run --all` finds the writer's thread, and the ledger verifies", () => {
  const run = nightcore("run", "--all");
  assert.equal(run.status, 0, run.stderr);
  assert.equal(run.stderr.split(GREETING).length - 1, 2);
  assert.equal(nightcore("ledger", "verify").status, 0);
});

test("its sandbox may read the one file of its code, and nothing else", () => {
  const start =
    runWithSandbox(`const may = (what, path) => process.permission === undefined || process.permission.has(what, path);
    if (may("fs.read", ${JSON.stringify(join(home, "node_modules"))}) || may("fs.read", __dirname + "/main.cjs")) process.exit(9);
    if (may("fs.write") || may("child") || may("worker") || may("net") || may("addon")) process.exit(9);`);
  assert.equal(start.stdout, GREETING, start.stderr);
  const planted = runWithSandbox(`if (process.permission.has("fs.read", __filename)) process.exit(9);`);
  assert.equal(planted.status, 1, "what the sandbox says at its start is heard");
});

/** Runs a tenant with a copy of the package whose sandbox begins with other code. */
function runWithSandbox(code: string) {
  const copy = mkdtempSync(join(home, "copy-"));
  cpSync(folder, copy, { recursive: true });
  writeFileSync(join(copy, "lib/sandbox.cjs"), `${code}\n${read("lib/sandbox.cjs")}`);
  return nightcoreAt(join(copy, "bin/nightcore.cjs"), "run", "t0001");
}

test("compiled code is kept beside it for each command and build; what is no such code is replaced", () => {
  const build = /-\$\{"([0-9a-f]{16})"\}/.exec(read("bin/nightcore.cjs"))?.[1] ?? "";
  const kept = join(folder, ".compile-cache", `${process.version}-${process.arch}-${build}`, "version.bin");
  assert.equal(nightcore("version").status, 0);
  const compiled = readFileSync(kept);
  for (const damaged of [Buffer.alloc(0), compiled.subarray(0, compiled.length / 2), Buffer.alloc(compiled.length)]) {
    writeFileSync(kept, damaged);
    const run = nightcore("version");
    assert.equal(run.status, 0, run.stderr);
    assert(readFileSync(kept).length > damaged.length / 2, "it is compiled and kept anew");
    assert(!readFileSync(kept).equals(damaged));
  }
  assert.equal(nightcore("no-such-command").status, 2);
  assert(!existsSync(join(kept, "../no-such-command.bin")), "a word that is no command leaves nothing behind");
});

test("where compiled code cannot be kept, it runs all the same and silently", () => {
  rmSync(join(folder, ".compile-cache"), { recursive: true });
  writeFileSync(join(folder, ".compile-cache"), "no folder can be made here"); // as root, a mode would not hinder
  const run = nightcore("run", "t0001");
  assert.equal(run.status, 0);
  assert.equal(run.stdout, GREETING);
  assert.match(run.stderr, /^ran {9}t0001 [^\n]*\nrun [^\n]*\n$/);
  assert.equal(readFileSync(join(folder, ".compile-cache"), "utf8"), "no folder can be made here");
});
