import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type AssessmentFinding,
  type Budgets,
  type Digest,
  type Measure,
  MEASURES,
  NO_STRIKES,
  type Sample,
  sampleModule,
  type Strikes,
} from "#core";
import { assessRun, type AssessmentBasis, BASE_ASSESSMENT, type EndedRun } from "#guardian";

const DIGEST = "ab".repeat(32) as Digest;
const OTHER = "cd".repeat(32) as Digest;
const MIB = 1024 * 1024;
const BUDGETS: Budgets = { wallMs: 60_000, memoryBytes: 512 * MIB, fuel: 10_000_000_000, outputBytes: 16 * MIB };
const USAGE = { wallMs: 20, memoryBytes: 2 * MIB, fuel: 1_000_000, outputBytes: 2_000, hostCalls: 300 };
const CALM: Sample = { module: sampleModule(DIGEST), ...USAGE, deniedCalls: 1 };
const AT = "2026-06-01T12:00:00.000Z";

/** Thirty runs that differ a little, by a rule and not by chance. */
const STEADY: readonly Sample[] = Array.from({ length: 30 }, (_, n) => ({
  ...CALM,
  ...Object.fromEntries(MEASURES.map((measure) => [measure, Math.round(CALM[measure] * (1 + (n % 7) / 100))])),
}));

function basis(outcome: Partial<EndedRun> = {}, over: Partial<AssessmentBasis> = {}): AssessmentBasis {
  const calm: EndedRun = { at: AT, digest: DIGEST, usage: USAGE, fault: null };
  return {
    outcome: { ...calm, ...outcome },
    budgets: BUDGETS,
    samples: STEADY,
    strikes: NO_STRIKES,
    policy: BASE_ASSESSMENT,
    ...over,
  };
}

const codes = (of: AssessmentBasis): readonly string[] => assessRun(of).findings.map(({ code }) => code);
const using = (measure: Measure, figure: number): Partial<EndedRun> =>
  measure === "deniedCalls"
    ? { refusals: { deniedCalls: figure, escapes: 0, badPointers: 0 } }
    : { usage: { ...USAGE, [measure]: figure } };

test("a run like those before it has no finding, no points, no strikes", () => {
  const nothing = { findings: [], points: 0, strikes: { faults: 0, escapes: 0, badPointers: 0 }, contain: null };
  assert.deepEqual(assessRun(basis()), nothing);
  assert.deepEqual(assessRun(basis({}, { samples: [] })), nothing);
});

/** Of each measure what is far out, and what is as far out as is still usual. */
const FAR: Readonly<Record<Measure, readonly [code: string, unusual: number, usual: number]>> = {
  fuel: ["guardian/unusual-fuel", 50_000_000, 1_900_000],
  memoryBytes: ["guardian/unusual-memory", 200 * MIB, 17 * MIB],
  wallMs: ["guardian/unusual-time", 30_000, 5_000],
  outputBytes: ["guardian/unusual-output", 10 * MIB, 66_000],
  hostCalls: ["guardian/unusual-host-calls", 500_000, 10_200],
  deniedCalls: ["guardian/unusual-denied-calls", 100, 16],
};

for (const measure of MEASURES) {
  const [code, unusual, usual] = FAR[measure];
  test(`${measure} that lies far from this tenant's runs is found, with its statistic, and what lies near is not`, () => {
    const { findings, points } = assessRun(basis(using(measure, unusual)));
    assert.deepEqual([findings.map((one) => one.code), findings[0]?.observed], [[code], unusual]);
    assert.equal(points, findings[0]?.points);
    assert.equal(findings[0]?.usual?.runs, 30);
    assert.match(
      findings[0]?.message ?? "",
      /the middle of the last 30 runs of this tenant with this module is .+; unusual from 8 times/,
    );
    assert.deepEqual(codes(basis(using(measure, usual))), []);
  });
}

