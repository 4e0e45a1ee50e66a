import assert from "node:assert/strict";
import { cpSync, existsSync, globSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { test, type TestContext } from "node:test";
import { digestOf, utf8 } from "#core";
import { encodeStatement } from "#attest";
import { encodeVkey, makeLogKey, makeTreeHash, verifyInclusion, verifyReceipt } from "#ledger";
import { privateKeyObject, publicKeyOf, sha256, verifyEd25519 } from "#store/keys";
import { readProof, readReceipt } from "./proof.ts";
import { openLedgerReader, type TilesReader } from "./reader.ts";
import { verifyLedger } from "./verification.ts";
import { openLedgerWriter } from "./writer.ts";

const ORIGIN = "log.test/tiles";
const KEY = privateKeyObject(new Uint8Array(32).fill(8));
const made = makeLogKey(sha256, ORIGIN, publicKeyOf(KEY));
assert.ok(made.ok);
const VKEY = encodeVkey(made.value);
const hash = makeTreeHash(sha256);

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-tiles-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "ledger");
}

const payloadAt = (n: number): Uint8Array =>
  encodeStatement({
    subject: [{ name: "m", digest: { sha256: "ab".repeat(32) } }],
    predicateType: "https://x.test/v1",
    predicate: { run: `run ${n % 3}`, n },
  });

type Writing = {
  readonly count: number;
  readonly thread?: boolean;
  readonly raw?: boolean;
  readonly publishes?: readonly number[];
};

/** Opens, appends and closes. Small segments, so that many are seen. */
async function write(
  folder: string,
  { count, thread = false, raw = false, publishes = [] }: Writing,
): Promise<readonly string[]> {
  const entries = raw ? "raw" : "sealed";
  const opened = await openLedgerWriter({ folder, origin: ORIGIN, key: KEY, thread, entries, segmentBytes: 65_536 });
  assert.ok(opened.ok, JSON.stringify(opened));
  const writer = opened.value;
  for (let n = 0; n < count; n++) {
    const appended = writer.append([payloadAt(writer.openedSize + n)]);
    if (publishes.includes(n)) assert.ok((await writer.publish()).ok);
    if (n % 64 === 0) assert.ok((await appended).ok);
  }
  assert.ok((await writer.close()).ok);
  return writer.recovery.rewrittenFiles;
}

async function problemsOf(folder: string, signatures = false): Promise<readonly string[]> {
  const verified = await verifyLedger({ folder, vkey: VKEY, signatures });
  if (!verified.ok) return [`${verified.fault.code} ${verified.fault.where}`];
  return verified.value.problems.map(({ code, where }) => `${code} ${where}`);
}

function openReader(folder: string): TilesReader {
  const reader = openLedgerReader({ folder });
  assert.ok(reader.ok, JSON.stringify(reader));
  return reader.value;
}

for (const thread of [false, true]) {
  test(`a ledger is what was appended, opened again and again (${thread ? "writer thread" : "calling thread"})`, async (t) => {
    const folder = temporaryFolder(t);
    let size = 0;
    for (const count of [0, 1, 254, 1, 1, 255, 300]) {
      await write(folder, { count, thread });
      size += count;
      const reader = openReader(folder);
      assert.equal(reader.size, size);
      assert.equal([...reader.entries(0, size)].length, size);
      assert.deepEqual(await problemsOf(folder, true), [], `size ${size}`);
      for (const index of [0, 255, 256, size - 1].filter((i) => i >= 0 && i < size)) assertProof(reader, index, size);
    }
  });
}

function assertProof(reader: TilesReader, index: number, size: number): void {
  const path = readProof(reader, index, size);
  assert.ok(path.ok, JSON.stringify(path));
  const [entry] = reader.entries(index, index + 1);
  assert.ok(entry !== undefined);
  const claim = { index, size, leaf: hash.leaf(entry), path: path.value, root: reader.published.root };
  assert.ok(verifyInclusion(hash, claim).ok, `entry ${index} of ${size}`);
}

test("the published folder of 65,537 entries has exactly the files of its sizes, and no partial that has been outgrown", async (t) => {
  const folder = temporaryFolder(t);
  await write(folder, { count: 65_537, raw: true, publishes: [100, 200, 300, 65_535] });
  const files = globSync(join(folder, "public/**"), { withFileTypes: true }).filter((file) => file.isFile());
  const partials = files
    .map((file) => relative(join(folder, "public"), join(file.parentPath, file.name)))
    .filter((path) => path.includes(".p/"));
  assert.deepEqual(
    partials.toSorted(),
    ["tile/0/256.p/1", "tile/1/001.p/1", "tile/2/000.p/1", "tile/entries/256.p/1"].filter((p) => p !== "tile/1/001.p/1"),
  );
  assert.equal(files.length, 256 + 1 + 256 + 1 + 1 + 1 + 1);
  assert.deepEqual(await problemsOf(folder), []);
  const reader = openReader(folder);
  for (const index of [0, 65_535, 65_536]) assertProof(reader, index, 65_537);
  assert.ok(readdirSync(join(folder, "journal")).length < 12, "segments are used again");
});

