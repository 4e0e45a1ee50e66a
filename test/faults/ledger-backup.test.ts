import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeVkey, makeLogKey } from "../../packages/nightcore/src/ledger/index.ts";
import { privateKeyObject, publicKeyOf, sha256 } from "../../packages/nightcore/src/store/keys/index.ts";
import {
  type BackupOptions,
  backUpLedger,
  clearRestoredMark,
  openLedgerReader,
  openLedgerWriter,
  readRestoredMark,
  restoreLedger,
  verifyLedger,
} from "../../packages/nightcore/src/store/tiles/index.ts";
import { failingFiles, type Journey } from "./failing-files.ts";
import { appendUntilKilled } from "./ledger-killer.ts";
import { assertPromises, openWriter, ORIGIN, payloadOf, type Promised, temporaryFolder, VKEY } from "./ledger-rig.ts";

const AT = "2026-01-01T00:00:00.000Z";
const GROWTHS = 4;
const NOBODY = { size: 0, seenBy: "nobody" };

async function write(folder: string, count: number, name = "entry"): Promise<void> {
  const opened = await openWriter(folder);
  assert.ok(opened.ok, JSON.stringify(opened));
  const { value: writer } = opened;
  const names = Array.from({ length: count }, (_, i) => `${name} ${writer.openedSize + i}`);
  assert.ok((await writer.append(names.map(payloadOf))).ok);
  assert.ok((await writer.close()).ok);
}

function backUp(ledger: string, folder: string, options: Partial<BackupOptions> = {}) {
  const reader = openLedgerReader({ folder: ledger });
  assert.ok(reader.ok, JSON.stringify(reader));
  return backUpLedger({ reader: reader.value, vkey: VKEY, folder, ...options });
}

async function assertSound(folder: string): Promise<number> {
  const verified = await verifyLedger({ folder, vkey: VKEY, journal: false });
  assert.ok(verified.ok, JSON.stringify(verified));
  assert.deepEqual(verified.value.problems, []);
  return verified.value.size;
}

/** Every published file by its path, with the digest of its bytes. */
function published(folder: string): ReadonlyMap<string, string> {
  const root = join(folder, "public");
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name));
  return new Map(paths.map((path) => [relative(root, path), createHash("sha256").update(readFileSync(path)).digest("hex")]));
}

async function restore(from: string, folder: string, seen = NOBODY) {
  return restoreLedger({ from, vkey: VKEY, folder, at: AT, seen });
}

/** Makes a place with a ledger of so many entries and a folder for its backup. */
async function makePlace(t: TestContext, count: number) {
  const root = temporaryFolder(t);
  const ledger = join(root, "ledger");
  if (count > 0) await write(ledger, count);
  return { root, ledger, backup: join(root, "backup") };
}

test("a backup is what is published, and the next one adds what is new, at every turn of bundles and tiles", async (t) => {
  const { ledger, backup, root } = await makePlace(t, 1);
  for (const [step, more] of [0, 1, 200, 54, 1, 255, 256, 300, 1].entries()) {
    if (more > 0) await write(ledger, more);
    const made = await backUp(ledger, backup);
    assert.ok(made.ok, JSON.stringify(made));
    assert.equal(made.value.added, step === 0 ? 1 : more);
    assert.equal(await assertSound(backup), made.value.size);
    const whole = join(root, `whole ${step}`);
    assert.ok((await backUp(ledger, whole)).ok);
    const anew = published(whole);
    for (const [path, digest] of anew) assert.equal(published(backup).get(path), digest, path);
    assert.equal(anew.get("checkpoint"), published(ledger).get("checkpoint"));
    const again = await backUp(ledger, backup);
    assert.ok(again.ok && again.value.added === 0, "nothing is new");
  }
});

