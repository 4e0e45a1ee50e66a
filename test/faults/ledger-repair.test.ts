import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test, type TestContext } from "node:test";
import fc from "fast-check";
import { examineLedger, type LedgerWriterOptions, verifyLedger } from "../../packages/nightcore/src/store/tiles/index.ts";
import { failingFiles, type Journey } from "./failing-files.ts";
import { openWriter, payloadOf, temporaryFolder, VKEY } from "./ledger-rig.ts";

const SEGMENT_BYTES = 65_536;
const PAD = "x".repeat(60);

const reopen = (folder: string, options: Partial<LedgerWriterOptions> = {}) =>
  openWriter(folder, { segmentBytes: SEGMENT_BYTES, ...options });

async function write(folder: string, count: number): Promise<void> {
  const opened = await reopen(folder);
  assert.ok(opened.ok, JSON.stringify(opened));
  const { value: writer } = opened;
  for (let n = 0; n < count; n += 64) {
    const names = Array.from({ length: Math.min(64, count - n) }, (_, i) => writer.openedSize + n + i);
    assert.ok((await writer.append(names.map((name) => payloadOf(`${PAD} ${name}`)))).ok);
  }
  assert.ok((await writer.close()).ok);
}

/** 556 entries, all published; the journal holds the last of them, and the first bundle no more. */
async function makeLedger(t: TestContext): Promise<string> {
  const folder = join(temporaryFolder(t), "ledger");
  await write(folder, 556);
  return folder;
}

async function examine(folder: string, witnessed?: Uint8Array) {
  const examined = await examineLedger({ folder, vkey: VKEY, witnessed });
  assert.ok(examined.ok, JSON.stringify(examined));
  return examined.value;
}

async function said(folder: string, witnessed?: Uint8Array): Promise<readonly string[]> {
  const { findings } = await examine(folder, witnessed);
  return findings.map(({ nature, fault, file }) => `${nature} ${fault.code} ${file}`);
}

/** Every file of a folder, by its path there, with the digest of its bytes. */
function contentOf(folder: string): ReadonlyMap<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [relative(folder, path), createHash("sha256").update(readFileSync(path)).digest("hex")];
    }),
  );
}

function flipByte(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  writeFileSync(path, bytes);
}

const DERIVED: readonly (readonly [what: string, found: string, damage: (folder: string) => void])[] = [
  ["a byte of a full tile", "ledger/corrupt-tile public/tile/0/001", (at) => flipByte(join(at, "public/tile/0/001"), 64)],
  [
    "a byte of the upper tile",
    "ledger/corrupt-tile public/tile/1/000.p/2",
    (at) => flipByte(join(at, "public/tile/1/000.p/2"), 3),
  ],
  ["a cut tile", "ledger/corrupt-tile public/tile/0/000", (at) => truncateSync(join(at, "public/tile/0/000"), 8000)],
  ["a tile that is gone", "ledger/missing-tile public/tile/0/000", (at) => rmSync(join(at, "public/tile/0/000"))],
  [
    "a byte of the last tile",
    "ledger/corrupt-tile public/tile/0/002.p/44",
    (at) => flipByte(join(at, "public/tile/0/002.p/44"), 70),
  ],
  [
    "a byte of the last bundle, which the journal holds",
    "ledger/corrupt-tile public/tile/entries/002.p/44",
    (at) => flipByte(join(at, "public/tile/entries/002.p/44"), 200),
  ],
  [
    "the last bundle",
    "ledger/missing-tile public/tile/entries/002.p/44",
    (at) => rmSync(join(at, "public/tile/entries/002.p/44")),
  ],
  [
    "bytes behind the entries of an old bundle",
    "ledger/corrupt-tile public/tile/entries/000",
    (at) => writeFileSync(join(at, "public/tile/entries/000"), "more", { flag: "a" }),
  ],
  [
    "a file that was never renamed",
    "ledger/leftover public/tile/0/002.new",
    (at) => writeFileSync(join(at, "public/tile/0/002.new"), "x"),
  ],
];

for (const [what, found, damage] of DERIVED) {
  test(`derived, and given again as it was: ${what}`, async (t) => {
    const folder = await makeLedger(t);
    const before = contentOf(join(folder, "public"));
    damage(folder);
    assert.deepEqual(await said(folder), [`derived ${found}`]);
    const opened = await reopen(folder, { repair: true });
    assert.ok(opened.ok, JSON.stringify(opened));
    const { rewrittenFiles, removedFiles } = opened.value.recovery;
    const mended = [found.split(" ")[1]];
    assert.deepEqual([rewrittenFiles, removedFiles], found.includes("leftover") ? [[], mended] : [mended, []]);
    assert.ok((await opened.value.close()).ok);
    assert.deepEqual(contentOf(join(folder, "public")), before);
    assert.deepEqual(await said(folder), []);
  });
}

