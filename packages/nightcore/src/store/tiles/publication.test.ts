import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { encodeVkey, makeLogKey } from "#ledger";
import type { LedgerWriter } from "#ports";
import { privateKeyObject, publicKeyOf, sha256 } from "#store/keys";
import { type FileLayer, nodeFiles } from "./file-layer.ts";
import { openLedgerReader } from "./reader.ts";
import { verifyLedger } from "./verification.ts";
import { openLedgerWriter } from "./writer.ts";

const ORIGIN = "log.test/publication";
const KEY = privateKeyObject(new Uint8Array(32).fill(9));
const made = makeLogKey(sha256, ORIGIN, publicKeyOf(KEY));
assert.ok(made.ok);
const VKEY = encodeVkey(made.value);
const ENTRY_BYTES = 60_000;

/** Files that are on their way to the disk for as long as a test likes. */
class SlowDisk {
  #gate = Promise.withResolvers<void>();
  #waiting = Promise.withResolvers<void>();
  readonly files: FileLayer = {
    ...nodeFiles,
    createFlushed: async (path, bytes) => {
      this.#waiting.resolve();
      await this.#gate.promise;
      await nodeFiles.createFlushed(path, bytes);
    },
  };

  /** Resolves when a publication waits for the disk. */
  get waiting(): Promise<void> {
    return this.#waiting.promise;
  }

  release(): void {
    this.#gate.resolve();
  }

  fail(errno: string): void {
    this.#gate.reject(Object.assign(new Error(errno), { code: errno }));
  }
}

async function open(t: TestContext, { files }: SlowDisk): Promise<{ readonly folder: string; readonly writer: LedgerWriter }> {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-publication-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const options = { origin: ORIGIN, key: KEY, thread: false, entries: "raw", publishAfterMs: 1_000_000 } as const;
  const opened = await openLedgerWriter({ folder: join(folder, "ledger"), ...options, files });
  assert.ok(opened.ok);
  return { folder: join(folder, "ledger"), writer: opened.value };
}

async function append(writer: LedgerWriter, count: number): Promise<void> {
  const payloads = Array.from({ length: count }, () => new Uint8Array(ENTRY_BYTES));
  const appended = await writer.append(payloads);
  assert.ok(appended.ok, JSON.stringify(appended));
}

async function sizesOf(folder: string): Promise<readonly [published: number, all: number]> {
  const verified = await verifyLedger({ folder, vkey: VKEY });
  assert.ok(verified.ok);
  assert.deepEqual(verified.value.problems, []);
  const reader = openLedgerReader({ folder });
  assert.ok(reader.ok);
  return [reader.value.published.size, reader.value.size];
}

test("entries are appended while a publication is on its way to the disk, and belong to the next one", async (t) => {
  const disk = new SlowDisk();
  const { folder, writer } = await open(t, disk);
  await append(writer, 300);
  const publishing = writer.publish();
  await disk.waiting;
  await append(writer, 300);
  assert.deepEqual(await sizesOf(folder), [0, 600], "all are durable, and none is published");
  disk.release();
  assert.ok((await publishing).ok);
  assert.deepEqual(await sizesOf(folder), [300, 600]);
  assert.ok((await writer.close()).ok);
  assert.deepEqual(await sizesOf(folder), [600, 600]);
});

test("when too much waits to be published, the next append waits for the publication", async (t) => {
  const disk = new SlowDisk();
  const { folder, writer } = await open(t, disk);
  for (let n = 0; n < 4; n++) await append(writer, 300); // 72 MB in all; the first begin a publication by themselves
  await disk.waiting;
  let done = false;
  const behind = append(writer, 1).then(() => (done = true));
  for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(done, false);
  disk.release();
  await behind;
  assert.ok((await writer.close()).ok);
  assert.deepEqual(await sizesOf(folder), [1201, 1201]);
});

test("a publication that fails while entries are appended stops the writer, and takes nothing back", async (t) => {
  const disk = new SlowDisk();
  const { folder, writer } = await open(t, disk);
  await append(writer, 300);
  const publishing = writer.publish();
  await disk.waiting;
  await append(writer, 1);
  disk.fail("ENOSPC");
  const published = await publishing;
  assert.deepEqual([published.ok, published.ok ? "" : published.fault.code], [false, "ledger/disk-full"]);
  const refused = await writer.append([new Uint8Array(1)]);
  assert.equal(refused.ok, false);
  await writer.close();
  assert.deepEqual(await sizesOf(folder), [0, 301]);
});