test("backups beside a process that appends: each is sound, continues the one before, and restores to what was promised", async (t) => {
  const { ledger, backup, root } = await makePlace(t, 0);
  const promised: Promised = new Map();
  const moment = { entries: Infinity };
  const life = { folder: ledger, thread: true, name: "a", appenders: 3, moment, promised } as const;
  let running = true;
  const killed = appendUntilKilled(life).finally(() => (running = false));
  const sizes: number[] = [];
  const refused: unknown[] = [];
  while (running && new Set(sizes).size < GROWTHS && refused.length === 0) {
    await sleep(5);
    if (!existsSync(join(ledger, "public/checkpoint"))) continue;
    const made = await backUp(ledger, backup);
    if (made.ok) sizes.push(await assertSound(backup));
    else refused.push(made.fault);
  }
  moment.entries = 0; // the next acknowledgement is its last
  await killed;
  assert.deepEqual(refused, []);
  assert.equal(new Set(sizes).size, GROWTHS, `it grew beside the backups: ${sizes.join()}`);
  const inOrder = sizes.toSorted((a, b) => a - b);
  assert.deepEqual(sizes, inOrder);
  const restored = join(root, "restored");
  assert.ok((await restore(backup, restored)).ok);
  const size = sizes.at(-1) ?? 0;
  const within = [...promised].filter(([, { checkpoint }]) => sizeOf(checkpoint) <= size);
  await assertPromises(restored, new Map(within));
});

function sizeOf(checkpoint: string): number {
  return Number(checkpoint.split("\n")[1]);
}

test("what a backup refuses, and leaves as it is", async (t) => {
  const { ledger, backup, root } = await makePlace(t, 300);
  const older = join(root, "older");
  cpSync(ledger, older, { recursive: true });
  await write(ledger, 10);
  assert.ok((await backUp(ledger, backup)).ok);
  const other = join(root, "other log");
  const key = privateKeyObject(new Uint8Array(32).fill(9));
  const logKey = makeLogKey(sha256, ORIGIN, publicKeyOf(key));
  const opened = await openLedgerWriter({ folder: other, origin: ORIGIN, key, thread: false });
  assert.ok(logKey.ok && opened.ok && (await opened.value.append([payloadOf("a")])).ok && (await opened.value.close()).ok);
  const fork = join(root, "fork");
  cpSync(older, fork, { recursive: true });
  await write(fork, 20, "fork");
  const strange = join(root, "strange");
  mkdirSync(strange);
  writeFileSync(join(strange, "thesis.txt"), "not yours");
  const broken = join(root, "broken");
  cpSync(backup, broken, { recursive: true });
  writeFileSync(join(broken, "public/tile/0/001.p/54"), Buffer.alloc(54 * 32));
  const spoilt = join(root, "spoilt");
  cpSync(ledger, spoilt, { recursive: true });
  const bundle = readFileSync(join(spoilt, "public/tile/entries/001.p/54"));
  bundle[500] = 0;
  writeFileSync(join(spoilt, "public/tile/entries/001.p/54"), bundle);

  const rows: readonly (readonly [what: string, code: string, from: string, to: string, vkey?: string])[] = [
    ["the backup of another log", "ledger/foreign-backup", other, backup, logKey.ok ? encodeVkey(logKey.value) : ""],
    ["more than the log has", "ledger/rollback", older, backup],
    ["another history", "ledger/forked", fork, backup],
    ["somebody's folder", "ledger/foreign-backup", ledger, strange],
    ["a damaged backup", "ledger/corrupt-tile", fork, broken],
    ["a damaged log", "ledger/corrupt-tile", spoilt, join(root, "new")],
  ];
  await write(fork, 1, "fork");
  for (const [what, code, from, to, vkey = VKEY] of rows) {
    const before = existsSync(join(to, "public")) ? published(to) : new Map();
    const made = await backUp(from, to, { vkey });
    // A damaged backup of another history: whichever is seen first, it is refused.
    const codes = what === "a damaged backup" ? ["ledger/corrupt-tile", "ledger/forked"] : [code];
    assert.ok(!made.ok && codes.includes(made.fault.code), `${what}: ${JSON.stringify(made)}`);
    assert.deepEqual(existsSync(join(to, "public")) ? published(to) : new Map(), before, what);
  }
});

