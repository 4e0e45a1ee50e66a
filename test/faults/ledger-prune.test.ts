import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { failingFiles, type Journey, PowerCutFiles, SEED } from "./failing-files.ts";
import { temporaryFolder } from "./ledger-rig.ts";
import {
  bytesOf,
  grow,
  listPublic,
  makeLedger,
  MINIMUM,
  prune,
  readAll,
  recordedIndex,
  reopen,
  TAKEN,
  verify,
} from "./pruning-rig.ts";

test("what is pruned lies in the archive, byte for byte, and archive and published folder are the whole log", async (t) => {
  const folder = await makeLedger(t);
  const archive = join(temporaryFolder(t), "archive");
  const entries = readAll(folder);
  const before = new Map(listPublic(folder).map((path) => [path, bytesOf(folder, path)]));
  const pruned = await prune(folder, archive);
  assert.ok(pruned.ok, JSON.stringify(pruned));
  assert.deepEqual([pruned.value.minimumIndex, pruned.value.files], [MINIMUM, TAKEN.length]);
  assert.equal(
    pruned.value.bytes,
    TAKEN.reduce((sum, path) => sum + (before.get(path)?.length ?? 0), 0),
  );
  assert.deepEqual(listPublic(archive), TAKEN);
  for (const path of TAKEN) {
    assert.ok(!existsSync(join(folder, "public", path)));
    assert.deepEqual(bytesOf(archive, path), before.get(path));
  }
  assert.deepEqual(readAll(folder, archive), entries);

  // Copied together they are a published folder as if nothing had been pruned.
  const joined = join(temporaryFolder(t), "joined");
  for (const part of [folder, archive]) cpSync(part, joined, { recursive: true });
  const whole = await verify(joined);
  assert.deepEqual([whole.problems, whole.verifiedFrom, whole.pruning], [[], 0, null]);

  // Again: nothing is left to do, and nothing is recorded twice.
  const again = await prune(folder, archive);
  assert.ok(again.ok && again.value.files === 0);
  assert.equal((await verify(folder)).pruning?.entry, 812);

  // More of it, later, into the same archive.
  await grow(folder, 600);
  const more = await prune(folder, archive, { minimumIndex: 768 });
  assert.ok(more.ok && more.value.files === 2, JSON.stringify(more));
  assert.deepEqual(readAll(folder, archive), entries);
  const verified = await verify(folder, archive);
  assert.deepEqual([verified.problems, verified.verifiedFrom, verified.pruning?.event.minimumIndex], [[], 0, 768]);
  assert.equal((await verify(folder)).verifiedFrom, 768);
});

test("nothing goes that the log has not recorded, whatever refuses the record", async (t) => {
  const folder = await makeLedger(t);
  const archive = join(temporaryFolder(t), "archive");
  const files = listPublic(folder);
  const fault = { code: "ledger/not-acknowledged", where: "", detail: "" } as const;
  const refused = await prune(folder, archive, { record: () => Promise.resolve({ ok: false, fault }) });
  assert.equal(refused.ok ? "" : refused.fault.code, "ledger/not-acknowledged");
  assert.deepEqual(listPublic(folder), files);
  assert.ok((await prune(folder, archive)).ok);
});

test("a step of a pruning that fails loses nothing, removes nothing that is not recorded, and the next call finishes it", async (t) => {
  const sound = await makeLedger(t);
  const entries = readAll(sound);
  const root = temporaryFolder(t);
  const seen = new Set<string>();
  for (const failure of ["not persisted", "persisted", "torn"] as const) {
    let over = false;
    for (let step = 0; !over; step++) {
      const name = `${failure} ${step}`;
      const folder = join(root, name, "ledger");
      const archive = join(root, name, "archive");
      cpSync(sound, folder, { recursive: true });
      const journey: Journey = { steps: 0, failed: undefined };
      const pruned = await prune(folder, archive, { files: failingFiles({ step, failure, errno: "EIO" }, journey) });
      over = journey.failed === undefined;
      if (!over) seen.add(`${journey.failed} ${recordedIndex(folder) > 0 ? "after" : "before"}`);
      assert.equal(pruned.ok, over, name);
      const gone = TAKEN.filter((path) => !existsSync(join(folder, "public", path)));
      if (gone.length > 0) assert.equal(recordedIndex(folder), MINIMUM, name);
      assert.deepEqual(readAll(folder, archive), entries, name);
      assert.deepEqual((await verify(folder, archive)).problems, [], name);
      const opened = await reopen(folder);
      assert.ok(opened.ok && opened.value.recovery.rewrittenFiles.length === 0, `${name}: opening takes it for no damage`);
      assert.ok((await opened.value.close()).ok);
      const finished = await prune(folder, archive);
      assert.ok(finished.ok, `${name}: ${JSON.stringify(finished)}`);
      assert.deepEqual(
        TAKEN.filter((path) => existsSync(join(folder, "public", path))),
        [],
        name,
      );
      assert.deepEqual(listPublic(archive), TAKEN, name);
      assert.deepEqual(readAll(folder, archive), entries, name);
    }
  }
  for (const kind of [
    "create before",
    "write before",
    "fdatasync before",
    "rename before",
    "fsync before",
    "mkdir before",
    "unlink after",
  ])
    assert.ok(seen.has(kind), `${kind} never failed: ${[...seen].join(", ")}`);
});

