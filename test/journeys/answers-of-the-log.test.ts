import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { buildLauncher, compileGreeter, GREETING, makeWorkspace } from "../../tools/bench-workspace.ts";
import type { RunSaid } from "./workspace.ts";

// The published form has Cedar's code as a file of its own. Where that is gone, whoever asks Cedar is refused.

type DecisionSaid = {
  readonly index: number;
  readonly run: string;
  readonly verdict: string;
  readonly permits: readonly string[];
  readonly question?: string;
  readonly answeredBy?: number;
};

let folder = "";
let launcher = "";
let code = "";
let workspace = "";
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "nightcore-answers-"));
  launcher = await buildLauncher(join(folder, "nightcore"));
  code = join(dirname(launcher), "../lib/cedar_wasm_bg.wasm");
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** A workspace in which the log has Cedar's answer about `t0000`, and a build without Cedar. */
beforeEach(async () => {
  workspace = mkdtempSync(join(folder, "workspace-"));
  makeWorkspace({ launcher, folder: workspace, tenants: 2, module: await compileGreeter() });
  assert.equal(nightcore("run", "t0000").stdout, GREETING);
  takeCedarAway();
});
afterEach(bringCedarBack);

function takeCedarAway(): void {
  renameSync(code, `${code}.away`);
}

function bringCedarBack(): void {
  if (existsSync(`${code}.away`)) renameSync(`${code}.away`, code);
}

function nightcore(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, ...args], { cwd: workspace, encoding: "utf8" });
  return { exit: status, stdout, stderr };
}

const decisions = (): readonly DecisionSaid[] =>
  (JSON.parse(nightcore("ledger", "find", "--kind", "decision", "--json").stdout) as { entries: DecisionSaid[] }).entries;

/** How a run ended, and the codes of the reasons against it. */
function endOf(...args: readonly string[]): readonly string[] {
  const { runs } = JSON.parse(nightcore(...args, "--json").stdout) as { readonly runs: readonly RunSaid[] };
  return runs.flatMap(({ status, reasons }) => [status, ...reasons.map(({ code: reason }) => reason)]);
}

const ANSWERED = ["ran"];
const NOT_ANSWERED = ["denied", "guardian/decision-failed"];

test("what was asked before needs no Cedar, in a new process, and the record says which entry answered", () => {
  assert.deepEqual(endOf("run", "t0000"), ANSWERED);
  assert.deepEqual(endOf("run", "t0000"), ANSWERED);
  // Another module, about which the policies can tell nothing else, is the same question.
  assert.deepEqual(endOf("run", "t0001"), ANSWERED);
  const [first, ...others] = decisions().toSorted((a, b) => a.index - b.index);
  assert.match(first?.question ?? "", /^[0-9a-f]{64}$/);
  assert.equal(first?.answeredBy, undefined);
  assert.equal(others.length, 3);
  for (const { question, answeredBy, permits } of others)
    assert.deepEqual([question, answeredBy, permits], [first?.question, first?.index, first?.permits]);
  bringCedarBack();
  // Whoever decides again asks Cedar itself.
  const { decisions: again, flips } = JSON.parse(nightcore("policy", "simulate", "--json").stdout) as {
    readonly decisions: number;
    readonly flips: readonly object[];
  };
  assert.deepEqual([again, flips], [4, []]);
});

test("what was not asked before needs Cedar: a check without execution, other policies, a decision made again", () => {
  assert.deepEqual(endOf("verify", "t0000"), NOT_ANSWERED);
  assert.match(nightcore("run", "t0000", "--dry-run").stdout, /the decision failed/);
  assert.equal(nightcore("policy", "simulate").exit, 1, "a decision that cannot be made again does not come out the same");
  bringCedarBack();
  appendFileSync(join(workspace, "policies/default.cedar"), "\n// another version\n");
  const activated = nightcore("policy", "activate", "--unapproved", "--comment", "another version");
  assert.equal(activated.exit, 0, activated.stderr);
  takeCedarAway();
  assert.deepEqual(endOf("run", "t0000"), NOT_ANSWERED);
});

test("an answer of the log lifts no rule: what is blocked stays blocked", () => {
  assert.equal(nightcore("quarantine", "add", "--tenant", "t0000", "--reason", "looked at").exit, 0);
  assert.deepEqual(endOf("run", "t0000"), ["quarantined", "guardian/tenant-blocked"]);
  assert.deepEqual(endOf("run", "t0001"), ANSWERED, "a control: the log answers");
});

test("whoever writes the projection and nothing else gets no answer out of it", () => {
  const edit = (sql: string) => {
    const db = new DatabaseSync(join(workspace, ".nightcore/state.db"));
    db.exec(sql);
    db.close();
  };
  assert.deepEqual(endOf("verify", "t0000"), NOT_ANSWERED);
  const denied = decisions().find(({ verdict }) => verdict === "deny");
  edit(`UPDATE answers SET log_index = ${denied?.index}`);
  assert.deepEqual(endOf("run", "t0000"), NOT_ANSWERED, "it leads to a deny");
  edit("UPDATE answers SET log_index = 0");
  assert.deepEqual(endOf("run", "t0000"), NOT_ANSWERED, "it leads to another kind of entry");
  assert.equal(nightcore("state", "rebuild").exit, 4, "a rebuild tells of it");
  assert.deepEqual(endOf("run", "t0000"), ANSWERED);
});
