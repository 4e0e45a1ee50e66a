import assert from "node:assert/strict";
import { test } from "node:test";
import { doorOf, ROOMS, ROOMS_FOLDER } from "../tools/rooms.ts";
import { encodeFinding } from "../tools/tidy/finding.ts";
import { readTableFindings } from "../tools/tidy/table-rules.ts";
import { readTree } from "../tools/tidy/tree.ts";
import { readFindings } from "../tools/tidy.ts";

const SRC = ROOMS_FOLDER;
const lines = (count: number): string => "  void 0;\n".repeat(count);
// In pieces, because the rule reads this file too.
const host = ["registry", "example", "org"].join(".");
const resolved = JSON.stringify(["resol", "ved"].join(""));
const folder = (name: string): string => ["", name, "main"].join("/");

/** Each row plants one violation in one file; the rule that must fire, and what is planted. */
const PLANTED: readonly (readonly [rule: string, path: string, text: string])[] = [
  ["import-not-allowed", `${SRC}/trust/a.ts`, `import { x } from "#ledger";`],
  ["import-not-allowed", `${SRC}/trust/a.ts`, `import type { X } from "#worker";`],
  ["import-not-allowed", `${SRC}/trust/a.ts`, `export { x } from "#state";`],
  ["import-not-allowed", `${SRC}/trust/a.ts`, `await import("#engine/v8");`],
  ["import-not-allowed", `${SRC}/trust/a.ts`, `let x: import("#store/keys").X;`],
  ["import-not-allowed", `${SRC}/worker/a.ts`, `import { open } from "#store/tiles";`],
  ["import-not-allowed", `${SRC}/engine/v8/a.ts`, `import { run } from "#worker";`],
  ["import-not-allowed", `${SRC}/core/a.ts`, `import { ok } from "#core";`],
  ["behind-the-door", `${SRC}/trust/a.ts`, `import { ok } from "#core/result";`],
  ["behind-the-door", `${SRC}/trust/a.ts`, `import { ok } from "#nowhere";`],
  ["behind-the-door", "tools/a.ts", `import { ok } from "../${SRC}/core/result.ts";`],
  ["behind-the-door", "test/journeys/a.test.ts", `import { ok } from "../../${SRC}/core/result.ts";`],
  ["relative-leaves-room", `${SRC}/trust/a.ts`, `import { ok } from "../core/index.ts";`],
  ["relative-leaves-room", `${SRC}/store/keys/a.ts`, `import { open } from "../tiles/index.ts";`],
  ["relative-leaves-room", `${SRC}/trust/a.test.ts`, `import { root } from "../../../../tools/rooms.ts";`],
  ["power-not-granted", `${SRC}/trust/a.ts`, `import { hash } from "node:crypto";`],
  ["power-not-granted", `${SRC}/store/sqlite/a.ts`, `import { connect } from "node:net";`],
  ["power-not-granted", `${SRC}/trust/a.ts`, `const fs = require("node:fs");`],
  ["package-not-granted", `${SRC}/trust/a.ts`, `import { parse } from "smol-toml";`],
  ["package-not-granted", `${SRC}/store/keys/a.ts`, `import { readFileSync } from "fs";`],
  ["default-export", `${SRC}/core/a.ts`, `export default 3;`],
  ["default-export", `${SRC}/core/a.ts`, `/** Docs. */\nexport default function f(): void {}`],
  ["enum", `${SRC}/core/a.ts`, `enum Colour { Red }`],
  ["namespace", `${SRC}/core/a.ts`, `namespace Colours { const red = 1; }`],
  ["interface", `${SRC}/core/a.ts`, `interface Colour { red: number }`],
  ["export-star", `${SRC}/core/a.ts`, `export * from "./b.ts";`],
  ["export-star", `${SRC}/core/a.ts`, `export * as b from "./b.ts";`],
  ["door-paragraph-missing", `${SRC}/state/index.ts`, `export { a } from "./a.ts";`],
  ["door-paragraph-missing", `${SRC}/guardian/index.ts`, `/** Decides. */\nexport { a } from "./a.ts";`],
  ["file-too-long", `${SRC}/core/a.ts`, lines(401)],
  ["function-too-long", `${SRC}/core/a.ts`, `function f() {\n${lines(70)}}`],
  ["function-too-long", `${SRC}/core/a.ts`, `class A {\n  f() {\n${lines(70)}}\n}`],
  ["function-too-long", `${SRC}/core/a.ts`, `const f = () => {\n${lines(70)}};`],
  ["function-too-long", `${SRC}/core/a.test.ts`, `test("x", () => {\n${lines(70)}});`],
  ["file-name", `${SRC}/core/fuelMeter.ts`, `const a = 1;`],
  ["file-name", `${SRC}/core/fuel_meter.ts`, `const a = 1;`],
  ["file-name", `${SRC}/core/helpers.ts`, `const a = 1;`],
  ["file-name", `tools/string-utils.ts`, `const a = 1;`],
  ["docstring-missing", `${SRC}/core/a.ts`, `export function f(): void {}`],
  ["docstring-missing", `${SRC}/core/a.ts`, `// not a docstring\nexport const a = 1;`],
  ["docstring-missing", `${SRC}/core/a.ts`, `export type Colour = "red";`],
  ["docstring-missing", `${SRC}/core/a.ts`, `export class Colour {}`],
  ["machine-path", "README.md", `cd ${folder("work")} && npm test`],
  ["machine-path", "docs/a.md", `the key is in ${folder("root")}/x`],
  ["registry-host", "docs/a.md", `from https://${host}/x`],
  ["registry-host", "package-lock.json", `{ ${resolved}: "https://x/y.tgz" }`],
  ["bidi-control", "docs/a.md", "access\u202e level"],
  ["bidi-control", `${SRC}/core/a.ts`, `const a = "\u2066x";`],
  ["invisible-character", `${SRC}/core/a.ts`, `const a = "x\u200bx";`],
  ["invisible-character", `${SRC}/core/a.ts`, `const a =\u00a01;`],
  ["lookalike", `${SRC}/core/a.ts`, `const \u0430dmin = 1;`],
  ["lookalike", `${SRC}/core/a.ts`, `const a = "\uff53cript";`],
  ["lookalike", `${SRC}/core/a.ts`, `const a = "\u{1d41a}dmin";`],
];

