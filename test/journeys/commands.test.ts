import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { CATALOG } from "../../packages/nightcore/src/cli/main.ts";
import { LAUNCHER, Workspace } from "./workspace.ts";

function emptyFolder(context: TestContext): Workspace {
  const root = mkdtempSync(join(tmpdir(), "nightcore-commands-"));
  context.after(() => {
    rmSync(root, { recursive: true, force: true });
  });
  return new Workspace(root);
}

test("every command has help with an example, and its example parses", (context) => {
  const here = emptyFolder(context);
  const overview = here.expect(0, "help").stdout;
  for (const { path, example, options } of CATALOG) {
    const name = path.join(" ");
    assert.ok(overview.includes(`  ${name} `), name);
    const help = here.expect(0, ...path, "--help").stdout;
    assert.ok(help.includes(`Example: ${example}`), name);
    for (const option of options) assert.ok(help.includes(`--${option.name}`), `${name} --${option.name}`);
  }
});

test("a word that several commands begin with has help that lists them", (context) => {
  const here = emptyFolder(context);
  const groups = Map.groupBy(CATALOG, ({ path }) => path[0] ?? "");
  for (const [first, specs] of groups) {
    if (specs.some(({ path }) => path.length === 1)) continue; // a command itself, with help of its own
    const help = here.expect(0, first, "--help").stdout;
    assert.equal(here.expect(0, "help", first).stdout, help);
    assert.match(help, new RegExp(`^Usage: nightcore ${first} COMMAND`));
    for (const { path, summary } of specs) assert.ok(help.includes(path.join(" ")) && help.includes(summary), path.join(" "));
  }
});

test("wrong calls: exit code 2, one sentence, and what to do next", (context) => {
  const here = emptyFolder(context);
  const rows: readonly (readonly [args: readonly string[], words: RegExp])[] = [
    [["rum"], /did you mean .*run/],
    [["trust"], /one of: trust add, trust list, trust revoke/],
    [["trust", "ad"], /no command `trust ad`[^]*one of: trust add/],
    [["run", "--bogus"], /bogus/],
    [["run"], /either `--all` or one PATH/],
    [["sign"], /--dir DIR.*--key FILE/],
    [["trust", "add", "k.pub"], /--tenant T/],
    [["trust", "add", "k.pub", "a"], /--tenant T/],
    [["ledger", "vkey", "extra"], /one word too many/],
    [["completion", "tcsh"], /bash, zsh, fish/],
    [["run", "--all", "--parallel", "many"], /whole number/],
    [["run", "--all", "--backend", "firecracker"], /only `wasm`/],
  ];
  for (const [args, words] of rows) {
    const { exit, stderr, stdout } = here.nightcore(...args);
    assert.equal(exit, 2, `${args.join(" ")}: ${stderr}`);
    assert.match(stderr, words, args.join(" "));
    assert.match(stderr, /^error: /);
    assert.equal(stdout, "");
  }
});

test("errors under --json are one document with a code, and nothing else is on stdout", (context) => {
  const here = emptyFolder(context);
  const { error, exit } = here.json<{ readonly error: { readonly code: string; readonly hint: string } }>("run", "--all");
  assert.equal(exit, 5);
  assert.equal(error.code, "workspace/absent");
  assert.match(error.hint, /nightcore init/);
});

test("completions load in their shells and complete", (context) => {
  const here = emptyFolder(context);
  writeFileSync(join(here.root, "c.bash"), here.expect(0, "completion", "bash").stdout);
  const ask = (line: string) => {
    const words = line.split(" ");
    const script = `source ./c.bash; COMP_WORDS=(${words.map((word) => JSON.stringify(word)).join(" ")}); COMP_CWORD=${words.length - 1}; _nightcore; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return spawnSync("bash", ["-c", script], { cwd: here.root, encoding: "utf8" }).stdout.trim().split("\n");
  };
  assert.deepEqual(ask("nightcore ver"), ["verify", "verify-env", "version"]);
  assert.deepEqual(ask("nightcore trust re"), ["revoke"]);
  assert.ok(ask("nightcore run --").includes("--parallel"));
  assert.ok(ask("nightcore trust add --").includes("--tenant"));
  assert.match(here.expect(0, "completion", "zsh").stdout, /^#compdef nightcore/);
  assert.match(here.expect(0, "completion", "fish").stdout, /complete -c nightcore/);
});

test("v39's and v37's spellings are understood", (context) => {
  const workspace = Workspace.make(context);
  workspace.addTenant("hello");
  workspace.signAndTrust("hello");
  workspace.expect(0, "worker", "run", "--dir", "modules/hello");
  workspace.expect(0, "run", "modules/hello/module.wasm");
  assert.match(workspace.expect(0, "run", "--all", "--proof", "--backend", "wasmtime").stderr, /v39's name/);
  workspace.expect(0, "run", "hello", "--vm-timeout", "5");
  workspace.expect(0, "dashboard");
  workspace.expect(0, "inspect", "--dir", "modules/hello");
  workspace.expect(0, "verify-env");
});

test("a terminal is never moved by a guest or a name: escapes are shown, not sent", (context) => {
  const workspace = Workspace.make(context);
  const wasm = `(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\\08\\00\\00\\00\\1a\\00\\00\\00\\1b[2J\\1b]0;owned\\07\\0dran  forged\\0a")
    (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64)))))`;
  workspace.addTenant("evil", { wasm });
  workspace.signAndTrust("evil");
  const { stderr } = workspace.nightcore("run", "--all");
  assert.doesNotMatch(stderr, /[\u001b\u0007\r]/);
  assert.match(stderr, /\\u\{1b\}\[2J/);
});

test("a reader that goes away is no bug", (context) => {
  const here = emptyFolder(context);
  const script = `"${process.execPath}" "${LAUNCHER}" completion fish | head -1`;
  const { stdout, stderr } = spawnSync("bash", ["-c", script], { cwd: here.root, encoding: "utf8" });
  assert.match(stdout, /^# nightcore completion/);
  assert.equal(stderr, "");
});