test("entries past the published size are read, proven under a handed-out checkpoint, and make a receipt", async (t) => {
  const folder = temporaryFolder(t);
  await write(folder, { count: 250 });
  const opened = await openLedgerWriter({ folder, origin: ORIGIN, key: KEY, thread: false, publishAfterMs: 1_000_000 });
  assert.ok(opened.ok);
  const appended = await opened.value.append(Array.from({ length: 20 }, (_, i) => payloadAt(250 + i)));
  assert.ok(appended.ok);
  const last = appended.value.at(-1);
  assert.ok(last !== undefined);
  const reader = openReader(folder);
  assert.deepEqual([reader.published.size, reader.size, last.index], [250, 270, 269]);
  const indexes = [267, 3, 252, 255].filter((index) => index % 3 === 0);
  const receipt = readReceipt(reader, { run: "run 0", vkey: VKEY, indexes, checkpoint: last.checkpoint });
  assert.ok(receipt.ok, JSON.stringify(receipt));
  const verdict = verifyReceipt(receipt.value, VKEY, { sha256, verifyEd25519 });
  assert.deepEqual(verdict.result.ok && verdict.result.value.entries.map(({ index }) => index), [3, 252, 255, 267]);
  const early = readReceipt(reader, { run: "run 0", vkey: VKEY, indexes: [267] });
  assert.equal(early.ok ? "" : early.fault.code, "ledger/missing-tile", "the published checkpoint does not cover it yet");
  assert.ok((await opened.value.close()).ok);
});

test("an entry that is too large is refused, and the others of the same flush are not", async (t) => {
  const folder = temporaryFolder(t);
  for (const thread of [false, true]) {
    const opened = await openLedgerWriter({ folder, origin: ORIGIN, key: KEY, thread });
    assert.ok(opened.ok);
    const big = utf8("x".repeat(49_200));
    const answers = await Promise.all(
      [[payloadAt(0)], [payloadAt(1), big], [payloadAt(2)], []].map((p) => opened.value.append(p)),
    );
    assert.deepEqual(
      answers.map((a) => (a.ok ? a.value.map(({ index }) => index - opened.value.openedSize) : a.fault.code)),
      [[0], "ledger/entry-too-large", [1], []],
    );
    const [, refused] = answers;
    assert.ok(refused?.ok === false && refused.fault.detail.endsWith(`its payload is ${digestOf(sha256, big)}`));
    assert.ok((await opened.value.close()).ok);
  }
  assert.equal(openReader(folder).size, 4);
});

test("a request larger than a segment gets one of its own", async (t) => {
  const folder = temporaryFolder(t);
  const opened = await openLedgerWriter({ folder, origin: ORIGIN, key: KEY, thread: true, segmentBytes: 16_384 });
  assert.ok(opened.ok);
  assert.ok((await opened.value.append([payloadAt(0)])).ok);
  assert.ok((await opened.value.append(Array.from({ length: 100 }, (_, n) => payloadAt(n + 1)))).ok);
  assert.ok((await opened.value.append([payloadAt(101)])).ok);
  assert.ok((await opened.value.close()).ok);
  await write(folder, { count: 5 });
  assert.equal(openReader(folder).size, 107);
  assert.deepEqual(await problemsOf(folder, true), []);
});

test("no ledger is made where none was asked for, and none is read where none is", async (t) => {
  const folder = temporaryFolder(t);
  const writer = await openLedgerWriter({ folder, origin: ORIGIN, key: KEY, thread: false, create: false });
  assert.equal(writer.ok ? "" : writer.fault.code, "ledger/absent");
  const reader = openLedgerReader({ folder });
  assert.equal(reader.ok ? "" : reader.fault.code, "ledger/absent");
  assert.deepEqual(await problemsOf(folder), ["ledger/absent public/checkpoint"]);
  assert.equal(existsSync(folder), false);
});

test("an envelope signed by another key is found when signatures are asked for", async (t) => {
  const folder = temporaryFolder(t);
  await write(folder, { count: 3, raw: true });
  assert.deepEqual(await problemsOf(folder), []);
  assert.equal((await problemsOf(folder, true)).length, 3);
});

test("the Tessera log is sound in the eyes of our readers", async (t) => {
  const folder = "../shared/data/tlog/tessera-testdata";
  if (!existsSync(folder)) return t.skip("../shared/data is not here");
  const vkey = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
  const workspace = temporaryFolder(t);
  cpSync(join(folder, "log"), join(workspace, "public"), { recursive: true });
  const verified = await verifyLedger({ folder: workspace, vkey });
  // It has no journal of ours, and nothing else is wrong with it.
  assert.deepEqual(verified.ok && verified.value.problems.map(({ code }) => code), ["ledger/rollback"]);
  const reader = openReader(workspace);
  assert.equal(reader.size, 15);
  for (let index = 0; index < 15; index++) assertProof(reader, index, 15);
  return undefined;
});