test("the words say the figure, the middle, the deviation, both distances, both thresholds and the share of the grant", () => {
  const [finding] = assessRun(basis(using("fuel", 50_000_000))).findings;
  assert.equal(
    finding?.message,
    "50 000 000 units of fuel: the middle of the last 30 runs of this tenant with this module is 1 030 000 (deviation 20 000), " +
      "49 times that, 1 651 deviations above it; unusual from 8 times and 8 deviations on; 0.5 % of what was granted",
  );
  const constant = STEADY.map((sample) => ({ ...sample, fuel: 0 }));
  const [of] = assessRun(basis(using("fuel", 2_000_000), { samples: constant })).findings;
  assert.match(of?.message ?? "", /is 0 \(deviation 0\), half of these or more are exactly that/);
});

const repeat = (sample: Sample, times: number): readonly Sample[] => Array.from({ length: times }, () => sample);
const other: Sample = { ...CALM, module: sampleModule(OTHER), fuel: 400_000_000 };
const COMPARED: readonly (readonly [what: string, over: Partial<AssessmentBasis>, found: number])[] = [
  ["nothing is compared with fewer runs than the policy wants", { samples: STEADY.slice(0, 19) }, 0],
  ["with as many, it is", { samples: STEADY.slice(0, 20) }, 1],
  ["a policy may want fewer", { samples: STEADY.slice(0, 5), policy: { ...BASE_ASSESSMENT, runsMin: 5 } }, 1],
  ["a policy may call it unusual later", { policy: { ...BASE_ASSESSMENT, times: 60 } }, 0],
  ["by deviations as well", { policy: { ...BASE_ASSESSMENT, deviations: 2_000 } }, 0],
  ["a module is compared with itself, whatever else the tenant runs", { samples: [...STEADY, ...repeat(other, 20)] }, 1],
  ["a module with few runs is compared with all of the tenant's", { samples: [...STEADY.slice(0, 5), ...repeat(other, 20)] }, 0],
  ["one earlier run like it does not make it usual", { samples: [...STEADY, { ...CALM, fuel: 50_000_000 }] }, 1],
  ["two do", { samples: [...STEADY, ...repeat({ ...CALM, fuel: 50_000_000 }, 2)] }, 0],
];

for (const [what, over, found] of COMPARED) {
  test(`fifty times the fuel: ${what}`, () => assert.equal(codes(basis(using("fuel", 50_000_000), over)).length, found));
}

const refused = (escapes: number, badPointers: number): Partial<EndedRun> => ({
  refusals: { deniedCalls: escapes, escapes, badPointers },
});
const COUNTED: readonly (readonly [outcome: Partial<EndedRun>, code: string | undefined, strikes: readonly number[]])[] = [
  [refused(1, 0), "guardian/escape-tried", [0, 1, 0]],
  [refused(0, 7), "guardian/bad-pointer", [0, 0, 7]],
  [{ fault: { code: "engine/trap" } }, "guardian/guest-fault", [1, 0, 0]],
  [{ fault: { code: "engine/stack-overflow" } }, "guardian/guest-fault", [1, 0, 0]],
  [{ fault: { code: "engine/fuel-exhausted" } }, "guardian/budget-reached", [1, 0, 0]],
  [{ fault: { code: "engine/deadline" } }, "guardian/budget-reached", [1, 0, 0]],
  [{ fault: { code: "engine/memory-exceeded" } }, "guardian/budget-reached", [1, 0, 0]],
  [{ fault: { code: "engine/output-exceeded" } }, "guardian/budget-reached", [1, 0, 0]],
  [{ fault: { code: "engine/protocol" } }, "guardian/sandbox-broken", [1, 0, 0]],
  [{ fault: { code: "engine/sandbox-died" } }, "guardian/sandbox-broken", [1, 0, 0]],
  // What the guest did not do is not held against it.
  [{ fault: { code: "engine/cancelled" } }, undefined, [0, 0, 0]],
  [{ fault: { code: "engine/unavailable" } }, undefined, [0, 0, 0]],
  [{ fault: { code: "engine/unknown-import" } }, undefined, [0, 0, 0]],
  [{ fault: { code: "worker/interrupted" }, usage: null }, undefined, [0, 0, 0]],
];

