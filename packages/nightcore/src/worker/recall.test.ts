import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { type Bytes, type Digest, digestOf, type RunId, utf8 } from "#core";
import { type Event, evolve, isBlocked, type Rows } from "#state";
import { sha256 } from "#store/keys";
import { Projection } from "#store/sqlite";
import { type Recall, type RecallSeed, traceRecall } from "#worker";
import { listMounts } from "./mount-listing.ts";
import { listOutput } from "./output-tree.ts";

const AT = "2026-01-01T00:00:00.000Z";
const RUNS = 1_000;
const digest = (text: string) => digestOf(sha256, utf8(text));

/** A sequence of whole numbers under a seed (mulberry32), so that a graph that fails can be made again. */
function makeDice(seed: number) {
  let state = seed;
  return (sides: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % sides;
  };
}

/** A run as the test knows it: what it was given and left, by content, and when it began and ended. Nothing of this is read back. */
type Model = {
  readonly run: string;
  readonly tenant: string;
  readonly key: string;
  readonly policy: string;
  readonly module: string;
  readonly given: ReadonlySet<string>;
  readonly left: ReadonlySet<string>;
  readonly begins: number;
  readonly ends: number;
  readonly executed: boolean;
};

type Graph = { readonly models: readonly Model[]; readonly rows: Rows; readonly blobs: ReadonlyMap<string, Bytes> };

/** A long name makes a listing that does not fit into the intent, and becomes a blob. */
function listSandbox(contents: readonly string[], long: boolean) {
  const files = contents.map((text, n) => ({ path: `${"x".repeat(long ? 5_000 : 1)}${n}`, bytes: utf8(text) }));
  return listMounts([{ guestPath: "/sandbox", files, folders: [] }], sha256);
}

type OfRun = { readonly run: RunId; readonly tenant: string; readonly at: string; readonly digest: Digest };

/** The three entries of any passage. */
function recordDecision(
  record: (event: Event) => void,
  of: OfRun,
  { key, policy, executed }: Pick<Model, "key" | "policy" | "executed">,
): void {
  record({ kind: "admission", ...of, sizeBytes: 1, admitted: true, finding: null, shape: null });
  const signed = { trusted: true, keyId: key, form: "dsse", manifestSigned: true, finding: null, trustStore: digest("store") };
  record({ kind: "verification", ...of, ...signed });
  const facts = { policyVersion: { number: 1, digest: policy }, policy: { digest: digest("one tenant's") } };
  const verdict = executed ? "allow" : "deny";
  record({ kind: "decision", ...of, mode: "run", verdict, reasons: [], grant: null, facts, engine: "" });
}

/** 1,000 runs in a log, overlapping in time, each given what earlier ones left: as stdin, as files, in long listings, as its module. */
function makeGraph(context: TestContext, seed: number): Graph {
  const roll = makeDice(seed);
  const folder = mkdtempSync(join(tmpdir(), "nightcore-recall-"));
  const rows = Projection.open(join(folder, "state.db")).projection;
  context.after(() => {
    rows.close();
    rmSync(folder, { recursive: true });
  });
  const blobs = new Map<string, Bytes>();
  const put = (bytes: Bytes) => blobs.set(digestOf(sha256, bytes), bytes);
  const models: Model[] = [];
  const open: { readonly model: Omit<Model, "ends">; readonly outcome: Event }[] = [];
  const contents: string[] = [];
  let index = 0;
  const record = (event: Event) => evolve(rows, event, { index: index++ });
  const endOne = () => {
    const [ended] = open.splice(roll(open.length), 1);
    if (ended === undefined) return;
    models.push({ ...ended.model, ends: index });
    contents.push(...ended.model.left);
    record(ended.outcome);
  };
  // Mostly new content; sometimes one that many runs leave, and that others were given before anybody left it.
  const makeContent = (n: number) => (roll(20) === 0 ? `common ${roll(5)}` : `content ${seed} ${n} ${roll(1e9)}`);
  const pickGiven = () => (contents.length > 0 && roll(3) > 0 ? (contents[roll(contents.length)] ?? "") : `outside ${roll(400)}`);
  for (let n = 0; n < RUNS; n++) {
    const run = `run-${String(n).padStart(4, "0")}` as RunId;
    const [tenant, key, policy] = [`tenant-${roll(40)}`, digest(`key ${roll(60)}`), digest(`policy ${roll(30)}`)];
    const module = roll(30) === 0 ? pickGiven() : `module ${roll(200)}`;
    const executed = roll(10) > 0;
    const of = { run, tenant, at: AT, digest: digest(module) };
    recordDecision(record, of, { key, policy, executed });
    const base = { run, tenant, key, policy, module };
    if (!executed) {
      models.push({ ...base, given: new Set(), left: new Set(), begins: index, ends: index, executed });
      continue;
    }
    const stdin = roll(2) === 0 ? pickGiven() : "";
    const files = Array.from({ length: roll(3) }, pickGiven);
    const mounts = listSandbox(files, roll(4) === 0);
    for (const { listing } of mounts) put(listing);
    const begins = index;
    const given = { digest: digest(stdin), bytes: stdin.length };
    record({ kind: "intent", ...of, ...INTENT, stdin: given, mounts: mounts.map(({ said }) => said) });
    const printed = roll(2) === 0 ? makeContent(n) : "";
    const left = Array.from({ length: roll(3) }, () => makeContent(n));
    const tree = listOutput(
      left.map((text, i) => ({ path: `o${i}`, bytes: utf8(text) })),
      sha256,
    );
    for (const [, bytes] of tree?.blobs ?? []) put(bytes);
    const stdout = { digest: digest(printed), bytes: printed.length };
    const outcome: Event = { kind: "outcome", ...of, ...OUTCOME, stdout, ...(tree && { outputTree: tree.said }) };
    const model = {
      ...base,
      given: new Set([module, stdin, ...files].filter(Boolean)),
      left: new Set([printed, ...left].filter(Boolean)),
    };
    open.push({ model: { ...model, begins, executed }, outcome });
    while (open.length > roll(6)) endOne();
  }
  while (open.length > 0) endOne();
  rows.commit(index);
  return { models, rows, blobs };
}

