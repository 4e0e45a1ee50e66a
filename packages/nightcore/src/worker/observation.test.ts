import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Budgets, CAPABILITIES, type Capability, encodeHex, ok, type RunId, utf8 } from "#core";
import type { ModuleSource } from "#ports";
import { observeModule, type Pipeline, proposeBudgets, type RunRecord, type RunRequest } from "#worker";

const LIMITS: Budgets = { wallMs: 10_000, memoryBytes: 4 * 65_536, fuel: 1000, outputBytes: 1000 };
const USAGE = { wallMs: 1, memoryBytes: 65_536, fuel: 100, outputBytes: 10, hostCalls: 1 };
const REQUEST: RunRequest = { mode: "run", entry: undefined, args: [], env: [], stdin: utf8("x"), operatorGrants: [] };

/** What a guest prints, by what it has and by its seed. */
type Behaviour = (has: ReadonlySet<Capability>, seed: string) => string;

/** A pipeline whose every run is allowed and prints what the behaviour says. */
function fakePipeline(behaviour: Behaviour) {
  const asked: RunRequest[] = [];
  const process = (_: ModuleSource, request: RunRequest) => {
    asked.push(request);
    const { capabilities, seed } = request.trial ?? assert.fail("an observation makes trials only");
    const stdout = utf8(behaviour(new Set(capabilities), encodeHex(seed)));
    const record = { run: `r${asked.length}` as RunId, exitCode: 0, results: [], stdout, stderr: new Uint8Array(), usage: USAGE };
    return Promise.resolve(ok(record as unknown as RunRecord));
  };
  return { pipeline: { process } as unknown as Pipeline, asked };
}

async function observe(behaviour: Behaviour, offered: readonly Capability[] = CAPABILITIES) {
  const { pipeline, asked } = fakePipeline(behaviour);
  let draws = 0;
  const options = { offered, limits: LIMITS, random: (length: number) => new Uint8Array(length).fill(draws++) };
  const result = await observeModule(pipeline, { source: {} as ModuleSource, request: REQUEST }, options);
  assert.ok(result.ok && result.value.kind === "observed");
  return { observation: result.value, asked };
}

const FAKED = CAPABILITIES.filter((one) => !one.endsWith(":real"));

test("whatever a guest does with what it has: it comes out the same with the proposal, and with nothing less", async () => {
  // A table of what is printed under each of the sixteen subsets, so that capabilities may also depend on one another.
  const tables = fc.array(fc.nat(2), { minLength: 2 ** FAKED.length, maxLength: 2 ** FAKED.length });
  await fc.assert(
    fc.asyncProperty(tables, async (table) => {
      const behaviour: Behaviour = (has) => String(table[FAKED.reduce((bits, one, n) => bits + (has.has(one) ? 2 ** n : 0), 0)]);
      const { observation, asked } = await observe(behaviour);
      const all = behaviour(new Set(FAKED), "");
      assert.equal(behaviour(new Set(observation.capabilities), ""), all);
      for (const spared of observation.capabilities) {
        const less = new Set(observation.capabilities.filter((one) => one !== spared));
        assert.notEqual(behaviour(less, ""), all, `${spared} could be spared`);
      }
      assert.equal(observation.confirmed, true);
      assert.equal(observation.runs.length, asked.length);
      assert.ok(asked.length <= 16, "one capability more never doubles the runs");
    }),
  );
});

test("the real clock and real randomness are proposed when the world shows in what is printed, and only then", async () => {
  const rows: readonly (readonly [Behaviour, readonly Capability[]])[] = [
    [() => "", []],
    [(has) => (has.has("clock:real") ? "2026" : "1970"), ["clock:real"]],
    [(_, seed) => seed, ["random:real"]],
    [(has, seed) => `${has.has("clock:real")}${seed}`, ["clock:real", "random:real"]],
  ];
  for (const [behaviour, expected] of rows) {
    const { observation, asked } = await observe(behaviour);
    assert.deepEqual([...observation.capabilities].toSorted(), expected);
    const [first] = asked;
    assert.deepEqual(first?.trial?.capabilities, FAKED, "the first run has fakes");
  }
});

test("a run that is other than it was under what is proposed is not called confirmed", async () => {
  let runs = 0;
  const { observation } = await observe((has) => (has.size === 0 && runs++ > 0 ? "other" : ""), FAKED);
  assert.equal(observation.confirmed, false);
});

test("budgets are what was used and a quarter more, in whole pages, never over the limits", () => {
  assert.deepEqual(proposeBudgets(USAGE, LIMITS), { wallMs: 1000, memoryBytes: 131_072, fuel: 125, outputBytes: 13 });
  const nothing = { wallMs: 0, memoryBytes: 0, fuel: 0, outputBytes: 0, hostCalls: 0 };
  assert.deepEqual(proposeBudgets(nothing, LIMITS), { wallMs: 1000, memoryBytes: 65_536, fuel: 1, outputBytes: 1 });
  const most = { ...LIMITS, hostCalls: 0 };
  assert.deepEqual(proposeBudgets(most, LIMITS), LIMITS);
});
