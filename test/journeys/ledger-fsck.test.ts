import assert from "node:assert/strict";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { Workspace } from "./workspace.ts";

type Found = { readonly nature: string; readonly code: string; readonly file: string; readonly advice: string };
type Examined = {
  readonly sound: boolean;
  readonly findings: readonly Found[];
  readonly repaired: { readonly rewritten: readonly string[]; readonly removed: readonly string[] } | null;
};

const own = (workspace: Workspace, ...path: readonly string[]) => join(workspace.root, ".nightcore", ...path);
const fsck = (workspace: Workspace, ...args: readonly string[]) => workspace.json<Examined>("ledger", "fsck", ...args);
const LONG_AGO = new Date("2026-01-01");

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0x20, at);
  writeFileSync(path, bytes);
}

function newest(workspace: Workspace, level: string): string {
  const folder = own(workspace, `ledger/public/tile/${level}/000.p`);
  return join(folder, readdirSync(folder).toSorted((a, b) => Number(b) - Number(a))[0] ?? "");
}

function changeRows(workspace: Workspace, sql: string): void {
  const database = new DatabaseSync(own(workspace, "state.db"));
  database.exec(sql);
  database.close();
}

const STRAY = "store.json.0f0e0d0c-1111-2222-3333-444455556666.tmp";

