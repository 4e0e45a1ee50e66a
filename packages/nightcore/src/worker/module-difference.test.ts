import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import wabt from "wabt";
import { sha256 } from "#store/keys";
import { compareModules, type ModuleProfile, profileModule } from "./module-difference.ts";

const assembler = await wabt();

function assemble(text: string): Uint8Array {
  const module = assembler.parseWat("m.wat", text);
  try {
    return new Uint8Array(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}

function profile(text: string): ModuleProfile {
  const profiled = profileModule(assemble(text), { sha256 });
  assert.ok(profiled.ok, text);
  return profiled.value;
}

const differ = (before: string, after: string) => compareModules(profile(before), profile(after));

const LOG = '(import "env" "log" (func $log (param i32)))';
const HELP = "(func $help (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))";
const RUN = '(func (export "run") (call $log (call $help (i32.const 1))))';
const BASE = `(module ${LOG} ${HELP} ${RUN})`;

test("what is the same is the same, and each change is named", () => {
  const none = { added: [], removed: [] };
  const rows: readonly (readonly [what: string, after: string, change: object])[] = [
    ["nothing", BASE, { functions: { ...none, changed: [], unchanged: 2 }, imports: none, exports: none, sections: [] }],
    [
      "an import more, in front: no body looks changed",
      `(module (import "env" "first" (func)) ${LOG} ${HELP} ${RUN})`,
      { functions: { ...none, changed: [], unchanged: 2 }, imports: { added: ["env.first () -> ()"], removed: [] } },
    ],
    [
      "a type more, in front",
      `(module (type (func (param f64 f64))) ${LOG} ${HELP} ${RUN})`,
      { functions: { ...none, changed: [], unchanged: 2 } },
    ],
    [
      "one constant",
      BASE.replace("(i32.const 1)))", "(i32.const 2)))"),
      { functions: { ...none, changed: ["#0"], unchanged: 1 } },
    ],
    [
      "another import is called in its place",
      `(module (import "env" "leak" (func $log (param i32))) ${HELP} ${RUN})`,
      {
        functions: { ...none, changed: ["run"], unchanged: 1 },
        imports: { added: ["env.leak (i32) -> ()"], removed: ["env.log (i32) -> ()"] },
      },
    ],
    [
      "a function more",
      `(module ${LOG} ${HELP} ${RUN} (func (export "more")))`,
      {
        functions: { added: ["more"], removed: [], changed: [], unchanged: 2 },
        exports: { added: ["function more"], removed: [] },
      },
    ],
    [
      "a function less",
      `(module ${LOG} (func (export "run") (call $log (i32.const 1))))`,
      { functions: { added: [], removed: ["#0"], changed: ["run"], unchanged: 0 } },
    ],
    [
      "the same function twice",
      `(module ${LOG} ${HELP} ${RUN} ${HELP.replace("$help", "")})`,
      { functions: { added: ["#2"], removed: [], changed: [], unchanged: 2 } },
    ],
    ["data", `(module ${LOG} ${HELP} ${RUN} (memory 1) (data (i32.const 0) "x"))`, { sections: ["data", "memories"] }],
  ];
  for (const [what, after, change] of rows) {
    const found = differ(BASE, after) as unknown as Record<string, unknown>;
    for (const [name, value] of Object.entries(change)) assert.deepEqual(found[name], value, `${what}: ${name}`);
  }
});

test("an indirect call of another type, and a block of another type, are changes", () => {
  const table = "(type $a (func (param i32))) (type $b (func (param i32 i32))) (table 1 funcref)";
  const indirect = (type: string, rest = "") =>
    `(module ${table} (func (call_indirect (type ${type}) (i32.const 0) ${rest} (i32.const 0))))`;
  assert.deepEqual(differ(indirect("$a"), indirect("$b", "(i32.const 0)")).functions.changed, ["#0"]);
  const block = (result: string, value: string) => `(module (func (block (result ${result}) ${value}) (drop)))`;
  assert.deepEqual(differ(block("i32", "(i32.const 1)"), block("i64", "(i64.const 1)")).functions.changed, ["#0"]);
});

test("arbitrary bytes have no profile and never throw", () => {
  const anything = fc.uint8Array({ maxLength: 200 });
  fc.assert(fc.property(anything, (bytes) => assert.equal(profileModule(bytes, { sha256 }).ok, false)));
});

test("every flip of a byte that leaves a module is seen somewhere in the comparison", () => {
  const text = `(module ${LOG} ${HELP} ${RUN} (memory 1) (data (i32.const 0) "secret"))`;
  const bytes = assemble(text);
  const before = profile(text);
  let compared = 0;
  for (let at = 0; at < bytes.length; at++) {
    for (let flip = 1; flip < 256; flip++) {
      const other = bytes.slice();
      other[at] = (other[at] ?? 0) ^ flip;
      const profiled = profileModule(other, { sha256 });
      if (!profiled.ok) continue;
      const { imports, exports, functions, sections } = compareModules(before, profiled.value);
      const lists = [imports.added, exports.added, functions.changed, functions.added, functions.removed, sections];
      assert.ok(
        lists.some((list) => list.length > 0),
        `byte ${at} with ${flip}`,
      );
      compared++;
    }
  }
  assert.ok(compared > 1000, "the search itself works");
});
