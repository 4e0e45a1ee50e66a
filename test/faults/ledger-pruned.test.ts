import assert from "node:assert/strict";
import { cpSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { makeEntrySigner, sealEnvelope } from "../../packages/nightcore/src/attest/index.ts";
import { makeTreeHash, verifyConsistency, verifyInclusion } from "../../packages/nightcore/src/ledger/index.ts";
import { privateKeyObject, publicKeyOf, sha256, signerOf } from "../../packages/nightcore/src/store/keys/index.ts";
import {
  backUpLedger,
  examineLedger,
  LedgerDamage,
  readConsistency,
  readProof,
  restoreLedger,
} from "../../packages/nightcore/src/store/tiles/index.ts";
import { openWriter, temporaryFolder, VKEY } from "./ledger-rig.ts";
import {
  bytesOf,
  grow,
  listPublic,
  makeLedger,
  MINIMUM,
  prune,
  pruningStatement,
  read,
  readAll,
  reopen,
  SIZE,
  TAKEN,
  verify,
} from "./pruning-rig.ts";

const HASH = makeTreeHash(sha256);

type Pruned = { readonly folder: string; readonly archive: string; readonly sound: string };

/** A pruned ledger with its archive, and a copy of it from before. */
async function makePruned(t: TestContext): Promise<Pruned> {
  const folder = await makeLedger(t);
  const sound = join(temporaryFolder(t), "ledger");
  cpSync(folder, sound, { recursive: true });
  const archive = join(temporaryFolder(t), "archive");
  assert.ok((await prune(folder, archive)).ok);
  return { folder, archive, sound };
}

/** The fault with which reading entries ends, and where; empty when it does not. */
function faultOfReading(folder: string, [from, to]: readonly [number, number], archive?: string): string {
  try {
    const count = [...read(folder, archive).entries(from, to)].length;
    return count === to - from ? "" : `${count} entries`;
  } catch (error) {
    assert.ok(error instanceof LedgerDamage, String(error));
    return `${error.fault.code} ${error.fault.where}`;
  }
}

function flip(path: string, at: number, bytes: Buffer): void {
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

const problemsOf = async (folder: string, archive?: string) =>
  (await verify(folder, archive)).problems.map(({ code, where }) => `${code} ${where}`);

test("without the archive, entries and proofs from the minimum index on are there, and the rest is pruned and not damaged", async (t) => {
  const { folder, archive, sound } = await makePruned(t);
  const gone = "ledger/pruned public/tile/entries/000";
  assert.equal(faultOfReading(folder, [0, 1]), gone);
  assert.equal(faultOfReading(folder, [MINIMUM - 1, MINIMUM]), "ledger/pruned public/tile/entries/001");
  assert.equal(faultOfReading(folder, [MINIMUM, SIZE]), "");
  assert.equal(faultOfReading(folder, [0, SIZE], archive), "");
  assert.equal(faultOfReading(folder, [0, 1], join(archive, "elsewhere")), gone);
  const checked = read(folder).checkReadable();
  assert.equal(checked.ok ? "" : checked.fault.code, "ledger/pruned");
  assert.match(checked.ok ? "" : checked.fault.detail, /entry 812 took the entries before 512 into `/);
  assert.ok(read(folder, archive).checkReadable().ok);
  assert.ok(read(sound).checkReadable().ok);

  for (const [place, from] of [
    [undefined, MINIMUM],
    [archive, 0],
  ] as const) {
    const reader = read(folder, place);
    const { size, root } = reader.published;
    for (let index = from; index < size; index += 37) {
      const path = readProof(reader, index);
      const [entry] = reader.entries(index, index + 1);
      assert.ok(path.ok && entry !== undefined);
      assert.ok(verifyInclusion(HASH, { index, size, leaf: HASH.leaf(entry), path: path.value, root }).ok, `${index}`);
    }
  }
  const below = readProof(read(folder), MINIMUM - 1);
  assert.equal(below.ok ? "" : below.fault.code, "ledger/pruned");
  const { published } = read(folder);
  const old = read(sound).published;
  const path = readConsistency(read(folder), { from: old.size, to: published.size });
  const sizes = { from: old.size, to: published.size, fromRoot: old.root, toRoot: published.root };
  assert.ok(path.ok && verifyConsistency(HASH, { ...sizes, path: path.value }).ok);
});

test("a verification says from where on it is one, and with the archive it is of the whole log", async (t) => {
  const { folder, archive, sound } = await makePruned(t);
  const alone = await verify(folder);
  assert.deepEqual([alone.problems, alone.verifiedFrom, alone.pruning?.entry], [[], MINIMUM, SIZE]);
  const whole = await verify(folder, archive);
  assert.deepEqual([whole.problems, whole.verifiedFrom, whole.root], [[], 0, alone.root]);
  const never = await verify(sound);
  assert.deepEqual([never.problems, never.verifiedFrom, never.pruning], [[], 0, null]);
});

test("damage of a pruned log is damage", async (t) => {
  const { folder, archive, sound } = await makePruned(t);
  type Change = (where: Pruned) => void;
  const remove =
    (path: string): Change =>
    ({ folder: at }) =>
      rmSync(join(at, "public", path));
  const archived =
    (path: string, at: number): Change =>
    ({ archive: place }) =>
      flip(join(place, "public", path), at, bytesOf(place, path));
  const rows: readonly (readonly [what: string, change: Change, alone: readonly string[], whole: readonly string[]])[] = [
    [
      "a bundle above",
      remove("tile/entries/002"),
      ["ledger/missing-tile public/tile/entries/002"],
      ["ledger/missing-tile public/tile/entries/002"],
    ],
    ["a tile above", remove("tile/0/002"), ["ledger/missing-tile public/tile/0/002"], ["ledger/missing-tile public/tile/0/002"]],
    [
      "an archived bundle",
      ({ archive: at }) => rmSync(join(at, "public/tile/entries/001")),
      [],
      ["ledger/missing-tile archive/tile/entries/001"],
    ],
    [
      "an archived tile",
      ({ archive: at }) => rmSync(join(at, "public/tile/0/001")),
      [],
      ["ledger/missing-tile archive/tile/0/001"],
    ],
    ["an entry in the archive", archived("tile/entries/001", 40), [], ["ledger/corrupt-tile archive/tile/entries/001:0"]],
    ["a hash in the archive", archived("tile/0/000", 64), [], ["ledger/corrupt-tile archive/tile/0/000:64"]],
  ];
  for (const [what, change, alone, whole] of rows) {
    const root = join(temporaryFolder(t), "copy");
    const copy = { folder: join(root, "ledger"), archive: join(root, "archive"), sound };
    cpSync(folder, copy.folder, { recursive: true });
    cpSync(archive, copy.archive, { recursive: true });
    change(copy);
    assert.deepEqual(await problemsOf(copy.folder), alone, what);
    assert.deepEqual(await problemsOf(copy.folder, copy.archive), whole, what);
    const place = { base: root, folder: copy.archive };
    const examined = await examineLedger({ folder: copy.folder, vkey: VKEY, witnessed: undefined, archive: place });
    assert.ok(examined.ok);
    const natures = examined.value.findings.map(({ nature, fault }) => `${nature} ${fault.code}`);
    const nature = what === "a tile above" ? "derived" : "authoritative";
    assert.deepEqual(
      natures,
      whole.map((said) => `${nature} ${said.split(" ")[0] ?? ""}`),
      what,
    );
  }
});

test("what is missing without the log's own word for it is missing", async (t) => {
  const { sound } = await makePruned(t);
  for (const path of TAKEN) rmSync(join(sound, "public", path));
  assert.equal(faultOfReading(sound, [0, 1]), "ledger/missing-tile public/tile/entries/000");
  assert.ok((await problemsOf(sound)).includes("ledger/missing-tile public/tile/entries/000"));

  // Somebody else's word does not count, nor does one that takes more than is before it.
  const stranger = privateKeyObject(new Uint8Array(32).fill(7));
  const sealed = sealEnvelope(
    pruningStatement(MINIMUM, "archive"),
    makeEntrySigner(sha256, publicKeyOf(stranger), signerOf(stranger)),
  );
  assert.ok(sealed.ok);
  for (const [payload, entries] of [
    [sealed.value, "raw"],
    [pruningStatement(1024, "archive"), "sealed"],
  ] as const) {
    const opened = await openWriter(sound, { segmentBytes: 65_536, entries });
    assert.ok(opened.ok && (await opened.value.append([payload])).ok && (await opened.value.close()).ok);
    assert.equal(faultOfReading(sound, [0, 1]), "ledger/missing-tile public/tile/entries/000");
  }
});

test("a repair of a pruned log needs the archive, and does not fetch back what was pruned", async (t) => {
  const { folder, archive } = await makePruned(t);
  const files = listPublic(folder);
  const tile = files.find((path) => path.startsWith("tile/1/")) ?? "";
  for (const path of [tile, "tile/0/002"]) flip(join(folder, "public", path), 5, bytesOf(folder, path));
  const refused = await reopen(folder, { repair: true });
  assert.equal(refused.ok ? "" : refused.fault.code, "ledger/pruned");
  const opened = await reopen(folder, { repair: true, archive: { base: folder, folder: archive } });
  assert.ok(opened.ok, JSON.stringify(opened));
  assert.deepEqual(opened.value.recovery.rewrittenFiles.toSorted(), [`public/tile/0/002`, `public/${tile}`]);
  assert.ok((await opened.value.close()).ok);
  assert.deepEqual(listPublic(folder), files);
  assert.deepEqual(await problemsOf(folder, archive), []);

  // A tile above, gone altogether, is what opening gives again without being asked: from the archive, too.
  rmSync(join(folder, "public", tile));
  const without = await reopen(folder);
  assert.equal(without.ok ? "" : without.fault.code, "ledger/pruned");
  const mended = await reopen(folder, { archive: { base: folder, folder: archive } });
  assert.ok(mended.ok && (await mended.value.close()).ok, JSON.stringify(mended));
  assert.deepEqual(await problemsOf(folder, archive), []);
});

test("without a checkpoint a pruned log is counted and compared from its minimum index on", async (t) => {
  const { folder } = await makePruned(t);
  rmSync(join(folder, "public/checkpoint"));
  const examined = await examineLedger({ folder, vkey: VKEY, witnessed: undefined });
  assert.ok(examined.ok);
  const { size, verifiedFrom, findings } = examined.value;
  assert.deepEqual([size, verifiedFrom], [SIZE + 1, MINIMUM]);
  assert.deepEqual(
    findings.map(({ fault }) => fault.code),
    ["ledger/absent"],
  );
});

test("a backup is whole: it takes the archive's entries too, and goes on without them where it has them", async (t) => {
  const { folder, archive, sound } = await makePruned(t);
  const root = temporaryFolder(t);
  const backUp = (to: string, place?: string) =>
    backUpLedger({ reader: read(folder, place), vkey: VKEY, folder: join(root, to) });
  const refused = await backUp("refused");
  assert.equal(refused.ok ? "" : refused.fault.code, "ledger/pruned");
  assert.ok(!existsSync(join(root, "refused/public/checkpoint")));
  const made = await backUp("whole", archive);
  assert.ok(made.ok && made.value.size === SIZE + 1, JSON.stringify(made));
  assert.deepEqual(readAll(join(root, "whole")), readAll(sound));

  const early = await backUpLedger({ reader: read(sound), vkey: VKEY, folder: join(root, "early") });
  assert.ok(early.ok);
  await grow(folder, 100);
  const continued = await backUp("early");
  assert.ok(continued.ok && continued.value.added === 101, JSON.stringify(continued));
  assert.deepEqual(readAll(join(root, "early")), readAll(sound));

  // A backup holds all that an archive has to.
  const other = join(root, "other");
  cpSync(sound, other, { recursive: true });
  assert.ok((await prune(other, join(root, "early"))).ok);
  assert.deepEqual(await problemsOf(other, join(root, "early")), []);

  // What is restored is whole again, and the next pruning takes it from there.
  const at = "2026-01-01T00:00:00.000Z";
  const seen = { size: 0, seenBy: "nobody" };
  const copy = await restoreLedger({ from: folder, vkey: VKEY, folder: join(root, "copy"), at, seen });
  assert.equal(copy.ok ? "" : copy.fault.code, "ledger/pruned", "a copy of what is published is no backup");
  const restored = join(root, "restored");
  assert.ok((await restoreLedger({ from: join(root, "whole"), vkey: VKEY, folder: restored, at, seen })).ok);
  const { problems, verifiedFrom, pruning } = await verify(restored);
  assert.deepEqual([problems, verifiedFrom, pruning], [[], 0, null]);
});
