import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { openBlobs } from "#store/blobs";

function makeFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-blobs-"));
  context.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

const SIZES = [0, 1, 1000, 64 * 1024, 64 * 1024 + 1, 1_000_000];

for (const size of SIZES) {
  const bytes = Buffer.alloc(size, 7);
  const digest = digestOf(bytes);

  test(`${size} bytes come back, and what is there already is not written again`, (context) => {
    const folder = makeFolder(context);
    const path = join(folder, digest.slice(0, 2), digest.slice(2));
    openBlobs(folder).put(digest, bytes);
    assert.deepEqual(openBlobs(folder).get(digest), bytes);
    const before = statSync(path, { bigint: true });
    openBlobs(folder).put(digest, bytes);
    const after = statSync(path, { bigint: true });
    assert.deepEqual([after.ino, after.mtimeNs], [before.ino, before.mtimeNs]);
  });

  if (size === 0) continue;

  test(`${size} bytes of which a crash of the machine left none are written again`, (context) => {
    const folder = makeFolder(context);
    openBlobs(folder).put(digest, bytes);
    truncateSync(join(folder, digest.slice(0, 2), digest.slice(2)), 0);
    assert.equal(openBlobs(folder).get(digest), undefined);
    openBlobs(folder).put(digest, bytes);
    assert.deepEqual(openBlobs(folder).get(digest), bytes);
  });

  test(`${size} bytes of which one was changed are not handed out`, (context) => {
    const folder = makeFolder(context);
    openBlobs(folder).put(digest, bytes);
    const path = join(folder, digest.slice(0, 2), digest.slice(2));
    const changed = readFileSync(path);
    changed[size - 1] = 8;
    writeFileSync(path, changed);
    assert.equal(openBlobs(folder).get(digest), undefined);
  });
}

test("a digest that is no digest names no file", (context) => {
  const blobs = openBlobs(makeFolder(context));
  for (const name of ["", "../../etc/passwd", "A".repeat(64), "a".repeat(63)]) assert.equal(blobs.get(name), undefined);
});

/** Some small blobs, all different; the first eight of a process become files. */
function makeBlobs(count: number, tag: string): readonly (readonly [digest: string, bytes: Uint8Array])[] {
  return Array.from({ length: count }, (_, n) => {
    const bytes = Buffer.from(`${tag} ${n} ${"x".repeat(n * 37)}`);
    return [digestOf(bytes), bytes] as const;
  });
}

test("a process that keeps many small blobs makes few files, and others find all of them", (context) => {
  const folder = makeFolder(context);
  const all = [...makeBlobs(200, "a"), ...makeBlobs(1, "empty")];
  const writer = openBlobs(folder);
  const reader = openBlobs(folder);
  for (const [digest, bytes] of all) {
    writer.put(digest, bytes);
    for (const side of [writer, reader]) assert.deepEqual(Buffer.from(side.get(digest) ?? []), bytes);
  }
  assert.equal(readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length, 9);
  const packBytes = () => statSync(join(folder, "pack")).size;
  const before = packBytes();
  const again = openBlobs(folder);
  for (const [digest, bytes] of makeBlobs(8, "files first")) again.put(digest, bytes);
  for (const [digest, bytes] of all) again.put(digest, bytes);
  assert.equal(packBytes(), before, "nothing is written twice");
});

test("wherever a crash cuts the pack, what is before the cut is there, and the pack goes on", (context) => {
  const folder = makeFolder(context);
  const all = makeBlobs(12, "a");
  const writer = openBlobs(folder);
  for (const [digest, bytes] of all) writer.put(digest, bytes);
  const pack = readFileSync(join(folder, "pack"));
  const last = all.at(-1) ?? assert.fail();
  const lastAt = pack.length - 36 - last[1].length;
  for (const cut of [0, 1, 35, 36, lastAt, lastAt + 1, lastAt + 36, pack.length - 1]) {
    writeFileSync(join(folder, "pack"), pack.subarray(0, cut));
    const mended = openBlobs(folder);
    const kept = all.slice(8).filter(([digest]) => mended.get(digest) !== undefined);
    if (cut >= lastAt) assert.deepEqual(kept, all.slice(8, -1));
    for (const [digest, bytes] of [...makeBlobs(8, `files ${cut}`), ...all]) mended.put(digest, bytes);
    for (const [digest, bytes] of all) assert.deepEqual(Buffer.from(openBlobs(folder).get(digest) ?? []), bytes, `cut at ${cut}`);
  }
});

test("a byte that was changed anywhere in the pack never hands out other bytes", (context) => {
  const folder = makeFolder(context);
  const all = makeBlobs(12, "a");
  const writer = openBlobs(folder);
  for (const [digest, bytes] of all) writer.put(digest, bytes);
  const pack = readFileSync(join(folder, "pack"));
  for (let at = 0; at < pack.length; at += 7) {
    const changed = Buffer.from(pack);
    changed[at] = (changed[at] ?? 0) ^ 0xff;
    writeFileSync(join(folder, "pack"), changed);
    const reader = openBlobs(folder);
    for (const [digest, bytes] of all) {
      const found = reader.get(digest);
      if (found !== undefined) assert.deepEqual(Buffer.from(found), bytes);
    }
  }
});

test("what is deleted is gone from files and from the pack, and everything else is still there", (context) => {
  const folder = makeFolder(context);
  const blobs = openBlobs(folder);
  const kept: Uint8Array[] = [];
  const gone = new Set<string>();
  let goneBytes = 0;
  for (let n = 0; n < 60; n++) {
    const bytes = Buffer.alloc(n === 7 ? 100_000 : 50 + n, n);
    blobs.put(digestOf(bytes), bytes);
    if (n % 3 === 1) goneBytes += bytes.length;
    if (n % 3 === 1) gone.add(digestOf(bytes));
    else kept.push(bytes);
  }
  assert.deepEqual(blobs.delete(gone), { blobs: gone.size, bytes: goneBytes });
  assert.deepEqual(blobs.delete(gone), { blobs: 0, bytes: 0 });
  for (const reader of [blobs, openBlobs(folder)]) {
    for (const digest of gone) assert.equal(reader.get(digest), undefined);
    for (const bytes of kept) assert.equal(digestOf(reader.get(digestOf(bytes)) ?? Buffer.of()), digestOf(bytes));
  }
  assert.ok(readdirSync(folder).every((name) => !name.endsWith(".next")));
  const again = Buffer.alloc(51, 1);
  blobs.put(digestOf(again), again);
  assert.equal(openBlobs(folder).get(digestOf(again))?.length, 51);
});