const DERIVED: readonly (readonly [what: string, code: string, file: RegExp, damage: (workspace: Workspace) => void])[] = [
  ["a tile", "ledger/corrupt-tile", /^public\/tile\/0\//, (workspace) => flip(newest(workspace, "0"), 33)],
  ["a bundle", "ledger/corrupt-tile", /^public\/tile\/entries\//, (workspace) => flip(newest(workspace, "entries"), 33)],
  ["a tile that is gone", "ledger/missing-tile", /^public\/tile\/0\//, (workspace) => rmSync(newest(workspace, "0"))],
  [
    "an unfinished file in the ledger",
    "ledger/leftover",
    /^public\/checkpoint\.new$/,
    (workspace) => writeFileSync(own(workspace, "ledger/public/checkpoint.new"), "half"),
  ],
  [
    "a file that was never renamed, beside the ledger",
    "ledger/leftover",
    /^\.\.\/\.\.\/trust\/store\.json\..*\.tmp$/,
    (workspace) => {
      const path = join(workspace.root, "trust", STRAY);
      writeFileSync(path, "half");
      utimesSync(path, LONG_AGO, LONG_AGO);
    },
  ],
  [
    "rows of the projection",
    "ledger/projection-differs",
    /^\.\.\/state\.db$/,
    (workspace) => changeRows(workspace, "UPDATE runs SET status = 'ran'"),
  ],
  [
    "a projection that is none",
    "ledger/projection-differs",
    /^\.\.\/state\.db$/,
    (workspace) => writeFileSync(own(workspace, "state.db"), "no database"),
  ],
  [
    "a witnessed checkpoint that nobody has signed",
    "ledger/corrupt-checkpoint",
    /^\.\.\/witnessed$/,
    (workspace) => writeFileSync(own(workspace, "witnessed"), "what is this"),
  ],
];

test("what is derived is named and left alone, and with --repair given again and recorded", (context) => {
  const made = Workspace.make(context);
  made.addTenant("hello");
  made.expect(3, "run", "hello"); // nobody has signed it
  assert.deepEqual([fsck(made).exit, fsck(made).findings], [0, []]);
  for (const [what, code, file, damage] of DERIVED) {
    const workspace = Workspace.make(context);
    rmSync(workspace.root, { recursive: true });
    cpSync(made.root, workspace.root, { recursive: true });
    damage(workspace);
    const before = fsck(workspace);
    assert.deepEqual([before.exit, before.sound, before.repaired], [1, false, null], what);
    const [found] = before.findings;
    assert.deepEqual([before.findings.length, found?.nature, found?.code], [1, "derived", code], what);
    assert.match(found?.file ?? "", file, what);
    assert.match(found?.advice ?? "", /fsck --repair/, what);
    assert.deepEqual(fsck(workspace).findings, before.findings, "looking changes nothing");

    const after = fsck(workspace, "--repair");
    assert.deepEqual([after.exit, after.sound, after.findings], [0, true, []], what);
    const mended = [...(after.repaired?.rewritten ?? []), ...(after.repaired?.removed ?? [])];
    assert.ok(mended.length === 1 && file.test(mended[0] ?? ""), `${what}: ${mended.join()}`);
    const recorded = workspace.nightcore("ledger", "find", "--kind", "recovery", "--json").stdout;
    assert.ok(recorded.includes(JSON.stringify(mended[0])), what);
    assert.match(workspace.expect(0, "ledger", "verify").stderr, /sound/, what);
    assert.equal(existsSync(join(workspace.root, "trust", STRAY)), false);
  }
});

const AUTHORITATIVE: readonly (readonly [what: string, code: string, advice: RegExp, damage: (workspace: Workspace) => void])[] =
  [
    [
      "the checkpoint",
      "ledger/corrupt-checkpoint",
      /from a backup, or from a witness/,
      (workspace) => flip(own(workspace, "ledger/public/checkpoint"), 30),
    ],
    [
      "the journal",
      "ledger/rollback",
      /newer copy/,
      (workspace) => rmSync(own(workspace, "ledger/journal"), { recursive: true }),
    ],
    [
      "a frame",
      "ledger/corrupt-frame",
      /keep the folder/,
      (workspace) => {
        const path = own(workspace, "ledger/journal/slot-0");
        flip(path, readFileSync(path).indexOf("NCFR") + 100);
      },
    ],
    [
      "a projection that has seen more than the log has",
      "ledger/rollback",
      /newer copy/,
      (workspace) => changeRows(workspace, "UPDATE meta SET applied = 900"),
    ],
  ];

test("what nothing here gives again is named, with what to do, and nothing is repaired beside it", (context) => {
  const made = Workspace.make(context);
  made.addTenant("hello");
  made.expect(3, "run", "hello");
  for (const [what, code, advice, damage] of AUTHORITATIVE) {
    const workspace = Workspace.make(context);
    rmSync(workspace.root, { recursive: true });
    cpSync(made.root, workspace.root, { recursive: true });
    damage(workspace);
    const tile = newest(workspace, "0");
    flip(tile, 33);
    const spoilt = readFileSync(tile);
    const { exit, findings, repaired } = fsck(workspace, "--repair");
    assert.deepEqual([exit, repaired], [4, null], what);
    const found = findings.find(({ nature }) => nature === "authoritative");
    assert.equal(found?.code, code, what);
    assert.match(found?.advice ?? "", advice, what);
    assert.deepEqual(readFileSync(tile), spoilt, what);
    assert.match(workspace.expect(4, "ledger", "fsck", "--repair").stderr, /nothing was repaired/, what);
  }
});

test("a log that is shorter than what a witness has cosigned is not continued", (context) => {
  const workspace = Workspace.make(context);
  workspace.addTenant("hello");
  const older = join(workspace.root, "older");
  cpSync(own(workspace, "ledger"), older, { recursive: true });
  workspace.expect(3, "run", "hello");
  cpSync(own(workspace, "ledger/public/checkpoint"), own(workspace, "witnessed"));
  workspace.expect(3, "run", "hello");
  rmSync(own(workspace, "ledger"), { recursive: true });
  cpSync(older, own(workspace, "ledger"), { recursive: true });
  rmSync(own(workspace, "state.db"));
  assert.match(workspace.expect(5, "run", "hello").stderr, /ledger\/rollback/);
  assert.match(workspace.expect(4, "ledger", "fsck").stderr, /entries were cosigned, and here are \d+/);
});

test("a second signature of the checkpoint that is spoilt is named, and one that is sound goes into a backup", (context) => {
  const workspace = Workspace.make(context, "--ml-dsa-44");
  assert.equal(fsck(workspace).exit, 0);
  workspace.expect(0, "ledger", "backup", "backup", "--verify");
  const path = own(workspace, "ledger/public/checkpoint");
  const checkpoint = readFileSync(path, "utf8");
  assert.equal(readFileSync(join(workspace.root, "backup/public/checkpoint"), "utf8"), checkpoint);
  const at = checkpoint.lastIndexOf("— ") + 200;
  writeFileSync(path, `${checkpoint.slice(0, at)}${checkpoint[at] === "A" ? "B" : "A"}${checkpoint.slice(at + 1)}`);
  const { exit, findings } = fsck(workspace, "--repair");
  assert.deepEqual(
    [exit, findings.map(({ code, nature }) => [code, nature])],
    [4, [["ledger/corrupt-checkpoint", "authoritative"]]],
  );
});
