import assert from "node:assert/strict";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { ModuleFiles, ModuleSource } from "#ports";
import { openModuleFolder } from "#store/modules";

const LIMIT = 100;
const HOUR_MS = 3_600_000;

/** A module folder under a clock that is ahead of its files, so that their times are settled, or that is not. */
function makeRig(context: TestContext) {
  const root = mkdtempSync(join(tmpdir(), "nightcore-folder-"));
  context.after(() => rmSync(root, { recursive: true, force: true }));
  const folder = join(root, "modules", "acme");
  mkdirSync(folder, { recursive: true });
  const put = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  put("module.wasm", "one");
  put("manifest.json", "{}");
  const opened = openModuleFolder(root, "modules/acme", LIMIT);
  assert.ok(opened.ok);
  context.mock.timers.enable({ apis: ["Date"], now: Date.now() + HOUR_MS });
  return { root, folder, put, source: opened.value };
}

const shown = (files: ModuleFiles): unknown => ({
  wasm: files.wasm.ok ? Buffer.from(files.wasm.value).toString() : files.wasm.fault.code,
  manifest: files.manifest && Buffer.from(files.manifest).toString(),
  envelope: files.envelope && Buffer.from(files.envelope).toString(),
});

test("files that nobody touches are read once", (context) => {
  const { source } = makeRig(context);
  const first = source.read();
  assert.deepEqual(shown(first), { wasm: "one", manifest: "{}", envelope: undefined });
  assert.equal(source.read(), first);
});

test("who reads at the same moment shares one look, and the next moment has its own", async (context) => {
  const { put, source } = makeRig(context);
  const first = source.read();
  assert.equal(source.read(), first);
  put("module.wasm", "two");
  assert.equal(source.read(), first, "nothing ran in between but this test itself");
  await Promise.resolve();
  assert.deepEqual(shown(source.read()), { wasm: "two", manifest: "{}", envelope: undefined });
});

test("files that were written to a moment ago are read again, because a second change may have the time of the first", (context) => {
  const { source } = makeRig(context);
  context.mock.timers.setTime(Date.now() - HOUR_MS);
  const first = source.read();
  assert.notEqual(source.read(), first);
  context.mock.timers.setTime(Date.now() - HOUR_MS);
  assert.notEqual(source.read(), source.read(), "nor are times of the future believed");
});

type Rig = ReturnType<typeof makeRig>;
const CHANGES: readonly (readonly [what: string, change: (rig: Rig) => void, wasm: string])[] = [
  ["other bytes of the same length", ({ put }) => put("module.wasm", "two"), "two"],
  [
    "other bytes of the same length, with the time of before put back",
    ({ folder, put }) => {
      const { atime, mtime } = statSync(join(folder, "module.wasm"));
      put("module.wasm", "two");
      utimesSync(join(folder, "module.wasm"), atime, mtime);
    },
    "two",
  ],
  [
    "another file under its name, as old as the one before",
    ({ root, folder }) => {
      const { atime, mtime } = statSync(join(folder, "module.wasm"));
      writeFileSync(join(root, "new"), "two");
      utimesSync(join(root, "new"), atime, mtime);
      renameSync(join(root, "new"), join(folder, "module.wasm"));
    },
    "two",
  ],
  ["no module", ({ folder }) => rmSync(join(folder, "module.wasm")), "source/module-missing"],
  [
    "a link in its place",
    ({ root, folder }) => {
      renameSync(join(folder, "module.wasm"), join(root, "old"));
      symlinkSync(join(root, "old"), join(folder, "module.wasm"));
    },
    "source/not-a-file",
  ],
  [
    "another folder in the place of its folder",
    ({ root, folder }) => {
      renameSync(folder, join(root, "old"));
      mkdirSync(folder);
      linkSync(join(root, "old", "module.wasm"), join(folder, "module.wasm"));
      linkSync(join(root, "old", "manifest.json"), join(folder, "manifest.json"));
    },
    "one",
  ],
  ["evidence that was not there", ({ put }) => put("module.dsse.json", "signed"), "one"],
  ["evidence that is there no more", ({ folder }) => rmSync(join(folder, "manifest.json")), "one"],
  ["a manifest that grew over its limit", ({ put }) => put("manifest.json", "x".repeat(200_000)), "one"],
];

for (const [what, change, wasm] of CHANGES) {
  test(`${what}: the files are read again`, (context) => {
    const rig = makeRig(context);
    const first = rig.source.read();
    change(rig);
    const second = rig.source.read();
    assert.notEqual(second, first);
    assert.equal((shown(second) as { wasm: string }).wasm, wasm);
    assert.deepEqual(shown(second), shown(freshly(rig)), "what whoever opens the folder now reads");
  });
}

function freshly({ root }: Rig): ModuleFiles {
  const opened: { ok: boolean; value?: ModuleSource } = openModuleFolder(root, "modules/acme", LIMIT);
  assert.ok(opened.value !== undefined);
  return opened.value.read();
}

test("evidence that could not be read is read when it can be", (context) => {
  const { folder, put, source } = makeRig(context);
  rmSync(join(folder, "manifest.json"));
  mkdirSync(join(folder, "manifest.json")); // no file, for root as well
  const first = source.read();
  assert.equal(first.manifest, undefined);
  rmSync(join(folder, "manifest.json"), { recursive: true });
  put("manifest.json", "{}");
  assert.deepEqual(shown(source.read()), { wasm: "one", manifest: "{}", envelope: undefined });
});

test("who may read evidence is part of its status", (context) => {
  if (process.getuid?.() === 0) context.diagnostic("root reads everything; the bytes are compared all the same");
  const { folder, source } = makeRig(context);
  chmodSync(join(folder, "manifest.json"), 0o000);
  source.read();
  chmodSync(join(folder, "manifest.json"), 0o644);
  assert.deepEqual(shown(source.read()), { wasm: "one", manifest: "{}", envelope: undefined });
});
