import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Digest, utf8 } from "#core";
import { openV8Engine } from "#engine/v8";
import type { Engine, EngineJob, Mount } from "#ports";
import { evolve, type IntentEvent, MemoryRows, type OutcomeEvent } from "#state";
import { sha256 } from "#store/keys";
import { COMPARED, type RecordedRun, replayEvent, replayRun } from "#worker";
import { listArguments } from "./argument-listing.ts";
import { keepInputs, listMounts, rebuildMount } from "./mount-listing.ts";
import { jobFor, MemoryBlobs, recordRun } from "./recorded-run.test.ts";

// (module
//   (import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))
//   (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
//   (memory (export "memory") 1)
//   (data (i32.const 0) "\08\00\00\00\20\00\00\00")
//   (func (export "_start")
//     (drop (call 0 (i32.const 8) (i32.const 32)))
//     (drop (call 1 (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64)))))
const DICE = Uint8Array.fromHex(
  "0061736d0100000001120360027f7f017f60047f7f7f7f017f60000002470216776173695f736e617073686f745f70726576" +
    "696577310a72616e646f6d5f676574000016776173695f736e617073686f745f70726576696577310866645f777269746500" +
    "01030201020503010001071302066d656d6f72790200065f737461727400020a170115004108412010001a41014100410141" +
    "c00010011a0b0b0e010041000b080800000020000000",
);

const rows = new MemoryRows();

/** Runs the dice once and returns what the log would say of it. */
async function record(engine: Engine, mounts: readonly Mount[] = [], argv: readonly string[] = ["dice"]) {
  const recorded = await recordRun(engine, { ...jobFor(DICE), stdin: utf8("input"), mounts, argv });
  assert.equal(recorded.outcome.stdout?.bytes, 32, recorded.outcome.fault?.message ?? "");
  return recorded;
}

const opened = await openV8Engine({ slots: 1 });
assert.ok(opened.ok);
const engine = opened.value;
test.after(() => engine.close());

const MOUNTS: readonly Mount[] = [
  {
    guestPath: "/sandbox",
    folders: ["a", "a/b c"],
    files: [
      { path: "a/x.txt", bytes: utf8("x") },
      { path: 'q"\n', bytes: new Uint8Array() },
    ],
  },
];

test("a run that was recorded replays identically, its mounts included", async () => {
  const { blobs, ...run } = await record(engine, MOUNTS);
  const replay = await replayRun(run, { engine, blobs, sha256, rows });
  assert.ok(replay.ok, JSON.stringify(replay));
  assert.equal(replay.value.divergence, undefined);
  assert.equal(replayEvent(run.intent, replay.value, 0).identical, true);
});

type Change = (run: { readonly intent: IntentEvent; readonly outcome: OutcomeEvent }) => RecordedRun;
const other = "ab".repeat(32) as Digest;
const usage = (change: Partial<NonNullable<OutcomeEvent["usage"]>>): Change => {
  return ({ intent, outcome }) => ({
    intent,
    outcome: { ...outcome, usage: { ...(outcome.usage ?? assert.fail()), ...change } },
  });
};
const outcomeOf = (change: Partial<OutcomeEvent>): Change => {
  return ({ intent, outcome }) => ({ intent, outcome: { ...outcome, ...change } });
};