/** What is allowed though it stands near a rule: a rule that fires on everything proves as little as one that never does. */
const INNOCENT: readonly (readonly [path: string, text: string])[] = [
  [`${SRC}/trust/a.ts`, `import { ok } from "#core";\nimport { b } from "./b.ts";`],
  [
    `${SRC}/trust/a.test.ts`,
    `import { test } from "node:test";\nimport { sha256 } from "#store/keys";\nimport fc from "fast-check";`,
  ],
  [
    `${SRC}/core/a.ts`,
    `export type ColourFault = { readonly code: "core/colour" };\nexport const A_MAX = 1; // LIMIT: one is enough`,
  ],
  [`${SRC}/core/a.ts`, `/** All. */\nexport const ALL = ["a"] as const;\nexport type One = (typeof ALL)[number];`],
  [`${SRC}/core/a.ts`, `function f() {\n${lines(68)}}`],
  [
    `${SRC}/core/a.ts`,
    `switch (1) {\n  default:\n    void 0;\n}\nconst text = "export default enum \u0394 caf\u00e9 \u4eac \u2014 \u2026";`,
  ],
  ["tools/a.ts", `import { ok } from "../${SRC}/core/index.ts";`],
  ["docs/a.md", "framework/main, /workers, network/root-cause"],
];