for (const [outcome, code, [faults, escapes, badPointers]] of COUNTED) {
  test(`without any history: ${JSON.stringify(outcome)} is ${code ?? "nothing"}`, () => {
    const { findings, strikes, points } = assessRun(basis(outcome, { samples: [] }));
    assert.deepEqual(
      findings.map((one) => one.code),
      code === undefined ? [] : [code],
    );
    assert.equal(points > 0, code !== undefined);
    assert.deepEqual(strikes, { faults, escapes, badPointers });
  });
}

test("a budget that was reached is said with what was granted", () => {
  const [finding] = assessRun(basis({ fault: { code: "engine/deadline" }, usage: { ...USAGE, wallMs: 60_004 } })).findings;
  assert.deepEqual(
    [finding?.message, finding?.granted],
    ["it did not end in the time that it was granted: 60 000 milliseconds", 60_000],
  );
});

const ago = (hours: number, count = 1): readonly [string, number] => [
  new Date(Date.parse(AT) - hours * 3_600_000).toISOString(),
  count,
];
const strikes = (over: Partial<Strikes>): Partial<AssessmentBasis> => ({ strikes: { ...NO_STRIKES, ...over } });
const containing = (over: Partial<typeof BASE_ASSESSMENT.contain>): Partial<AssessmentBasis> => ({
  policy: { ...BASE_ASSESSMENT, contain: { ...BASE_ASSESSMENT.contain, ...over } },
});

const CONTAINED: readonly (readonly [
  what: string,
  outcome: Partial<EndedRun>,
  over: Partial<AssessmentBasis>,
  contained: readonly [string, number] | undefined,
])[] = [
  ["one run with as many escapes as are too much", refused(10, 0), {}, ["escapes", 10]],
  ["one with fewer", refused(9, 0), {}, undefined],
  ["fewer, with what was seen before", refused(1, 0), strikes({ escapes: [ago(23, 4), ago(1, 5)] }), ["escapes", 10]],
  ["what was seen too long ago", refused(1, 0), strikes({ escapes: [ago(25, 4), ago(1, 5)] }), undefined],
  ["what lies in the future, since a clock was set back", refused(1, 0), strikes({ escapes: [ago(-9, 9)] }), ["escapes", 10]],
  ["much before and nothing now", {}, strikes({ escapes: [ago(1, 64)] }), undefined],
  ["bad pointers", refused(0, 10), {}, ["badPointers", 10]],
  [
    "the tenth fault in a row",
    { fault: { code: "engine/trap" } },
    strikes({ faults: Array.from({ length: 9 }, () => ago(2)) }),
    ["faults", 10],
  ],
  ["the ninth", { fault: { code: "engine/trap" } }, strikes({ faults: Array.from({ length: 8 }, () => ago(2)) }), undefined],
  [
    "a fault of the host",
    { fault: { code: "engine/cancelled" } },
    strikes({ faults: Array.from({ length: 64 }, () => ago(2)) }),
    undefined,
  ],
  ["kinds are not added up", refused(9, 9), strikes({ faults: Array.from({ length: 9 }, () => ago(2)) }), undefined],
  ["a policy that contains earlier", refused(2, 0), containing({ escapes: 2 }), ["escapes", 2]],
  ["a policy that never does", refused(9_999, 0), containing({ escapes: 0 }), undefined],
  [
    "a policy that remembers longer",
    refused(1, 0),
    { ...strikes({ escapes: [ago(100, 9)] }), ...containing({ withinHours: 100 }) },
    ["escapes", 10],
  ],
];

for (const [what, outcome, over, contained] of CONTAINED) {
  test(`containment: ${what}`, () => {
    const { contain } = assessRun(basis(outcome, { samples: [], ...over }));
    assert.deepEqual(contain === null ? undefined : [contain.trigger, contain.seen], contained);
  });
}