const BUDGETS = { wallMs: 1, fuel: 1, memoryBytes: 1, outputBytes: 1 };
const NOTHING = { numericArgs: [], argv: [], env: [], capabilities: [], isolation: [] };
const INTENT = { ...NOTHING, entry: "_start", budgets: BUDGETS, seed: "", engine: "" };
const OUTCOME = { status: "ran", exitCode: 0, fault: null, results: [], stderr: null, usage: null } as const;

/** The ground truth: who was given, after somebody recalled had ended, what that one had left. In order of beginning, once through. */
function findTruth(models: readonly Model[], isRoot: (model: Model) => boolean): readonly Model[] {
  const recalled: Model[] = [];
  for (const model of [...models].toSorted((a, b) => a.begins - b.begins)) {
    const tainted = recalled.some(({ left, ends }) => ends < model.begins && [...left].some((text) => model.given.has(text)));
    if (isRoot(model) || tainted) recalled.push(model);
  }
  return recalled;
}

const runsOf = (recall: Recall) => recall.runs.map(({ run }) => run);

for (const seed of [1, 2, 3, 4])
  test(`what a recall finds in 1,000 runs is the ground truth of the graph (seed ${seed})`, (context) => {
    const { models, rows, blobs } = makeGraph(context, seed);
    const roll = makeDice(seed + 100);
    let indirect = 0;
    for (let n = 0; n < 15; n++) {
      const some = models[roll(models.length)];
      assert.ok(some !== undefined);
      const content = [...some.left, some.module][roll(some.left.size + 1)] ?? "";
      const rowsOfSeeds: readonly (readonly [RecallSeed, (model: Model) => boolean])[] = [
        [{ by: "key", value: some.key }, ({ key }) => key === some.key],
        [{ by: "tenant", value: some.tenant }, ({ tenant }) => tenant === some.tenant],
        [{ by: "policy-version", value: some.policy }, ({ policy }) => policy === some.policy],
        [{ by: "digest", value: digest(content) }, ({ module, given }) => module === content || given.has(content)],
      ];
      for (const [recalled, isRoot] of rowsOfSeeds) {
        const truth = findTruth(models, isRoot);
        const recall = traceRecall(recalled, { rows, find: (one) => blobs.get(one) });
        const where = `seed ${seed}, ${recalled.by}`;
        assert.deepEqual(
          runsOf(recall),
          truth.map(({ run }) => run).toSorted((a, b) => (a < b ? -1 : 1)),
          where,
        );
        const left = truth.flatMap((model) => [...model.left].map((text) => `${digest(text)} ${model.run}`));
        const found = recall.outputs.filter(({ what }) => what !== "tree").map((one) => `${one.digest} ${one.run}`);
        assert.deepEqual([...new Set(found)].toSorted(), left.toSorted(), where);
        assert.deepEqual(recall.gaps, []);
        indirect += recall.runs.filter(({ consumed }) => consumed !== undefined).length;
      }
    }
    assert.ok(indirect > 1_000, "the graph has consumers of consumers");
  });

test("what was recalled is frozen: every output, and the seed itself; recalling again finds the same and blocks nothing more", (context) => {
  const { models, rows, blobs } = makeGraph(context, 7);
  const find = (one: Digest) => blobs.get(one);
  const seed = { by: "tenant", value: models[0]?.tenant ?? "" } as const;
  const first = traceRecall(seed, { rows, find });
  const block = { at: AT, targets: first.targets, reason: "r", cause: "recall", causedBy: null, run: null, order: null } as const;
  evolve(rows, { kind: "block", ...block }, { index: 1e6 });
  (rows as Projection).commit(1e6 + 1);
  const again = traceRecall(seed, { rows, find });
  assert.deepEqual([again.runs, again.outputs], [first.runs, first.outputs]);
  assert.deepEqual(again.targets, [{ kind: "tenant", target: seed.value }]);
  for (const { digest: one } of first.outputs) assert.ok(isBlocked(rows, one));
});

test("a listing that is gone is told, and not passed over", (context) => {
  const { models, rows } = makeGraph(context, 9);
  const recall = traceRecall({ by: "tenant", value: models[0]?.tenant ?? "" }, { rows, find: () => undefined });
  assert.ok(recall.gaps.length > 10);
});
