import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openLedgerReader, verifyLedger } from "../../packages/nightcore/src/store/tiles/index.ts";
import { appendUntilKilled } from "./ledger-killer.ts";
import { assertPromises, openWriter, payloadOf, type Promised, temporaryFolder, VKEY } from "./ledger-rig.ts";

test("of two writers one waits its time, is told who holds the lock, and gets its turn when the other is done", async (t) => {
  const folder = join(temporaryFolder(t), "ledger");
  for (const thread of [false, true]) {
    const first = await openWriter(folder, { thread });
    assert.ok(first.ok);
    t.after(() => first.value.close());
    const refused = await openWriter(folder, { thread: !thread, lockWaitMs: 20 });
    assert.deepEqual(refused.ok ? {} : refused.fault, {
      code: "ledger/locked",
      where: "lock.db",
      detail: `held by process ${process.pid}`,
    });
    const waiting = openWriter(folder, { thread: !thread });
    assert.ok((await first.value.append([payloadOf("first")])).ok);
    const reader = openLedgerReader({ folder });
    assert.equal(reader.ok && reader.value.size, first.value.openedSize + 1, "a reader sees what is not yet published");
    assert.ok((await first.value.close()).ok);
    const second = await waiting;
    assert.ok(second.ok);
    assert.equal(second.value.openedSize, first.value.openedSize + 1);
    assert.ok((await second.value.close()).ok);
  }
});

test("two processes on one ledger both get their entries in", async (t) => {
  const folder = join(temporaryFolder(t), "ledger");
  const promised: Promised = new Map();
  const lives = ["left", "right"].map((name, i) =>
    appendUntilKilled({ folder, thread: i === 0, name, appenders: 5, moment: { entries: 60 }, promised }),
  );
  await Promise.all(lives);
  const payloads = await assertPromises(folder, promised);
  for (const name of ["left", "right"]) assert.ok(payloads.filter((payload) => payload.includes(name)).length >= 60, name);
});

test("a reader beside a busy writer never meets a ledger that contradicts itself", async (t) => {
  const folder = join(temporaryFolder(t), "ledger");
  const opened = await openWriter(folder, { thread: true, publishAfterMs: 2, segmentBytes: 16_384 });
  assert.ok(opened.ok);
  // A thread that is left open would keep this process for ever, and the failure to itself.
  t.after(() => opened.value.close());
  const until = performance.now() + 1500;
  let appended = 0;
  const appender = (async () => {
    while (performance.now() < until) {
      const answers: readonly { readonly ok: boolean }[] = await Promise.all(
        Array.from({ length: 40 }, (_, i) => opened.value.append([payloadOf(`${appended} ${i}`)])),
      );
      assert.ok(answers.every((answer) => answer.ok));
      appended += 40;
    }
  })();
  let size = 0;
  for (let looks = 0; performance.now() < until; looks++) {
    const before = appended;
    const reader = openLedgerReader({ folder });
    assert.ok(reader.ok, JSON.stringify(reader));
    assert.ok(reader.value.size >= size, "a log never shrinks");
    size = reader.value.size;
    assert.ok(before === 0 || size > 0);
    let count = 0;
    for (const entry of reader.value.entries(Math.max(0, size - 600), size)) if (entry.length > 0) count++;
    assert.equal(count, Math.min(size, 600));
    if (looks % 10 === 0) {
      const verified = await verifyLedger({ folder, vkey: VKEY });
      assert.deepEqual(verified.ok && verified.value.problems, []);
    }
    await sleep(1);
  }
  await appender;
  assert.ok((await opened.value.close()).ok);
  assert.equal((await assertPromises(folder, new Map())).length, appended);
});

/** Mounts a small file system, or says why not. */
function mountSmallDisk(folder: string, sizeBytes: number): string | undefined {
  mkdirSync(folder);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${sizeBytes}`, "nightcore-test", folder]);
  return mounted.status === 0 ? undefined : "no right to mount a small disk";
}

test("a really full disk stops the writer, and the ledger goes on when there is room again", async (t) => {
  let folder = "";
  t.after(() => spawnSync("umount", [folder]));
  folder = join(temporaryFolder(t), "disk");
  const refused = mountSmallDisk(folder, 3 * 1024 * 1024);
  if (refused !== undefined) return t.skip(refused);
  const ledger = join(folder, "ledger");
  const promised: Promised = new Map();
  const opened = await openWriter(ledger, { segmentBytes: 256 * 1024, publishAfterMs: 1 });
  assert.ok(opened.ok);
  let code: string | undefined;
  for (let n = 0; code === undefined && n < 10_000; n++) {
    const payload = Buffer.from(JSON.stringify({ n, pad: "x".repeat(8000) }));
    const appended = await opened.value.append([payload]);
    if (!appended.ok) code = appended.fault.code;
    else for (const { index, checkpoint } of appended.value) promised.set(index, { payload: payload.toString(), checkpoint });
  }
  assert.equal(code, "ledger/disk-full");
  await opened.value.close();
  assert.ok(promised.size > 5);
  await assertPromises(ledger, promised);
  const grown = spawnSync("mount", ["-o", `remount,size=${64 * 1024 * 1024}`, folder]);
  assert.equal(grown.status, 0);
  const again = await openWriter(ledger);
  assert.ok(again.ok, JSON.stringify(again));
  assert.ok((await again.value.append([payloadOf("room again")])).ok);
  assert.ok((await again.value.close()).ok);
  await assertPromises(ledger, promised);
  return undefined;
});