test("whatever a run did, it gains nothing: points are never below none, and more of it never weighs less", () => {
  const figure = fc.double({ min: 0, max: 1e12, noNaN: true });
  const sample = fc.record({ module: fc.constantFrom(sampleModule(DIGEST), "x"), ...measures(figure) });
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 50 }), fc.record(measures(figure)), fc.nat(100), (samples, used, escapes) => {
      const { deniedCalls, ...usage } = used;
      const outcome = { usage, refusals: { deniedCalls, escapes, badPointers: 0 } };
      const found = assessRun(basis(outcome, { samples }));
      assert.ok(found.points >= 0 && found.findings.every(({ points }) => points > 0));
      const worse = assessRun(basis({ ...outcome, usage: { ...usage, fuel: usage.fuel * 3 + 1 } }, { samples }));
      assert.ok(worse.points >= found.points);
      // It is a function of what it is handed: a second time, through the text of an entry, gives the same.
      const again = JSON.parse(JSON.stringify(basis(outcome, { samples }))) as AssessmentBasis;
      assert.deepEqual(assessRun(again), JSON.parse(JSON.stringify(found)));
    }),
  );
});

function measures<T>(arbitrary: fc.Arbitrary<T>): Record<Measure, fc.Arbitrary<T>> {
  return Object.fromEntries(MEASURES.map((measure) => [measure, arbitrary])) as Record<Measure, fc.Arbitrary<T>>;
}

test("several hundred runs that stay within eight times their least raise no alarm, whatever their order and spread", () => {
  const usual = (least: number) => fc.integer({ min: least, max: least * 8 - 1 });
  const run = fc.record({
    ...{ fuel: usual(5_000_000), memoryBytes: usual(20 * MIB), wallMs: usual(3_000) },
    ...{ outputBytes: usual(100_000), hostCalls: usual(20_000), deniedCalls: usual(30) },
  });
  fc.assert(
    fc.property(fc.array(run, { minLength: 300, maxLength: 400, size: "max" }), (runs) => {
      assert.deepEqual(alarmsOf(runs), []);
    }),
    { numRuns: 20 },
  );
});

/** Tenants with ways of their own, by seed: most runs vary by a quarter, some need three times as much. */
function simulateRuns(seed: number, count: number): readonly Omit<Sample, "module">[] {
  const draw = drawFrom(seed);
  const typical = { fuel: 10 ** (5 + 4 * draw()), memoryBytes: MIB * (1 + 60 * draw()), wallMs: 5 + 2_000 * draw() };
  const more = { outputBytes: 500_000 * draw(), hostCalls: 30_000 * draw(), deniedCalls: 40 * draw() };
  return Array.from({ length: count }, () => {
    const size = draw() < 0.1 ? 3 : 1;
    const vary = (figure: number) => Math.round(figure * size * Math.exp(0.25 * (draw() + draw() + draw() + draw() - 2) * 1.732));
    const { fuel, memoryBytes, wallMs } = typical;
    return {
      ...{ fuel: vary(fuel), memoryBytes: vary(memoryBytes), wallMs: vary(wallMs) },
      ...{ outputBytes: vary(more.outputBytes), hostCalls: vary(more.hostCalls), deniedCalls: vary(more.deniedCalls) },
    };
  });
}

// A linear congruence (Numerical Recipes): the same figures on every machine.
function drawFrom(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}

test("forty seeded tenants with four hundred runs each raise no alarm; the same with fifty times the fuel at the end raise one each", () => {
  for (let seed = 0; seed < 40; seed++) {
    const runs = simulateRuns(seed, 400);
    assert.deepEqual(alarmsOf(runs), [], `seed ${seed}`);
    const fuel = 50 * Math.max(...runs.map((run) => run.fuel), 100_000);
    const last = { ...(runs.at(-1) ?? assert.fail()), fuel };
    assert.deepEqual(
      alarmsOf([...runs, last]).map(({ code, observed }) => [code, observed]),
      [["guardian/unusual-fuel", fuel]],
      `seed ${seed}`,
    );
  }
});

/** The findings about a history of one module, each run assessed beside the fifty before it. */
function alarmsOf(runs: readonly Omit<Sample, "module">[]): readonly AssessmentFinding[] {
  const samples = runs.map((run) => ({ ...run, module: sampleModule(DIGEST) }));
  return runs.flatMap(({ deniedCalls, ...usage }, n) => {
    const outcome = { usage, refusals: { deniedCalls, escapes: 0, badPointers: 0 } };
    return assessRun(basis(outcome, { samples: samples.slice(Math.max(0, n - 50), n) })).findings;
  });
}