const AUTHORITATIVE: readonly (readonly [what: string, found: string, damage: (folder: string) => void])[] = [
  [
    "a byte of an old bundle",
    "ledger/corrupt-tile public/tile/entries/000",
    (at) => flipByte(join(at, "public/tile/entries/000"), 700),
  ],
  ["an old bundle", "ledger/missing-tile public/tile/entries/000", (at) => rmSync(join(at, "public/tile/entries/000"))],
  [
    "a byte of the checkpoint",
    "ledger/corrupt-checkpoint public/checkpoint",
    (at) => flipByte(join(at, "public/checkpoint"), 20),
  ],
  ["the checkpoint", "ledger/absent public/checkpoint", (at) => rmSync(join(at, "public/checkpoint"))],
  ["the journal", "ledger/rollback journal", (at) => rmSync(join(at, "journal"), { recursive: true })],
];

for (const [what, found, damage] of AUTHORITATIVE) {
  test(`authoritative, named, and left as it is with all that is beside it: ${what}`, async (t) => {
    const folder = await makeLedger(t);
    damage(folder);
    const other = join(folder, "public/tile/0/001");
    flipByte(other, 9);
    const spoilt = contentOf(join(folder, "public"));
    const names = await said(folder);
    assert.ok(names.includes(`authoritative ${found}`), names.join("\n"));
    assert.ok(names.includes("derived ledger/corrupt-tile public/tile/0/001"), names.join("\n"));
    const opened = await reopen(folder, { repair: true });
    assert.ok(!opened.ok);
    assert.deepEqual(contentOf(join(folder, "public")), spoilt);
  });
}

test("entries that were exchanged together with every tile above them do not give the signed root, and nothing is repaired", async (t) => {
  const folder = await makeLedger(t);
  const forged = join(temporaryFolder(t), "ledger");
  const opened = await reopen(forged);
  assert.ok(opened.ok);
  for (let n = 0; n < 556; n++) void opened.value.append([payloadOf(`${PAD} ${n === 300 ? "other" : n}`)]);
  assert.ok((await opened.value.close()).ok);
  for (const path of ["tile"]) cpSync(join(forged, "public", path), join(folder, "public", path), { recursive: true });
  const names = await said(folder);
  assert.ok(names.includes("authoritative ledger/corrupt-checkpoint public/checkpoint"), names.join("\n"));
  const spoilt = contentOf(join(folder, "public"));
  const refused = await reopen(folder, { repair: true });
  assert.equal(refused.ok ? "" : refused.fault.code, "ledger/corrupt-checkpoint");
  assert.deepEqual(contentOf(join(folder, "public")), spoilt);
});

test("every older form of a partial file that is still there is checked and given again", async (t) => {
  const folder = join(temporaryFolder(t), "ledger");
  await write(folder, 40);
  await write(folder, 4);
  for (const name of ["entries/000.p/40", "0/000.p/40"]) flipByte(join(folder, "public/tile", name), 5);
  assert.deepEqual((await said(folder)).toSorted(), [
    "derived ledger/corrupt-tile public/tile/0/000.p/40",
    "derived ledger/corrupt-tile public/tile/entries/000.p/40",
  ]);
  const opened = await reopen(folder, { repair: true });
  assert.ok(opened.ok && (await opened.value.close()).ok);
  assert.deepEqual(await said(folder), []);
});

test("a log that is shorter than what was cosigned, or contradicts it, is refused at the start and named", async (t) => {
  const folder = join(temporaryFolder(t), "ledger");
  await write(folder, 300);
  const older = join(temporaryFolder(t), "ledger");
  cpSync(folder, older, { recursive: true });
  await write(folder, 5);
  const witnessed = readFileSync(join(folder, "public/checkpoint"));
  assert.deepEqual(await said(folder, witnessed), []);
  const same = await reopen(folder, { witnessed });
  assert.ok(same.ok && (await same.value.close()).ok);

  assert.deepEqual(await said(older, witnessed), ["authoritative ledger/rollback ../witnessed"]);
  for (const thread of [false, true]) {
    const refused = await reopen(older, { witnessed, thread });
    assert.equal(refused.ok ? "" : `${refused.fault.code} ${refused.fault.where}`, "ledger/rollback ../witnessed");
  }
  const forked = await reopen(older);
  assert.ok(forked.ok);
  for (let n = 0; n < 5; n++) void forked.value.append([payloadOf(`fork ${n}`)]);
  assert.ok((await forked.value.close()).ok);
  assert.deepEqual(await said(older, witnessed), ["authoritative ledger/forked ../witnessed"]);
  const refused = await reopen(older, { witnessed });
  assert.equal(refused.ok ? "" : refused.fault.code, "ledger/forked");
  // Later the two may have gone on: then it is no more the start that sees it, but the examination does.
  await write(older, 3);
  assert.deepEqual(await said(older, witnessed), ["authoritative ledger/forked ../witnessed"]);
  assert.deepEqual(await said(folder, Buffer.from("what is this")), ["derived ledger/corrupt-checkpoint ../witnessed"]);
});

