import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readArchive } from "../packages/nightcore/src/store/inbox/index.ts";
import { type Packed, packZip } from "./zip-writer.ts";

const MODULE_MAX = 1024 * 1024;
const WASM = Buffer.from("\u0000asm\u0001\u0000\u0000\u0000", "latin1");
const MODULE: Packed = { name: "module.wasm", content: WASM };
const MANIFEST: Packed = { name: "manifest.json", content: "{}" };

const read = (entries: readonly Packed[], said?: number) => readArchive(packZip(entries, said), MODULE_MAX);

test("a submission's files are read, at the root or in one folder, deflated or stored", async () => {
  const shapes: readonly (readonly Packed[])[] = [
    [MODULE, MANIFEST],
    [{ ...MODULE, stored: true }, MANIFEST],
    [
      { name: "greet/", content: "", stored: true, mode: 0o040755 },
      { ...MODULE, name: "greet/module.wasm" },
      { ...MANIFEST, name: "greet/manifest.json" },
    ],
    [
      { ...MODULE, name: "greet/module.wasm", mode: 0 },
      { ...MANIFEST, name: "greet/manifest.json" },
    ],
  ];
  for (const entries of shapes) {
    const found = await read(entries);
    assert.ok(found.ok, JSON.stringify(found));
    assert.deepEqual([...found.value.keys()].toSorted(), ["manifest.json", "module.wasm"]);
    assert.deepEqual(Buffer.from(found.value.get("module.wasm") ?? []), WASM);
  }
});

/** Each trick, and the code that it is refused with. Nothing of a refused archive comes out. */
const REFUSED: readonly (readonly [what: string, entries: readonly Packed[], code: string, said?: number])[] = [
  ["no entries", [], "inbox/archive-without-module"],
  ["no module", [MANIFEST], "inbox/archive-without-module"],
  ["a name that no submission has", [MODULE, { name: "run.sh", content: "" }], "inbox/archive-name-forbidden"],
  ["a way out", [MODULE, { name: "../manifest.json", content: "" }], "inbox/archive-malformed"],
  ["a way out in a folder", [{ name: "a/../../module.wasm", content: WASM }], "inbox/archive-malformed"],
  ["an absolute name", [{ name: "/module.wasm", content: WASM }], "inbox/archive-malformed"],
  ["a drive", [{ name: "C:module.wasm", content: WASM }], "inbox/archive-malformed"],
  ["a backslash", [{ name: "..\\module.wasm", content: WASM }], "inbox/archive-malformed"],
  ["a NUL in the name", [{ name: "module.wasm\u0000.txt", content: WASM }], "inbox/archive-name-forbidden"],
  ["a folder in the folder", [{ name: "a/b/module.wasm", content: WASM }], "inbox/archive-name-forbidden"],
  ["two folders", [MODULE, { name: "b/manifest.json", content: "{}" }], "inbox/archive-name-forbidden"],
  ["capitals", [MODULE, { name: "MANIFEST.json", content: "{}" }], "inbox/archive-name-forbidden"],
  ["a name twice", [MODULE, MODULE], "inbox/archive-name-forbidden"],
  ["a link", [{ ...MODULE, mode: 0o120777 }], "inbox/archive-not-a-file"],
  ["a device", [{ ...MODULE, mode: 0o020666 }], "inbox/archive-not-a-file"],
  ["an encrypted file", [{ ...MODULE, flags: 1 }], "inbox/archive-not-a-file"],
  ["nine entries", Array.from({ length: 9 }, () => MODULE), "inbox/archive-too-many-files"],
  ["65,535 entries that are not there", [MODULE], "inbox/archive-too-many-files", 65_534],
  ["a bomb that says so", [{ name: "module.wasm", content: new Uint8Array(MODULE_MAX + 1) }], "inbox/archive-too-large"],
  [
    "a manifest of a megabyte",
    [MODULE, { name: "manifest.json", content: new Uint8Array(MODULE_MAX) }],
    "inbox/archive-too-large",
  ],
  [
    "a bomb that says less",
    [{ name: "module.wasm", content: new Uint8Array(50 * MODULE_MAX), saidSize: 8 }],
    "inbox/archive-malformed",
  ],
  ["less than it says", [{ ...MODULE, saidSize: 9 }], "inbox/archive-malformed"],
  ["another check sum", [{ ...MODULE, saidCrc: 1 }], "inbox/archive-malformed"],
];

for (const [what, entries, code, said] of REFUSED) {
  test(`${what}: ${code}`, async () => {
    const found = await read(entries, said);
    assert.ok(!found.ok, what);
    assert.equal(found.fault.code, code, found.fault.detail);
    assert.doesNotMatch(found.fault.detail, /\p{Cc}/u, "a name is told without what could move a cursor");
  });
}

test("arbitrary bytes are refused and nothing throws", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
      assert.equal((await readArchive(bytes, MODULE_MAX)).ok, false);
    }),
  );
});

test("an archive that is cut, or has other bytes somewhere, is refused or gives what was packed", async () => {
  const whole = packZip([
    { name: "x/module.wasm", content: WASM },
    { name: "x/manifest.json", content: '{"a":1}' },
  ]);
  const packed = new Map([
    ["module.wasm", WASM.toString("latin1")],
    ["manifest.json", '{"a":1}'],
  ]);
  const change = fc.record({
    at: fc.nat(whole.length - 1),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 6 }),
    cut: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(change, async ({ at, bytes, cut }) => {
      const other = cut ? whole.slice(0, at) : whole.slice();
      if (!cut) other.set(bytes.subarray(0, whole.length - at), at);
      const found = await readArchive(other, MODULE_MAX);
      if (!found.ok) return;
      for (const [name, content] of found.value) assert.equal(Buffer.from(content).toString("latin1"), packed.get(name), name);
    }),
    // A check sum of 32 bits meets another one now and then: a seed that is known not to.
    { numRuns: 400, seed: 4711 },
  );
});
