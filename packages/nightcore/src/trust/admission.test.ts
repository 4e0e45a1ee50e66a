import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { admitModule, RecentShapes } from "./admission.ts";
import { digestBytes } from "./evidence.ts";

const sha256 = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();
const digested = (bytes: readonly number[]) => digestBytes(new Uint8Array(bytes), { sha256, verifyEd25519: () => false });

const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const MEMORY = [...HEADER, 5, 3, 1, 0, 1];

test("what was admitted is not parsed again, and everything else is", () => {
  const recent = new RecentShapes();
  const admit = (bytes: readonly number[], bytesMax = 100) => admitModule(digested(bytes), bytesMax, recent);
  const first = admit(MEMORY);
  const again = admit(MEMORY);
  assert.ok(first.ok && again.ok);
  assert.equal(first.value.shape, again.value.shape);
  assert.notEqual(first.value.module, again.value.module, "the bytes are those that were read now");
  const rows: readonly (readonly [attack: string, bytes: readonly number[]])[] = [
    ["a byte more", [...MEMORY, 0]],
    ["a byte less", MEMORY.slice(0, -1)],
    ["another version", MEMORY.with(4, 2)],
    ["another section", MEMORY.with(8, 14)],
  ];
  for (let n = 0; n < 2; n++) for (const [attack, bytes] of rows) assert.ok(!admit(bytes).ok, attack);
  assert.equal(admit(HEADER, 7).ok, false, "over the limit");
  assert.ok(admit(HEADER).ok, "what was refused is not kept");
});

test("shapes are forgotten, and made again", () => {
  const recent = new RecentShapes();
  for (let round = 0; round < 2; round++) {
    for (let n = 0; n < 250; n++) {
      const named = [...HEADER, 0, 3, 2, 0x61 + (n >> 6), n & 63];
      const admitted = admitModule(digested(named), 100, recent);
      const plain = admitModule(digested(named), 100);
      assert.ok(admitted.ok && plain.ok);
      assert.deepEqual(admitted.value.shape, plain.value.shape);
    }
  }
});