/** A tree with nothing wrong in it: a door for each room, and the two files that must agree with the table. */
function readHouse(): Map<string, string> {
  const paragraph = `/** ${"This room decides something and says so here. ".repeat(4)}*/\n`;
  const include = ROOMS.filter((room) => room.pure).map((room) => `${SRC}/${room.name}/**/*.ts`);
  const doors = ROOMS.filter((room) => room.door === "index.ts");
  const imports = Object.fromEntries(doors.map((room) => [`#${room.name}`, `./src/${room.name}/index.ts`]));
  return new Map([
    ...ROOMS.map((room) => [doorOf(room), paragraph] as const),
    ["tsconfig.pure.json", JSON.stringify({ include })],
    ["packages/nightcore/package.json", JSON.stringify({ imports })],
  ]);
}

/** Plants each text in one house, under a name of its own, and returns the rules that fired by the name. */
function plant(texts: readonly (readonly [path: string, text: string])[]): readonly (readonly string[])[] {
  const tree = readHouse();
  const paths = texts.map(([path], row) => path.replace(/\/a(\.test)?\.(ts|md)$/, `/row-${row}$1.$2`));
  for (const [row, path] of paths.entries()) tree.set(path, texts[row]?.[1] ?? "");
  const findings = readFindings(tree);
  assert(findings.every((finding) => paths.includes(finding.path)));
  return paths.map((path) => findings.filter((finding) => finding.path === path).map((finding) => finding.rule));
}

test("each planted violation is found, and nothing else beside it", () => {
  const found = plant(PLANTED.map(([, path, text]) => [path, text]));
  for (const [row, [rule, path, text]] of PLANTED.entries()) {
    assert.deepEqual([...new Set(found[row])], [rule], `${path}: ${text.slice(0, 80)}`);
  }
});

test("what the rules allow is left alone", () => {
  const found = plant(INNOCENT);
  for (const [row, [path, text]] of INNOCENT.entries()) assert.deepEqual(found[row], [], `${path}: ${text.slice(0, 80)}`);
});

test("the table is held to itself and to what repeats it", () => {
  const [core, wasm] = ROOMS;
  assert(core !== undefined && wasm !== undefined);
  const rules = (rooms: typeof ROOMS, changes: Readonly<Record<string, string>> = {}): readonly string[] =>
    readTableFindings(new Map([...readHouse(), ...Object.entries(changes)]), rooms).map((finding) => finding.rule);
  assert.deepEqual(rules(ROOMS), []);
  assert(rules([{ ...core, opens: ["wasm"] }, wasm]).includes("table-order"), "a room that opens one below it");
  assert(rules([{ ...core, powers: ["fs"] }]).includes("table-order"), "a pure room with a power");
  assert.deepEqual(rules(ROOMS, { [`${SRC}/attic/a.ts`]: "" }), ["no-room"]);
  assert(rules(ROOMS, { "tsconfig.pure.json": "{}" }).every((rule) => rule === "pure-compilation"));
  assert.equal(rules(ROOMS, { "tsconfig.pure.json": "{}" }).length, ROOMS.filter((room) => room.pure).length);
  const powerful = { "tsconfig.pure.json": JSON.stringify({ include: [`${SRC}/cli/**/*.ts`] }) };
  assert(rules(ROOMS, powerful).length > rules(ROOMS, { "tsconfig.pure.json": "{}" }).length, "a powerful room compiled as pure");
  const misled = { "packages/nightcore/package.json": JSON.stringify({ imports: { "#core": "./src/ports/index.ts" } }) };
  assert.deepEqual([...new Set(rules(ROOMS, misled))], ["door-map"]);
  const doorless = new Map([[`${SRC}/state/a.ts`, ""]]);
  assert(readTableFindings(doorless, ROOMS).some((finding) => finding.rule === "door-missing"));
});

test("this repository is tidy", () => {
  const findings = readFindings(readTree(new URL("..", import.meta.url).pathname));
  assert.equal(findings.map(encodeFinding).join("\n"), "");
});