/** Prunes until the power goes at a step; says whether that was before the end, and whether every entry can be read then. */
async function cutPower(sound: string, root: string, { step, flushes }: { readonly step: number; readonly flushes: boolean }) {
  const folder = join(root, `${flushes} ${step}`, "ledger");
  const archive = join(root, `${flushes} ${step}`, "archive");
  cpSync(sound, folder, { recursive: true });
  const power = new PowerCutFiles(step, SEED + step, { flushes });
  await prune(folder, archive, { files: power.files });
  if (!power.dead) return { isOver: true, entries: readAll(folder, archive), folder, archive };
  let entries: readonly string[] = [];
  try {
    entries = readAll(folder, archive);
  } catch {
    // What was lost cannot be read.
  }
  return { isOver: false, entries, folder, archive };
}

test("a power cut at any step of a pruning loses nothing; on a disk that lies about flushing it would", async (t) => {
  const sound = await makeLedger(t);
  const entries = readAll(sound);
  const root = temporaryFolder(t);
  let lost = 0;
  for (let step = 0, isOver = false; !isOver; step++) {
    const cut = await cutPower(sound, root, { step, flushes: true });
    isOver = cut.isOver;
    assert.deepEqual(cut.entries, entries, `step ${step}, seed ${SEED}`);
    const finished = await prune(cut.folder, cut.archive);
    // Bytes of an unflushed file in the archive are foreign to the next call, and a person has to look at them.
    if (finished.ok) assert.deepEqual((await verify(cut.folder, cut.archive)).problems, [], `step ${step}, seed ${SEED}`);
    else assert.equal(finished.fault.code, "ledger/foreign-backup");
    const lying = await cutPower(sound, root, { step, flushes: false });
    if (lying.entries.length !== entries.length || lying.entries.some((entry, n) => entry !== entries[n])) lost++;
  }
  assert.ok(lost > 0, "the loss would be seen");
});

test("an archive of something else is refused before anything is recorded", async (t) => {
  const sound = await makeLedger(t);
  const root = temporaryFolder(t);
  const other = join(root, "other");
  await grow(other, 1);
  await grow(other, 811);
  const rows: readonly (readonly [what: string, code: string, make: (archive: string, folder: string) => string | undefined])[] =
    [
      [
        "one with another file",
        "ledger/foreign-backup",
        (archive) => {
          mkdirSync(join(archive, "public/tile/entries"), { recursive: true });
          writeFileSync(join(archive, "public/tile/entries/001"), "of somebody else");
          return archive;
        },
      ],
      ["the ledger itself", "ledger/foreign-backup", (_, folder) => folder],
      [
        "a folder that leads to the published one",
        "ledger/foreign-backup",
        (archive, folder) => {
          mkdirSync(join(archive, "public"), { recursive: true });
          symlinkSync(join(folder, "public/tile"), join(archive, "public/tile"));
          return archive;
        },
      ],
      ["a folder in one that is not there", "ledger/write-failed", (archive) => join(archive, "deeper", "still")],
    ];
  for (const [what, code, make] of rows) {
    const folder = join(root, what, "ledger");
    cpSync(sound, folder, { recursive: true });
    const files = listPublic(folder);
    const archive = make(join(root, what, "archive"), folder) ?? "";
    const pruned = await prune(folder, archive);
    assert.equal(pruned.ok ? "pruned" : pruned.fault.code, code, what);
    assert.deepEqual([listPublic(folder), recordedIndex(folder)], [files, 0], what);
  }
  // A second archive would lack the beginning.
  const folder = join(root, "twice");
  cpSync(sound, folder, { recursive: true });
  assert.ok((await prune(folder, join(root, "first"), { minimumIndex: 256 })).ok);
  const second = await prune(folder, join(root, "second"));
  assert.equal(
    second.ok ? "pruned" : `${second.fault.code} ${second.fault.where}`,
    "ledger/missing-tile archive/tile/entries/000",
  );
});

test("damage is not put aside as if it were sound", async (t) => {
  const sound = await makeLedger(t);
  for (const path of TAKEN) {
    const folder = join(temporaryFolder(t), "ledger");
    cpSync(sound, folder, { recursive: true });
    const bytes = bytesOf(folder, path);
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    writeFileSync(join(folder, "public", path), bytes);
    const archive = join(temporaryFolder(t), "archive");
    const pruned = await prune(folder, archive);
    assert.equal(pruned.ok ? "pruned" : pruned.fault.code, "ledger/corrupt-tile", path);
    assert.ok(!existsSync(archive) && recordedIndex(folder) === 0, path);
  }
});
