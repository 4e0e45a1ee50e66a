import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { ROOMS } from "../tools/rooms.ts";
import { REPOSITORY, toolEnvironment } from "../tools/repository.ts";

/** Runs a tool of the house on one planted file of a room, under the house's own configuration, and returns what it prints. */
function runPlanted(context: TestContext, room: string, text: string, command: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-fences-"));
  context.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  for (const name of [".oxlintrc.json", "tsconfig.base.json", "tsconfig.pure.json"])
    cpSync(join(REPOSITORY, name), join(folder, name));
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ extends: "./tsconfig.base.json", include: ["packages/**/*.ts"] }),
  );
  const globals = "packages/nightcore/src/pure-globals.d.ts";
  const path = join(folder, `packages/nightcore/src/${room}/planted.ts`);
  mkdirSync(dirname(path), { recursive: true });
  cpSync(join(REPOSITORY, globals), join(folder, globals));
  writeFileSync(path, text);
  const [tool = "", ...args] = command;
  const { stdout, stderr, error } = spawnSync(tool, args, { ...toolEnvironment(), cwd: folder, encoding: "utf8" });
  assert.equal(error, undefined);
  return stdout + stderr;
}

test("the compiler keeps the platform out of a pure room", (context) => {
  const rows: readonly (readonly [power: string, text: string])[] = [
    ["process", "export const a = process.env;"],
    ["console", "console.log(1);"],
    ["timers", "setTimeout(() => 1, 1);"],
    ["network", `export const a = fetch("x");`],
    ["Buffer", "export const a = Buffer.from([]);"],
    ["Web Crypto", "export const a = crypto.getRandomValues;"],
    ["node: modules", `export { readFileSync } from "node:fs";`],
  ];
  const all = rows.map(([, text]) => text).join("\n");
  const output = runPlanted(context, "core", all, ["tsc", "-p", "tsconfig.pure.json"]);
  for (const [at, [power]] of rows.entries()) assert(output.includes(`planted.ts(${at + 1},`), `${power}: ${output}`);
});

test("the linter sees the bugs that it is here for", (context) => {
  const rows: readonly (readonly [rule: string, text: string])[] = [
    ["no-floating-promises", "export async function f(): Promise<void> {}\nf();"],
    ["no-misused-promises", "export const g = [1].filter(async () => true);"],
    ["await-thenable", "export async function h(): Promise<void> { await 1; }"],
    ["switch-exhaustiveness-check", `export function i(s: "a" | "b"): void { switch (s) { case "a": } }`],
    ["no-explicit-any", "export const j: any = 1;"],
    ["no-unsafe-assignment", `export const k = { a: JSON.parse("1") }; const l: string = JSON.parse("1"); void l;`],
    ["no-unsafe-member-access", `export const m: unknown = JSON.parse("1").x;`],
    ["eqeqeq", "export const n = (x: number): boolean => x == 1;"],
    ["no-console", "console.log(1);"],
    ["no-restricted-properties", "export const o = Date.now();"],
    ["no-restricted-properties", "export const p = Math.random();"],
    ["no-restricted-globals", "export const q = process;"],
    ["no-new-func", `export const r = new Function("return 1");`],
  ];
  for (const [rule, text] of rows) {
    const output = runPlanted(context, "report", `${text}\n`, ["oxlint", "-f", "unix"]);
    assert(output.includes(`(${rule})`), `${rule}: ${output}`);
  }
});

test("the linter counts the same rooms as pure that the table does", () => {
  const configuration = readFileSync(join(REPOSITORY, ".oxlintrc.json"), "utf8");
  const listed = /src\/\{([a-z/,]+)\}\/\*\*/.exec(configuration)?.[1]?.split(",") ?? [];
  assert.deepEqual(
    listed.toSorted(),
    ROOMS.filter((room) => room.pure)
      .map((room) => room.name)
      .toSorted(),
  );
});