// Each row plants one change into the record, and sometimes a later one beside it; the first in the order is the one named.
const PLANTED: readonly (readonly [planted: string, named: (typeof COMPARED)[number], change: Change])[] = [
  ["another exit code", "exit", outcomeOf({ exitCode: 1, stdout: { digest: other, bytes: 1 } })],
  ["a trap that did not happen", "exit", outcomeOf({ exitCode: null, fault: { code: "engine/trap", message: "" } })],
  ["a fault beside the exit code", "fault", outcomeOf({ fault: { code: "engine/trap", message: "" }, results: ["1"] })],
  ["a result", "results", outcomeOf({ results: ["1"], stdout: { digest: other, bytes: 1 } })],
  ["other output", "stdout", outcomeOf({ stdout: { digest: other, bytes: 32 }, stderr: { digest: other, bytes: 1 } })],
  ["other complaints", "stderr", outcomeOf({ stderr: { digest: other, bytes: 1 } })],
  ["files that it did not leave", "output tree", outcomeOf({ outputTree: { digest: other, files: 1, bytes: 1 } })],
  ["one unit of fuel less", "fuel", usage({ fuel: 1, hostCalls: 99 })],
  ["one call more", "host calls", usage({ hostCalls: 3, memoryBytes: 0 })],
  ["less memory", "memory", usage({ memoryBytes: 0 })],
  ["a seed that was exchanged", "stdout", ({ intent, outcome }) => ({ intent: { ...intent, seed: "00".repeat(32) }, outcome })],
  [
    "a seed that was kept, and less fuel",
    "exit",
    ({ intent, outcome }) => ({ intent: { ...intent, budgets: { ...intent.budgets, fuel: 1 } }, outcome }),
  ],
  ["a capability less", "stdout", ({ intent, outcome }) => ({ intent: { ...intent, capabilities: [] }, outcome })],
];

for (const [planted, named, change] of PLANTED) {
  test(`a record with ${planted} diverges first in ${named}`, async () => {
    const { blobs, ...run } = await record(engine);
    const replay = await replayRun(change(run), { engine, blobs, sha256, rows });
    assert.ok(replay.ok, JSON.stringify(replay));
    assert.equal(replay.value.divergence?.what, named);
    assert.notEqual(replay.value.divergence?.recorded, replay.value.divergence?.replayed);
    assert.equal(replayEvent(run.intent, replay.value, 0).identical, false);
  });
}

test("every member that is compared has a planted divergence", () => {
  assert.deepEqual([...new Set(PLANTED.map(([, named]) => named))].toSorted(), [...COMPARED].toSorted());
});

test("another engine version is told, and the rest is compared all the same", async () => {
  const { blobs, intent, outcome } = await record(engine);
  const replay = await replayRun({ intent: { ...intent, engine: "older/1" }, outcome }, { engine, blobs, sha256, rows });
  assert.ok(replay.ok);
  assert.deepEqual(replay.value, { engine: { recorded: "older/1", replayed: engine.version }, divergence: undefined });
});

const LONG = ["dice", "\u0001".repeat(30_000)];

test("arguments that would not fit into an entry are recorded by their digest, and replay", async () => {
  const { blobs, ...run } = await record(engine, MOUNTS, LONG);
  assert.deepEqual([run.intent.argv, run.intent.env, run.intent.numericArgs], [null, null, null]);
  assert.ok(JSON.stringify(run.intent).length < 8192);
  const replay = await replayRun(run, { engine, blobs, sha256, rows });
  assert.ok(replay.ok, JSON.stringify(replay));
  assert.equal(replay.value.divergence, undefined);
});

test("each blob is needed, by its own bytes: one that is gone or changed is named, and nothing runs", async () => {
  const { blobs, ...run } = await record(engine, MOUNTS, LONG);
  blobs.kept.delete(run.outcome.hostCallTrace?.digest ?? "");
  let runs = 0;
  const counted: Engine = { ...engine, run: (job) => (runs++, engine.run(job)) };
  assert.equal(blobs.kept.size, 4, "module, input, arguments and one file; what is empty is not kept");
  for (const [digest, bytes] of [...blobs.kept]) {
    const changed = Uint8Array.from(bytes);
    changed[0] = (changed[0] ?? 0) ^ 1;
    for (const attack of ["gone", "changed"]) {
      if (attack === "gone") blobs.kept.delete(digest);
      else blobs.kept.set(digest, changed);
      const replay = await replayRun(run, { engine: counted, blobs, sha256, rows });
      assert.ok(!replay.ok);
      assert.equal(replay.fault.code, "worker/blob-missing");
      assert.ok(replay.fault.detail.includes(digest), attack);
    }
    blobs.kept.set(digest, bytes);
  }
  assert.equal(runs, 0);
});