test("with a checkpoint that is damaged the tree is compared with what was witnessed, and without that with itself", async (t) => {
  const folder = await makeLedger(t);
  const witnessed = readFileSync(join(folder, "public/checkpoint"));
  flipByte(join(folder, "public/checkpoint"), 20);
  const against = await examine(folder, witnessed);
  assert.equal(against.comparedWith, "witnessed");
  assert.equal(against.findings.length, 1);
  const alone = await examine(folder);
  assert.deepEqual([alone.comparedWith, alone.size, alone.root], ["nothing", 556, against.root]);
});

test("an examination beside a writer names the writer and changes nothing", async (t) => {
  const folder = await makeLedger(t);
  assert.equal((await examine(folder)).writer, "");
  const opened = await reopen(folder);
  assert.ok(opened.ok);
  writeFileSync(join(folder, "public/tile/0/002.new"), "what the writer is about to rename");
  const before = contentOf(folder);
  const { writer, findings } = await examine(folder);
  assert.equal(writer, `held by process ${process.pid}`);
  assert.deepEqual(findings, []);
  assert.deepEqual(contentOf(folder), before);
  assert.ok((await opened.value.close()).ok);
});

test("a repair that dies at any step leaves what the next one finishes", async (t) => {
  const folder = await makeLedger(t);
  const sound = contentOf(join(folder, "public"));
  for (const name of ["0/000", "0/001", "1/000.p/2"]) flipByte(join(folder, "public/tile", name), 7);
  const root = temporaryFolder(t);
  let died = 0;
  for (const failure of ["not persisted", "persisted", "torn"] as const) {
    for (let step = 0, over = false; !over; step++) {
      const copy = join(root, `${failure} ${step}`);
      cpSync(folder, copy, { recursive: true });
      const journey: Journey = { steps: 0, failed: undefined };
      const files = failingFiles({ step, failure, errno: "EIO" }, journey);
      const opened = await reopen(copy, { repair: true, files });
      if (opened.ok) assert.ok((await opened.value.close()).ok);
      over = journey.failed === undefined;
      if (!opened.ok) died++;
      const again = await reopen(copy, { repair: true });
      assert.ok(again.ok && (await again.value.close()).ok, `step ${step} (${journey.failed}), ${failure}`);
      assert.deepEqual(contentOf(join(copy, "public")), sound, `step ${step} (${journey.failed}), ${failure}`);
    }
  }
  assert.ok(died > 20, `${died} times`);
});

type Damage = { readonly file: number; readonly at: number; readonly how: "flip" | "cut" | "delete" | "append" };

const RUNS = Number(process.env["NIGHTCORE_FUZZ_RUNS"] ?? 60);

const damage: fc.Arbitrary<Damage> = fc.record({
  file: fc.nat(1_000_000),
  at: fc.nat(1_000_000),
  how: fc.constantFrom("flip", "cut", "delete", "append"),
});

function damageable(folder: string): readonly string[] {
  return [...contentOf(folder).keys()].filter((path) => !path.includes("lock.")).toSorted();
}

function inflict(folder: string, { file, at, how }: Damage): void {
  const paths = damageable(folder);
  const path = join(folder, paths[file % paths.length] ?? "");
  const size = readFileSync(path).length;
  if (how === "delete") rmSync(path);
  else if (how === "append") writeFileSync(path, "more", { flag: "a" });
  else if (how === "cut") truncateSync(path, at % Math.max(1, size));
  else if (size > 0) flipByte(path, at % size);
}

test("after any damage either a repair makes the ledger sound, or something authoritative is named and nothing published is touched", async (t) => {
  const sound = await makeLedger(t);
  const root = temporaryFolder(t);
  const seen = { sound: 0, derived: 0, authoritative: 0 };
  let n = 0;
  // These come first, so that each outcome is seen whatever the seed is.
  const planted = ["public/tile/0/001", "public/checkpoint"].map((path): [readonly Damage[]] => [
    [{ file: damageable(sound).indexOf(path), at: 40, how: "flip" }],
  ]);
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 3 }), async (damages) => {
      const folder = join(root, String(n++));
      cpSync(sound, folder, { recursive: true });
      for (const one of damages) inflict(folder, one);
      const spoilt = contentOf(join(folder, "public"));
      const { findings } = await examine(folder);
      const verified = await verifyLedger({ folder, vkey: VKEY });
      if (findings.length === 0) {
        seen.sound++;
        assert.deepEqual(verified.ok && verified.value.problems, []);
      }
      const opened = await reopen(folder, { repair: true });
      if (opened.ok) assert.ok((await opened.value.close()).ok);
      if (findings.some(({ nature }) => nature === "authoritative")) {
        seen.authoritative++;
        if (!opened.ok) assert.deepEqual(contentOf(join(folder, "public")), spoilt);
      } else {
        if (findings.length > 0) seen.derived++;
        assert.ok(opened.ok, JSON.stringify([opened, findings]));
        assert.deepEqual(contentOf(join(folder, "public")), contentOf(join(sound, "public")), "as it was");
        assert.deepEqual(await said(folder), []);
      }
      rmSync(folder, { recursive: true });
    }),
    { numRuns: RUNS, examples: planted },
  );
  assert.ok(seen.derived > 0 && seen.authoritative > 0, JSON.stringify(seen));
});
