import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { privateKeyObject } from "../../packages/nightcore/src/store/keys/index.ts";
import {
  openLedgerReader,
  openLedgerWriter,
  type TilesReader,
  verifyLedger,
} from "../../packages/nightcore/src/store/tiles/index.ts";
import { KEY, openWriter, ORIGIN, payloadOf, temporaryFolder as temporaryRoot, VKEY } from "./ledger-rig.ts";

const SEGMENT_BYTES = 65_536;
/** More than a buffer may have; sparse, so that no disk has to hold it. */
const HUGE_BYTES = 20 * 1024 ** 3;
const PAD = "x".repeat(60);

function temporaryFolder(t: TestContext): string {
  return join(temporaryRoot(t), "ledger");
}

const reopen = (folder: string) => openWriter(folder, { segmentBytes: SEGMENT_BYTES });

/** Opens, appends one by one with a shared flush for most, and closes. Returns the files that opening had to mend. */
async function write(folder: string, { count }: { readonly count: number }): Promise<readonly string[]> {
  const opened = await reopen(folder);
  assert.ok(opened.ok, JSON.stringify(opened));
  for (let n = 0; n < count; n++) {
    const appended: Promise<{ readonly ok: boolean }> = opened.value.append([payloadOf(`${PAD} ${opened.value.openedSize + n}`)]);
    if (n % 64 === 0) assert.ok((await appended).ok);
  }
  assert.ok((await opened.value.close()).ok);
  return opened.value.recovery.rewrittenFiles;
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

function flipByte(path: string, at: number): void {
  const bytes = readFileSync(path);
  const place = at < 0 ? bytes.length + at : at;
  bytes[place] = (bytes[place] ?? 0) ^ 0x10;
  writeFileSync(path, bytes);
}

/** A ledger of 600 entries, 556 of them published; the journal's live segments hold the rest and some before. */
async function makeDamageable(t: TestContext): Promise<string> {
  const folder = temporaryFolder(t);
  await write(folder, { count: 556 });
  return folder;
}

for (const { what, damage, problem, refusal } of [
  {
    what: "a flipped byte in a full bundle",
    damage: (folder: string) => flipByte(join(folder, "public/tile/entries/000"), 700),
    problem: /^ledger\/corrupt-tile public\/tile\/entries\/000:\d+$/,
  },
  {
    what: "a flipped length in a full bundle",
    damage: (folder: string) => flipByte(join(folder, "public/tile/entries/000"), 0),
    problem: /^ledger\/corrupt-tile public\/tile\/entries\/000:\d+$/,
  },
  {
    what: "a flipped byte in the last bundle",
    damage: (folder: string) => flipByte(join(folder, "public/tile/entries/002.p/44"), 9),
    problem: /^ledger\/corrupt-tile public\/tile\/(entries\/002\.p\/44:0|0\/002\.p\/44:0)$/,
    refusal: "ledger/corrupt-tile",
  },
  {
    what: "a cut bundle",
    damage: (folder: string) => truncateSync(join(folder, "public/tile/entries/001"), 5000),
    problem: /^ledger\/corrupt-tile public\/tile\/entries\/001:\d+$/,
  },
  {
    what: "a bundle with bytes behind its entries",
    damage: (folder: string) => writeFileSync(join(folder, "public/tile/entries/001"), "more", { flag: "a" }),
    problem: /^ledger\/corrupt-tile public\/tile\/entries\/001:\d+$/,
  },
  {
    what: "a missing bundle",
    damage: (folder: string) => rmSync(join(folder, "public/tile/entries/000")),
    problem: /^ledger\/missing-tile public\/tile\/entries\/000$/,
  },
  {
    what: "a flipped byte in a full tile",
    damage: (folder: string) => flipByte(join(folder, "public/tile/0/001"), 64),
    problem: /^ledger\/corrupt-tile public\/tile\/0\/001:64$/,
  },
  {
    what: "a flipped byte in an upper tile",
    damage: (folder: string) => flipByte(join(folder, "public/tile/1/000.p/2"), 33),
    problem: /^ledger\/corrupt-tile public\/tile\/1\/000\.p\/2:32$/,
    refusal: "ledger/corrupt-tile",
  },
  {
    what: "a cut tile",
    damage: (folder: string) => truncateSync(join(folder, "public/tile/0/000"), 8000),
    problem: /^ledger\/corrupt-tile public\/tile\/0\/000$/,
  },
  {
    what: "a missing tile that the journal does not reach",
    damage: (folder: string) => rmSync(join(folder, "public/tile/0/000")),
    problem: /^ledger\/missing-tile public\/tile\/0\/000$/,
  },
  {
    what: "a flipped byte in the checkpoint",
    damage: (folder: string) => flipByte(join(folder, "public/checkpoint"), ORIGIN.length + 1),
    problem: /^ledger\/corrupt-checkpoint public\/checkpoint$/,
    refusal: "ledger/corrupt-checkpoint",
  },
  {
    what: "a checkpoint of twenty gigabytes, of which only the beginning is read",
    damage: (folder: string) => truncateSync(join(folder, "public/checkpoint"), HUGE_BYTES),
    problem: /^ledger\/corrupt-checkpoint public\/checkpoint$/,
    refusal: "ledger/corrupt-checkpoint",
  },
  {
    what: "a bundle of twenty gigabytes",
    damage: (folder: string) => truncateSync(join(folder, "public/tile/entries/001"), HUGE_BYTES),
    problem: /^ledger\/corrupt-tile public\/tile\/entries\/001:\d+$/,
  },
  {
    what: "no checkpoint",
    damage: (folder: string) => rmSync(join(folder, "public/checkpoint")),
    problem: /^ledger\/absent public\/checkpoint$/,
    refusal: "ledger/corrupt-checkpoint",
  },
  {
    what: "no journal",
    damage: (folder: string) => rmSync(join(folder, "journal"), { recursive: true }),
    problem: /^ledger\/rollback journal$/,
    refusal: "ledger/rollback",
  },
] as const satisfies readonly {
  what: string;
  damage: (folder: string) => void;
  problem: RegExp;
  refusal?: string;
}[] as readonly {
  readonly what: string;
  readonly damage: (folder: string) => void;
  readonly problem: RegExp;
  readonly refusal?: string;
}[]) {
  test(`${what} is named by the verification${refusal === undefined ? "" : ", and the writer refuses the ledger"}`, async (t) => {
    const folder = await makeDamageable(t);
    assert.deepEqual(await problemsOf(folder), []);
    damage(folder);
    const problems = await problemsOf(folder);
    assert.ok(problems.length >= 1 && problems.length <= 2, problems.join("\n"));
    assert.match(problems[0] ?? "", problem);
    if (refusal === undefined) return;
    const writer = await reopen(folder);
    assert.equal(writer.ok ? "" : writer.fault.code, refusal);
  });
}

/** The segments of a journal that hold frames, by the number in their headers. */
function liveSegments(folder: string): readonly string[] {
  const paths = readdirSync(join(folder, "journal")).map((name) => join(folder, "journal", name));
  const numbered = paths.map((path) => ({ path, number: readFileSync(path).readBigUInt64BE(8) }));
  const live = numbered.filter(({ path, number }) => number > 0n && lastFrame(path) >= 0);
  return live.toSorted((one, two) => Number(one.number - two.number)).map(({ path }) => path);
}

/** Offset of the last frame of a segment. */
function lastFrame(path: string): number {
  const bytes = readFileSync(path);
  return bytes.lastIndexOf(Buffer.concat([Buffer.from("NCFR"), bytes.subarray(24, 40)]));
}

/** A ledger with entries that only the journal holds: as a process leaves it that was killed. */
async function makeUnpublished(t: TestContext): Promise<string> {
  const folder = temporaryFolder(t);
  await write(folder, { count: 300 });
  const saved = readFileSync(join(folder, "public/checkpoint"));
  await write(folder, { count: 40 });
  await write(folder, { count: 10 });
  writeFileSync(join(folder, "public/checkpoint"), saved);
  return folder;
}

test("entries that only the journal holds are recovered, and the derived files that already exist must agree", async (t) => {
  const folder = await makeUnpublished(t);
  assert.deepEqual(await problemsOf(folder), []);
  assert.equal(openReader(folder).size, 350);
  await write(folder, { count: 1 });
  assert.equal(openReader(folder).published.size, 351);
  assert.deepEqual(await problemsOf(folder, true), []);
});

test("an existing derived file with other bytes stops the publication", async (t) => {
  const folder = await makeUnpublished(t);
  flipByte(join(folder, "public/tile/0/001.p/94"), 3);
  const opened = await reopen(folder);
  assert.ok(opened.ok);
  const closed = await opened.value.close();
  assert.deepEqual(closed.ok ? "" : `${closed.fault.code} ${closed.fault.where}`, "ledger/corrupt-tile public/tile/0/001.p/94");
});

test("a frame torn at the tail is cut and reported; a damaged frame before a good one is refused", async (t) => {
  const torn = await makeUnpublished(t);
  const tail = liveSegments(torn).at(-1) ?? "";
  flipByte(tail, lastFrame(tail) + 50);
  const opened = await reopen(torn);
  assert.ok(opened.ok);
  assert.ok(opened.value.recovery.tornBytes > 500);
  assert.equal(opened.value.openedSize, 341, "the first of the ten had its own flush");
  assert.ok((await opened.value.close()).ok);
  assert.deepEqual(await problemsOf(torn), []);

  const damaged = await makeUnpublished(t);
  const segment = liveSegments(damaged).at(-1) ?? "";
  const bytes = readFileSync(segment);
  const before = bytes.lastIndexOf(Buffer.concat([Buffer.from("NCFR"), bytes.subarray(24, 40)]), lastFrame(segment) - 1);
  flipByte(segment, before + 60);
  const refused = await reopen(damaged);
  assert.equal(refused.ok ? "" : refused.fault.code, "ledger/corrupt-frame");
  assert.match((await problemsOf(damaged))[0] ?? "", /^ledger\/corrupt-frame journal\/slot-\d+:\d+$/);
});

test("a cut segment, a damaged segment header and a journal that ends too early are refused", async (t) => {
  for (const [damage, code] of [
    [(path: string) => truncateSync(path, 30_000), "ledger/corrupt-frame"],
    [(path: string) => flipByte(path, 30), "ledger/corrupt-frame"],
    [(path: string) => rmSync(path), "ledger/rollback"],
  ] as const) {
    const folder = await makeDamageable(t);
    for (const path of liveSegments(folder).slice(-1)) damage(path);
    const writer = await reopen(folder);
    assert.ok(!writer.ok);
    // The header of a segment below the published size hides nothing, so then the journal's end is what gives it away.
    assert.ok([code, "ledger/rollback"].includes(writer.fault.code), writer.fault.code);
    assert.notDeepEqual(await problemsOf(folder), []);
  }
});

test("an older journal under a newer checkpoint is a rollback", async (t) => {
  const folder = temporaryFolder(t);
  await write(folder, { count: 10 });
  const saved = new Map(liveSegments(folder).map((path) => [path, readFileSync(path)]));
  await write(folder, { count: 10 });
  for (const [path, bytes] of saved) writeFileSync(path, bytes);
  const writer = await reopen(folder);
  assert.equal(writer.ok ? "" : writer.fault.code, "ledger/rollback");
});

test("missing derived files that the journal can give are written again and reported", async (t) => {
  for (const missing of ["public/tile/entries/002.p/44", "public/tile/0/002.p/44", "public/tile/1/000.p/2"]) {
    const folder = await makeDamageable(t);
    rmSync(join(folder, missing));
    assert.deepEqual(await write(folder, { count: 0 }), [missing]);
    assert.deepEqual(await problemsOf(folder), []);
  }
});

test("another key or another origin does not open the ledger", async (t) => {
  const folder = await makeDamageable(t);
  for (const [origin, key] of [
    [ORIGIN, privateKeyObject(new Uint8Array(32).fill(9))],
    ["log.test/other", KEY],
    ["DSSEv1 28 x", KEY],
  ] as const) {
    const writer = await openLedgerWriter({ folder, origin, key, thread: false });
    assert.equal(writer.ok ? "" : writer.fault.code, "ledger/corrupt-checkpoint");
  }
});