const REFUSED: readonly (readonly [what: string, change: (run: RecordedRun) => RecordedRun])[] = [
  ["nothing executed", () => ({ intent: undefined, outcome: undefined })],
  ["no outcome", ({ intent }) => ({ intent, outcome: undefined })],
  ...(["clock:real", "random:real"] as const).map((capability): (typeof REFUSED)[number] => [
    capability,
    ({ intent, outcome }) => ({ intent: { ...(intent ?? assert.fail()), capabilities: [capability] }, outcome }),
  ]),
  ...[
    "engine/deadline",
    "engine/cancelled",
    "engine/sandbox-died",
    "engine/sandbox-out-of-memory",
    "engine/input-failed",
    "engine/input-exceeded",
    "engine/protocol",
    "worker/interrupted",
  ].map((code): (typeof REFUSED)[number] => [
    code,
    ({ intent, outcome }) => ({ intent, outcome: { ...(outcome ?? assert.fail()), fault: { code, message: "" } } }),
  ]),
];

for (const [what, change] of REFUSED) {
  test(`a run with ${what} is not replayable`, async () => {
    const { blobs, ...run } = await record(engine);
    const replay = await replayRun(change(run), { engine, blobs, sha256, rows });
    assert.ok(!replay.ok);
    assert.equal(replay.fault.code, "worker/not-replayable");
  });
}

test("a module that was quarantined since is not run again", async () => {
  const { blobs, ...run } = await record(engine);
  const quarantined = new MemoryRows();
  evolve(quarantined, { kind: "quarantine", at: "", digest: run.intent.digest, reason: "" }, { index: 9 });
  const replay = await replayRun(run, { engine, blobs, sha256, rows: quarantined });
  assert.ok(!replay.ok);
  assert.match(replay.fault.detail, /quarantined/);
});

test("any tree comes back from its listing, in the intent or as a blob, and an exchanged listing does not", () => {
  // U+2028 ends a line for regular expressions, and not for JSON.
  const path = fc.oneof(
    fc.string({ unit: "binary", minLength: 1, maxLength: 600 }),
    fc.constant("\u2028\n\u2029"),
    fc.nat(3).map((n) => "\u0001/".repeat(200 * n)),
  );
  const tree: fc.Arbitrary<Mount> = fc.record(
    {
      guestPath: fc.constant("/sandbox"),
      folders: fc.array(path, { maxLength: 12 }),
      files: fc.array(fc.record({ path, bytes: fc.uint8Array({ maxLength: 20 }) }, { noNullPrototype: true }), { maxLength: 12 }),
    },
    { noNullPrototype: true },
  );
  let asBlob = 0;
  fc.assert(
    fc.property(tree, (mount) => {
      const blobs = new MemoryBlobs();
      const [listed] = listMounts([mount], sha256);
      assert.ok(listed !== undefined);
      keepInputs(blobs, { digest: other, bytes: DICE, stdin: new Uint8Array() } as unknown as EngineJob, {
        stdin: other,
        mounts: [listed],
        called: listArguments({ numericArgs: [], argv: [], env: [] }, sha256),
      });
      const find = (digest: Digest) => blobs.get(digest);
      if (listed.said.listing === null) asBlob++;
      assert.ok(JSON.stringify(listed.said).length < 32_768, "whatever the tree is, the entry has room for it");
      assert.deepEqual(rebuildMount(listed.said, find, sha256), mount);
      assert.equal(
        rebuildMount({ ...listed.said, listing: [...(listed.said.listing ?? []), 'folder "more"'] }, find, sha256),
        undefined,
      );
      const { listing: _, ...older } = listed.said;
      const expected = listed.said.listing === null || listed.listing.length === 0 ? mount : undefined;
      assert.deepEqual(rebuildMount(older, find, sha256), expected, "an older entry has no listing, and no blobs either");
    }),
  );
  assert.ok(asBlob > 0, "long listings were among them");
});
