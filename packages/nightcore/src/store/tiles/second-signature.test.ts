import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { encodeLogKeys, encodeVkey, makeLogKey, makeMlDsaKey, verifyMlDsaCheckpoint } from "#ledger";
import { privateKeyObject, publicKeyOf, sha256, verifyMlDsa44 } from "#store/keys";
import { verifyLedger } from "./verification.ts";
import { openLedgerWriter } from "./writer.ts";

const ORIGIN = "log.test/second";
const KEY = privateKeyObject(new Uint8Array(32).fill(9));
const { privateKey: SECOND } = generateKeyPairSync("ml-dsa-44");
const { privateKey: STRANGER } = generateKeyPairSync("ml-dsa-44");
const ed25519 = makeLogKey(sha256, ORIGIN, publicKeyOf(KEY));
const mlDsa44 = makeMlDsaKey(sha256, ORIGIN, publicKeyOf(SECOND));
assert.ok(ed25519.ok && mlDsa44.ok);
const VKEYS = encodeLogKeys({ ed25519: ed25519.value, mlDsa44: mlDsa44.value });

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-second-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "ledger");
}

const noteOf = (folder: string): string => readFileSync(join(folder, "public/checkpoint"), "utf8");
const linesOf = (note: string): number => note.split("\n— ").length - 1;

type Writing = { readonly count: number; readonly mlDsaKey?: KeyObject | undefined; readonly thread?: boolean };

/** Opens, appends and closes. Returns how many signatures the checkpoints had: of an append, of what is published, in the file. */
async function write(folder: string, { count, mlDsaKey, thread = false }: Writing): Promise<readonly number[]> {
  const opened = await openLedgerWriter({ folder, origin: ORIGIN, key: KEY, mlDsaKey, thread });
  assert.ok(opened.ok, JSON.stringify(opened));
  const appended = await opened.value.append(Array.from({ length: count }, (_, n) => Buffer.from(`entry ${n}`)));
  const published = await opened.value.close();
  assert.ok(appended.ok && published.ok);
  return [linesOf(appended.value[0]?.checkpoint ?? ""), linesOf(published.value), linesOf(noteOf(folder))];
}

async function problemsOf(folder: string, vkey = VKEYS): Promise<readonly string[]> {
  const verified = await verifyLedger({ folder, vkey });
  if (!verified.ok) return [verified.fault.detail];
  assert.equal(verified.value.mlDsa44, vkey.includes("\n") && verified.value.problems.length === 0);
  return verified.value.problems.map(({ code, detail }) => `${code}: ${detail}`);
}

for (const thread of [false, true]) {
  test(`what is published is signed twice, what is only acknowledged once (${thread ? "writer thread" : "calling thread"})`, async (t) => {
    const folder = temporaryFolder(t);
    assert.deepEqual(await write(folder, { count: 300, mlDsaKey: SECOND, thread }), [1, 2, 2]);
    assert.deepEqual(await problemsOf(folder), []);
    assert.deepEqual(await problemsOf(folder, encodeVkey(ed25519.value)), [], "who has the first key only is not disturbed");
    const before = noteOf(folder);
    assert.deepEqual(await write(folder, { count: 0, mlDsaKey: SECOND, thread }), [0, 2, 2]);
    assert.equal(noteOf(folder), before, "nothing new, nothing signed");
    assert.deepEqual(await write(folder, { count: 1, mlDsaKey: SECOND, thread }), [1, 2, 2]);
    assert.deepEqual(await problemsOf(folder), []);
  });
}

test("a new log's first checkpoint is signed twice too", async (t) => {
  const folder = temporaryFolder(t);
  await write(folder, { count: 0, mlDsaKey: SECOND });
  assert.deepEqual(await problemsOf(folder), []);
});

test("a second key that comes later signs with the next opening, whether or not anything is appended", async (t) => {
  const folder = temporaryFolder(t);
  assert.deepEqual(await write(folder, { count: 300 }), [1, 1, 1]);
  assert.deepEqual(await problemsOf(folder), ["ledger/corrupt-checkpoint: it is not signed by the log's ML-DSA-44 key"]);
  assert.deepEqual(await write(folder, { count: 0, mlDsaKey: SECOND }), [0, 2, 2]);
  assert.deepEqual(await problemsOf(folder), []);
  assert.deepEqual(await write(folder, { count: 0 }), [0, 2, 2], "without the key, what is there stays");
  assert.deepEqual(await write(folder, { count: 1 }), [1, 1, 1], "and is not said of what is new");
});

test("a second signature that does not hold is refused by the writer and named by the verifier", async (t) => {
  const folder = temporaryFolder(t);
  await write(folder, { count: 3, mlDsaKey: SECOND });
  const sound = noteOf(folder);
  const note = sound.slice(0, -40) + (sound.at(-40) === "A" ? "B" : "A") + sound.slice(-39);
  assert.equal(verifyMlDsaCheckpoint(note, mlDsa44.value, verifyMlDsa44).ok, false);
  writeFileSync(join(folder, "public/checkpoint"), note);
  assert.deepEqual(await problemsOf(folder), ["ledger/corrupt-checkpoint: ML-DSA-44: ledger/note-bad-signature"]);
  const opened = await openLedgerWriter({ folder, origin: ORIGIN, key: KEY, mlDsaKey: SECOND, thread: false });
  assert.equal(
    opened.ok ? "opened" : `${opened.fault.code} ${opened.fault.detail}`,
    "ledger/corrupt-checkpoint ledger/note-bad-signature",
  );
});

test("another second key signs beside the first one's absence: the old line is a stranger's and goes", async (t) => {
  const folder = temporaryFolder(t);
  await write(folder, { count: 3, mlDsaKey: STRANGER });
  assert.deepEqual(await problemsOf(folder), ["ledger/corrupt-checkpoint: it is not signed by the log's ML-DSA-44 key"]);
  assert.deepEqual(await write(folder, { count: 0, mlDsaKey: SECOND }), [0, 2, 2]);
  assert.deepEqual(await problemsOf(folder), []);
});

test("an origin of more than 255 bytes cannot name a second key, and is said to before anything is made", async (t) => {
  const folder = temporaryFolder(t);
  const opened = await openLedgerWriter({ folder, origin: "ä".repeat(128), key: KEY, mlDsaKey: SECOND, thread: false });
  assert.match(opened.ok ? "" : opened.fault.detail, /key-name-forbidden.*ML-DSA-44/);
});
