import assert from "node:assert/strict";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Json } from "../../packages/nightcore/src/core/index.ts";
import { type Event, readEvent, stepsOf } from "../../packages/nightcore/src/state/index.ts";
import { guest } from "./guests.ts";
import { type RunSaid, Workspace } from "./workspace.ts";

/** Counts to twenty thousand for each byte of its arguments: how much fuel it uses is up to its caller. */
const BURNER = guest(`(local $n i32) (drop (call $args_sizes_get (i32.const 12) (i32.const 4)))
  (local.set $n (i32.mul (call $size) (i32.const 20000)))
  (loop $on (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br_if $on (local.get $n)))`);

const open = `(drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 600) (i32.const 4) (i32.const 0)
  (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 40)))`;
/** Asks four times for what lies above its folder, and ends well. */
const TRESPASSER = guest(open.repeat(4), '(data (i32.const 600) "../x")');

type Found = { readonly code: string; readonly message: string };
type Standing = {
  readonly standings: readonly {
    readonly subject: { readonly tenant?: string; readonly digest?: string };
    readonly points: number;
    readonly runs: number;
    readonly findings: readonly Found[];
  }[];
};

// What a busy machine adds to a run is not the guest's.
const codesOf = ({ assessment }: RunSaid): readonly string[] =>
  assessment?.findings.map(({ code }) => code).filter((code) => code !== "guardian/unusual-time") ?? [];

/** Every event of the log. */
function entriesOf(workspace: Workspace): readonly Event[] {
  const { stdout } = workspace.expect(0, "ledger", "export");
  const lines = stdout.trimEnd().split("\n").slice(0, -1);
  return lines.flatMap((line) => {
    const { predicateType, predicate } = JSON.parse(line) as { predicateType: string; predicate: Json };
    return stepsOf(readEvent(predicateType, predicate) ?? assert.fail(line));
  });
}

test("fifty times the fuel of a steady history is found, told, and raises the risk of the next run; the log gives the same again", (context) => {
  const workspace = Workspace.make(context);
  const manifest = { format: "nightcore-manifest/v1", capabilities: ["stdout"], source: "human" };
  workspace.addTenant("steady", { wasm: BURNER, manifest });
  workspace.writePolicy("steady", { assessment: { runs_min: 5 } });
  workspace.signAndTrust("steady");
  const calm = ["", "a", "", "ab", "", "a"].map((arg) => workspace.runOf("steady", "--arg", arg));
  for (const run of calm) assert.deepEqual([run.status, codesOf(run)], ["ran", []]);
  assert.match(workspace.expect(0, "standing").stderr, /no run was ever found unusual/);

  const usual = calm[0]?.usage?.fuel ?? assert.fail();
  const spoken = workspace.nightcore("run", "steady", "--arg", "x".repeat(400));
  assert.equal(spoken.exit, 0, spoken.stderr);
  const told =
    /unusual: ([0-9 ]+) units of fuel: the middle of the last 6 runs .* times that, .* of what was granted \[guardian\/unusual-fuel\]/;
  const fuel = Number(told.exec(spoken.stderr)?.[1]?.replaceAll(" ", ""));
  assert.ok(fuel > usual * 45 && fuel < usual * 60, spoken.stderr);

  const { standings } = workspace.json<Standing>("standing");
  assert.deepEqual(
    standings.map(({ points, findings }) => [points, findings.map(({ code }) => code)]),
    [
      [10, ["guardian/unusual-fuel"]],
      [10, ["guardian/unusual-fuel"]],
    ],
  );
  const [ofTenant] = workspace.json<Standing>("standing", "steady").standings;
  assert.deepEqual([ofTenant?.subject, ofTenant?.points, ofTenant?.runs], [{ tenant: "steady" }, 10, 7]);
  assert.match(workspace.expect(0, "standing", "steady").stdout, /fuel +\d[\d ]* \(\d[\d ]*\)[\s\S]*guardian\/unusual-fuel/);
  assert.match(workspace.expect(2, "standing", "nobody").stderr, /the log knows no tenant/);

  const { run } = calm[0] ?? assert.fail();
  const newest = workspace.json<{ readonly runs: readonly RunSaid[] }>("run", "steady").runs[0]?.run ?? assert.fail();
  for (const other of [run, newest]) {
    const { assessment } = workspace.json<{ readonly assessment: object | null }>("explain", other);
    assert.equal(assessment, null);
  }
  const unusual = /run ([0-9a-f-]{36})/.exec(spoken.stderr)?.[1] ?? assert.fail();
  assert.match(workspace.expect(0, "explain", unusual).stderr, /when it had ended:[\s\S]*unusual: /);
  const entries = entriesOf(workspace);
  const risks = entries.flatMap((event) => (event.kind === "decision" ? [JSON.stringify(event.risk)] : []));
  assert.match(risks.at(-1) ?? "", /"name":"standing","points":6,"evidence":"findings about earlier runs left 10 points/);
  assert.ok(risks.slice(0, -1).every((risk) => !risk.includes('"name":"standing"')));
  const again = workspace.json<{ readonly runs: number; readonly unusual: number; readonly differences: readonly object[] }>(
    "standing",
    "--again",
  );
  assert.deepEqual([again.exit, again.runs, again.unusual, again.differences], [0, 8, 1, []]);
});

test("a guest that tries to leave its folder again and again is contained, whoever brings its bytes back", (context) => {
  const workspace = Workspace.make(context);
  const files = { "sandbox/data.txt": "data\n" };
  const tenant = { wasm: TRESPASSER, manifest: { permissions: ["fs:read"] }, files };
  workspace.addTenant("trespasser", tenant);
  workspace.addTenant("other");
  workspace.signAndTrust("trespasser", "other");
  for (const _ of [1, 2]) {
    const run = workspace.runOf("trespasser");
    assert.deepEqual([run.status, codesOf(run), run.assessment?.contain], ["ran", ["guardian/escape-tried"], null]);
  }
  assert.match(workspace.expect(0, "standing", "trespasser").stdout, /8 escapes \(contains at 10\)/);

  const last = workspace.nightcore("run", "trespasser");
  assert.equal(last.exit, 0, "how it ended is one thing, what it did another");
  assert.match(last.stderr, /contained: the module is contained: 12 ways out of its folders that it tried within 24 hours/);
  assert.match(workspace.expect(0, "quarantine", "list").stdout, /containment {2}contained: 12 ways out/);
  const next = workspace.runOf("trespasser");
  assert.deepEqual([next.exit, next.reasons[0]?.code], [3, "source/quarantined"], "its bytes are not there any more");

  // Put back as they were, with their signature: they are known by what they are.
  workspace.addTenant("trespasser", tenant);
  for (const name of readdirSync(join(workspace.root, "modules", "trespasser")))
    if (name.startsWith("module.quarantine")) rmSync(join(workspace.root, "modules", "trespasser", name));
  const again = workspace.runOf("trespasser");
  assert.deepEqual([again.exit, again.status, again.reasons[0]?.code], [3, "quarantined", "guardian/contained"]);
  assert.equal(workspace.runOf("other").status, "ran", "nobody else is held back");
  assert.match(
    workspace.expect(0, "standing", "--again").stderr,
    /4 runs assessed again, 3 of them unusual: 0 come out differently/,
  );
});
