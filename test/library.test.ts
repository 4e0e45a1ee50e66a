import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import wabt from "wabt";
import { buildPackage } from "../tools/build.ts";
import { REPOSITORY } from "../tools/repository.ts";

/** A fenced block of docs/engine.md, by the name in its first line. */
type Block = { readonly name: string; readonly text: string };

/** A program of the manual and what it says that this program prints. */
type Example = Block & { readonly prints: string };

const MANUAL = readFileSync(join(REPOSITORY, "docs/engine.md"), "utf8");
const GUESTS = readBlocks(/```wat\n;; (\S+)\n([\s\S]*?)```/g);
const EXAMPLES: readonly Example[] = [...MANUAL.matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/g)].map(
  ([, name = "", text = "", prints = ""]) => ({ name, text, prints }),
);

function readBlocks(pattern: RegExp): readonly Block[] {
  return [...MANUAL.matchAll(pattern)].map(([, name = "", text = ""]) => ({ name, text }));
}

let folder = "";
before(async () => {
  const home = mkdtempSync(join(tmpdir(), "nightcore library %20 "));
  await buildPackage({ folder: join(home, "package") });
  folder = join(home, "embedder");
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  npm(join(home, "package"), "pack", "--pack-destination", home);
  npm(folder, "install", "--offline", "--ignore-scripts", join(home, "nightcore-0.40.0.tgz"));
  const assembler = await wabt();
  for (const { name, text } of GUESTS) {
    const module = assembler.parseWat(name, text);
    writeFileSync(join(folder, name.replace(".wat", ".wasm")), module.toBinary({}).buffer);
    module.destroy();
  }
  for (const { name, text } of EXAMPLES) writeFileSync(join(folder, name), text);
});
after(() => rmSync(join(folder, ".."), { recursive: true, force: true }));

function npm(cwd: string, ...args: readonly string[]): void {
  const run = spawnSync("npm", [...args, "--no-audit", "--no-fund", "--loglevel", "error"], { cwd, encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
}

/** The compiler, told to believe nothing but what is in the folder, and to read declarations as strictly as sources. */
function compile(files: readonly string[], options: Readonly<Record<string, unknown>> = {}) {
  const strict = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false };
  const modules = { target: "esnext", module: "nodenext", types: [], noEmit: true, allowImportingTsExtensions: true };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: { ...strict, ...modules, ...options }, files }));
  return spawnSync("tsc", ["-p", folder], { encoding: "utf8" });
}

test("the manual has a guest and examples, and each example says what it prints", () => {
  assert.ok(GUESTS.length >= 1 && EXAMPLES.length >= 4, "the search itself works");
  assert.equal(EXAMPLES.length, [...MANUAL.matchAll(/```ts\n/g)].length);
});

for (const { name, prints } of EXAMPLES) {
  test(`docs/engine.md: ${name} prints what it says, from the package as npm installs it`, () => {
    const run = spawnSync(process.execPath, [name], { cwd: folder, encoding: "utf8", timeout: 60_000 });
    assert.deepEqual([run.stdout, run.stderr, run.status], [prints, "", 0]);
  });
}

test("the examples fit the types of the package, and what does not fit is refused", () => {
  // Node's own types are the repository's; those of the package stand by themselves.
  mkdirSync(join(folder, "node_modules/@types"), { recursive: true });
  symlinkSync(join(REPOSITORY, "node_modules/@types/node"), join(folder, "node_modules/@types/node"));
  const names = EXAMPLES.map(({ name }) => name);
  // The declarations of Node are read with the library of a browser beside them, and not held to our strictness.
  const fine = compile(names, { types: ["node"], skipLibCheck: true });
  assert.equal(fine.stdout, "");
  const wrong = `import { openEngine } from "nightcore/engine";
    const engine = await openEngine({ processes: "2" });
    (await engine.run({ module: "bytes", capabilities: ["network"] })).exitcode;`;
  writeFileSync(join(folder, "wrong.ts"), wrong);
  const refused = compile(["wrong.ts"]).stdout;
  for (const [line, code] of [
    [2, "TS2322"],
    [3, "TS2322"],
    [3, "TS2551"],
  ] as const)
    assert.match(refused, new RegExp(`wrong\\.ts\\(${line},\\d+\\): error ${code}`));
});

test("the declarations of every door stand by themselves: without Node's types, read strictly, in old and new forms of modules", () => {
  const text = `import { CAPABILITIES, DEFAULT_BUDGETS, openEngine, type GuestOutcome } from "nightcore/engine";
    import { inspectReceipt, nobleCrypto, type Inspection } from "nightcore/verify";
    export const inspection: Inspection = inspectReceipt(new Uint8Array(), { logKey: "" }, nobleCrypto);
    export const outcome: Promise<GuestOutcome> = openEngine().then((engine) => engine.run({ module: new Uint8Array() }));
    export const words: readonly (string | number)[] = [...CAPABILITIES, DEFAULT_BUDGETS.fuel];`;
  writeFileSync(join(folder, "doors.ts"), text);
  const rows: readonly Readonly<Record<string, unknown>>[] = [
    {},
    { target: "es2022", lib: ["es2022"] },
    { module: "esnext", moduleResolution: "bundler" },
  ];
  for (const options of rows) assert.equal(compile(["doors.ts"], options).stdout, "", JSON.stringify(options));
});
