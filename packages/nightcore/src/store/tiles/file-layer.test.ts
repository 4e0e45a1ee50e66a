import assert from "node:assert/strict";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, mock, test } from "node:test";
import { nodeFiles } from "./file-layer.ts";

const folder = fs.mkdtempSync(join(tmpdir(), "nightcore-files-"));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

const bytesOf = (length: number) => Buffer.from(Array.from({ length }, (_, i) => (i * 7) % 253));

// Around a block, around where files go past the page cache, around a stage, and several of them.
const LENGTHS = [0, 1, 4_096, 65_535, 65_536, 65_537, 262_145, 1_048_575, 1_048_576, 1_048_577, 3_000_001];

test("a file is created with exactly its bytes, of whatever length, several at once", async () => {
  await Promise.all(LENGTHS.map((length) => nodeFiles.createFlushed(join(folder, `one-${length}`), bytesOf(length))));
  for (const length of LENGTHS) assert.ok(fs.readFileSync(join(folder, `one-${length}`)).equals(bytesOf(length)), `${length}`);
});

test("a file that is there is refused and left as it is", async () => {
  for (const length of [10, 100_000]) {
    const path = join(folder, `there-${length}`);
    fs.writeFileSync(path, "before");
    await assert.rejects(nodeFiles.createFlushed(path, bytesOf(length)), { code: "EEXIST" });
    assert.equal(fs.readFileSync(path, "utf8"), "before");
  }
});

test("zeros are written to the last byte", async () => {
  const path = join(folder, "zeros");
  await nodeFiles.zeroFill(path, 2_500_000);
  assert.ok(fs.readFileSync(path).equals(Buffer.alloc(2_500_000)));
});

// Last, since whoever was refused once does not ask again.
test("where a file system refuses to write past the page cache, files go through it", async () => {
  const genuine = fs.write;
  const refused = mock.method(fs, "write", ((...parameters: Parameters<typeof fs.write>) => {
    const done = parameters.at(-1) as (error: Error) => void;
    if (refused.mock.callCount() === 0) done(Object.assign(new Error("EINVAL"), { code: "EINVAL" }));
    else genuine(...parameters);
  }) as typeof fs.write);
  try {
    await nodeFiles.createFlushed(join(folder, "cached"), bytesOf(100_001));
    assert.ok(fs.readFileSync(join(folder, "cached")).equals(bytesOf(100_001)));
    assert.ok(refused.mock.callCount() >= 2);
  } finally {
    refused.mock.restore();
  }
});
