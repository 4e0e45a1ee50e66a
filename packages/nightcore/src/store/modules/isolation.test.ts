import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { type Bytes, type Digest, digestOf, utf8 } from "#core";
import { openVault } from "#store/blobs";
import { sha256 } from "#store/keys";
import { isolateModule, restoreModule } from "#store/modules";

const EVIL = utf8("evil");
const GOOD = utf8("good");
const digest = (bytes: Bytes) => digestOf(sha256, bytes);

function makeRig(context: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-isolation-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const vault = openVault(join(folder, "vault"));
  const isolate = () =>
    isolateModule(folder, 100, {
      blockOf: (one: Digest) => (one === digest(EVIL) ? { block: "1.0", at: "t", reason: "r" } : undefined),
      keep: (one, bytes) => vault.put(one, bytes),
    });
  const put = (name: string, bytes: Bytes) => writeFileSync(join(folder, name), bytes);
  const has = (name: string) => existsSync(join(folder, name));
  return { folder, vault, isolate, put, has };
}

test("what is blocked leaves, and what is not stays", (context) => {
  const { vault, isolate, put, has, folder } = makeRig(context);
  assert.equal(isolate(), undefined, "nothing is there");
  put("module.wasm", GOOD);
  assert.equal(isolate(), undefined);
  assert.ok(has("module.wasm"));
  put("module.wasm", EVIL);
  assert.equal(isolate(), digest(EVIL));
  assert.ok(!has("module.wasm") && !has("module.wasm.leaving"));
  assert.deepEqual(Buffer.from(vault.get(digest(EVIL)) ?? []), Buffer.from(EVIL));
  assert.equal(
    restoreModule(folder, (one) => vault.get(one)),
    digest(EVIL),
  );
  assert.equal(readFileSync(join(folder, "module.wasm"), "utf8"), "evil");
  assert.ok(!has("module.quarantine.json"));
});

test("what died on its way is ended, and what was exchanged meanwhile goes back", (context) => {
  const { isolate, put, has, folder } = makeRig(context);
  put("module.wasm.leaving", EVIL);
  assert.equal(isolate(), digest(EVIL), "renamed, and not yet in the vault");
  put("module.wasm.leaving", EVIL);
  assert.equal(isolate(), digest(EVIL), "in the vault, and not yet removed");
  put("module.wasm.leaving", GOOD);
  assert.equal(isolate(), undefined);
  assert.ok(has("module.wasm") && !has("module.wasm.leaving"));
  // Where something stands already, nothing is replaced.
  put("module.wasm.leaving", EVIL);
  put("module.wasm", GOOD);
  assert.equal(isolate(), digest(EVIL));
  assert.equal(readFileSync(join(folder, "module.wasm"), "utf8"), "good");
  assert.equal(
    restoreModule(folder, () => EVIL),
    digest(EVIL),
  );
  assert.equal(readFileSync(join(folder, "module.wasm"), "utf8"), "good");
});

test("a note that is malformed restores nothing, and a link is not followed", (context) => {
  const { isolate, put, folder } = makeRig(context);
  for (const note of ["", "{", "[]", '{"digest":"zz"}', "x".repeat(9999)]) {
    put("module.quarantine.json", utf8(note));
    assert.equal(
      restoreModule(folder, () => EVIL),
      undefined,
      note.slice(0, 20),
    );
  }
  put("elsewhere", EVIL);
  symlinkSync(join(folder, "elsewhere"), join(folder, "module.wasm"));
  assert.equal(isolate(), undefined);
});

test("the vault hands out only what has its digest", (context) => {
  const { vault, folder } = makeRig(context);
  vault.put(digest(EVIL), EVIL);
  const file = join(folder, "vault", `${digest(EVIL)}.vault`);
  const whole = readFileSync(file);
  for (const spoiled of [
    whole.subarray(1),
    whole.subarray(0, -1),
    Buffer.concat([whole, whole]),
    Buffer.from(EVIL),
    Buffer.alloc(0),
  ]) {
    writeFileSync(file, spoiled);
    assert.equal(vault.get(digest(EVIL)), undefined);
  }
  // What was torn is written again.
  vault.put(digest(EVIL), EVIL);
  assert.equal(vault.get(digest(EVIL))?.length, 4);
  assert.equal(vault.get("../vault"), undefined);
  assert.equal(vault.settledTo, undefined);
  vault.noteSettled(17);
  assert.equal(vault.settledTo, 17);
});