test("a backup that dies at any step leaves the one before or the new one, and the next finishes it", async (t) => {
  const { ledger, backup, root } = await makePlace(t, 250);
  assert.ok((await backUp(ledger, backup)).ok);
  await write(ledger, 10);
  let died = 0;
  for (const failure of ["not persisted", "persisted", "torn"] as const) {
    for (let step = 0, over = false; !over; step++) {
      const copy = join(root, `${failure} ${step}`);
      cpSync(backup, copy, { recursive: true });
      const journey: Journey = { steps: 0, failed: undefined };
      const made = await backUp(ledger, copy, { files: failingFiles({ step, failure, errno: "EIO" }, journey) });
      over = journey.failed === undefined;
      if (!made.ok) died++;
      const where = `step ${step} (${journey.failed}), ${failure}`;
      assert.ok([250, 260].includes(await assertSound(copy)), where);
      const again = await backUp(ledger, copy);
      assert.ok(again.ok && again.value.size === 260, `${where}: ${JSON.stringify(again)}`);
      assert.equal(await assertSound(copy), 260, where);
      rmSync(copy, { recursive: true });
    }
  }
  assert.ok(died > 20, `${died} times`);
});

test("a restored ledger is read and verified, and not appended to until it is resumed; then it goes on as the same log", async (t) => {
  const { ledger, backup, root } = await makePlace(t, 300);
  assert.ok((await backUp(ledger, backup)).ok);
  const folder = join(root, "restored");
  const made = await restore(backup, folder);
  assert.ok(made.ok, JSON.stringify(made));
  assert.deepEqual(readRestoredMark(folder), { size: 300, at: AT, newer: null });
  const verified = await verifyLedger({ folder, vkey: VKEY });
  assert.deepEqual(verified.ok && verified.value.problems, []);
  for (const thread of [false, true]) {
    const refused = await openWriter(folder, { thread });
    assert.equal(refused.ok ? "" : refused.fault.code, "ledger/restored");
  }
  assert.equal((await restore(backup, folder)).ok, false, "nothing is written over a ledger");

  // Without its mark it is a ledger without a journal, which is refused as well.
  const unmarked = join(root, "unmarked");
  cpSync(folder, unmarked, { recursive: true });
  clearRestoredMark(unmarked);
  const refused = await openWriter(unmarked);
  assert.equal(refused.ok ? "" : refused.fault.code, "ledger/rollback");

  const resumed = await openWriter(folder, { newest: true });
  assert.ok(resumed.ok, JSON.stringify(resumed));
  const appended = await resumed.value.append([payloadOf("resumed")]);
  assert.ok(appended.ok && appended.value[0]?.index === 300);
  clearRestoredMark(folder);
  assert.ok((await resumed.value.close()).ok);
  await write(folder, 250);
  const whole = await verifyLedger({ folder, vkey: VKEY, signatures: true });
  assert.deepEqual(whole.ok && [whole.value.size, whole.value.problems], [551, []]);
  assert.ok((await backUp(folder, backup)).ok, "and the backup goes on with it");
});

test("a restored ledger of which more was seen says so in its mark, and so does a mark that cannot be read", async (t) => {
  const { ledger, backup, root } = await makePlace(t, 5);
  assert.ok((await backUp(ledger, backup)).ok);
  const seen = { size: 6, seenBy: "the projection" };
  const folder = join(root, "restored");
  assert.ok((await restore(backup, folder, seen)).ok);
  assert.deepEqual(readRestoredMark(folder)?.newer, seen);
  for (const text of [
    "",
    "{}",
    "null",
    '{"size":5,"at":"x"}',
    '{"size":5,"at":"x","newer":{"size":"6"}}',
    "\u0000".repeat(5000),
  ]) {
    writeFileSync(join(folder, "restored"), text);
    assert.ok((readRestoredMark(folder)?.newer ?? null) !== null, text.slice(0, 50));
  }
});

test("a restoring that dies at any step leaves no ledger or a marked one", async (t) => {
  const { ledger, backup, root } = await makePlace(t, 20);
  assert.ok((await backUp(ledger, backup)).ok);
  for (const failure of ["not persisted", "persisted", "torn"] as const) {
    for (let step = 0, over = false; !over; step++) {
      const folder = join(root, `${failure} ${step}`);
      const journey: Journey = { steps: 0, failed: undefined };
      const files = failingFiles({ step, failure, errno: "EIO" }, journey);
      const made = await restoreLedger({ from: backup, vkey: VKEY, folder, at: AT, seen: NOBODY, files });
      over = journey.failed === undefined;
      assert.equal(made.ok, over);
      if (existsSync(folder)) assert.equal(readRestoredMark(folder)?.size, 20);
      else assert.ok((await restore(backup, folder)).ok);
      assert.equal(await assertSound(folder), 20);
    }
  }
});
