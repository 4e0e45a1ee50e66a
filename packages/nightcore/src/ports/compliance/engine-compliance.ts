import { type Bytes, parseUtf8 } from "#core";
import type { EngineReport, OpenEngine } from "../engine.ts";
import { type Ending, ENDINGS } from "./endings.ts";
import { GRANT_RULES } from "./grants.ts";
import { HONEST, LITTERER, PROBE, SEARCHER, SPIN, WORK } from "./guests.ts";
import { INPUT_RULES } from "./input.ts";
import { PRINTING_RULES } from "./printing.ts";
import { type ComplianceTools, differ, endOf, type EngineRule, makeCancellation, runText, type Subject } from "./subject.ts";

/** What the suite found: each rule by its name, and its problems. An engine complies when no rule has any. */
export type Compliance = { readonly rule: string; readonly problems: readonly string[] };

/**
 * Holds an engine to everything that `ports` promises of one: opens it with two slots, checks rule after rule, sees after each that
 * an honest guest still runs, and closes it. Every engine passes this before anything is run with it.
 */
export async function checkEngine(open: OpenEngine, tools: ComplianceTools): Promise<readonly Compliance[]> {
  const opened = await open({ slots: 2 });
  if (!opened.ok) return [{ rule: "the engine opens", problems: [`${opened.fault.code}: ${opened.fault.detail}`] }];
  const subject = { engine: opened.value, tools };
  const found: Compliance[] = [];
  for (const { name, check } of ENGINE_RULES) {
    const problems = [...(await check(subject)), ...(await checkHonest(subject))];
    found.push({ rule: name, problems });
  }
  return [...found, await checkClosing(subject)];
}

async function checkHonest(subject: Subject): Promise<readonly string[]> {
  const report = await runText(subject, HONEST);
  return [...differ("an honest guest afterwards", endOf(report), "exit 0"), ...differ("prints", textOf(report.stdout), "fine")];
}

async function checkClosing(subject: Subject): Promise<Compliance> {
  const { engine } = subject;
  const running = runText(subject, SPIN, { budgets: { fuel: Number.MAX_SAFE_INTEGER } });
  await engine.close();
  await engine.close();
  const problems = [
    ...differ("a run that it was closed over has a fault", (await running).fault === undefined, false),
    ...differ("a run after it", endOf(await runText(subject, HONEST)), "engine/unavailable"),
  ];
  return { rule: "closing ends what runs, twice is once, and nothing runs afterwards", problems };
}

function textOf(bytes: Bytes): string {
  const parsed = parseUtf8(bytes);
  return parsed.ok ? parsed.value : "what is no text";
}

/** What two reports have in common when their jobs were equal: everything but wall time. */
function withoutTime({ usage, stdout, stderr, ...rest }: EngineReport): unknown {
  return { ...rest, usage: { ...usage, wallMs: 0 }, stdout: [...stdout], stderr: [...stderr] };
}

function endingRule([name, text, expected, wish]: Ending): EngineRule {
  return {
    name,
    async check(subject) {
      const report = await runText(subject, text, wish);
      const { fault, exitCode, results, usage } = report;
      return [
        ...differ("it ends with", endOf(report), expected.end),
        ...(fault === undefined ? [] : differ("a fault has no exit code", exitCode, undefined)),
        ...(expected.results === undefined ? [] : differ("results", results, expected.results)),
        ...(expected.stdout === undefined ? [] : differ("stdout", textOf(report.stdout), expected.stdout)),
        ...differ("usage is made of whole numbers", Object.values({ ...usage, wallMs: 0 }).every(isCount), true),
        ...differ("fuel within its budget", usage.fuel <= 50_000_000, true),
        ...differ("output within its budget", report.stdout.length + report.stderr.length <= 4096, true),
        ...differ("memory within its budget", usage.memoryBytes <= 4 * 1_048_576, true),
      ];
    },
  };
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

const FUEL: EngineRule = {
  name: "fuel that is just enough is enough, and one less is not",
  async check(subject) {
    const { usage } = await runText(subject, WORK);
    const enough = await runText(subject, WORK, { budgets: { fuel: usage.fuel } });
    const short = await runText(subject, WORK, { budgets: { fuel: usage.fuel - 1 } });
    const none = await runText(subject, WORK, { budgets: { fuel: 0 } });
    const spun = await runText(subject, SPIN, { budgets: { fuel: 123_456 } });
    return [
      ...differ("a loop of a thousand rounds uses more than that", usage.fuel > 1000, true),
      ...differ("with as much as it used", [endOf(enough), enough.usage.fuel], ["exit 0", usage.fuel]),
      ...differ("with one less", endOf(short), "engine/fuel-exhausted"),
      ...differ("with none", endOf(none), "engine/fuel-exhausted"),
      ...differ("a loop without end used", [endOf(spun), spun.usage.fuel <= 123_456], ["engine/fuel-exhausted", true]),
    ];
  },
};

const DEADLINE: EngineRule = {
  name: "the deadline ends what fuel does not, and so does the caller",
  async check(subject) {
    const endless = { fuel: Number.MAX_SAFE_INTEGER };
    const late = await runText(subject, SPIN, { budgets: { ...endless, wallMs: 150 } });
    const cancellation = makeCancellation();
    const running = runText(subject, SPIN, { budgets: endless }, cancellation);
    cancellation.abort();
    return [
      ...differ("at its deadline", [endOf(late), late.usage.wallMs >= 149], ["engine/deadline", true]),
      ...differ("cancelled", endOf(await running), "engine/cancelled"),
      ...differ("cancelled before it began", endOf(await runText(subject, HONEST, {}, cancellation)), "engine/cancelled"),
    ];
  },
};

const DETERMINISM: EngineRule = {
  name: "equal jobs have equal outcomes, and the seed is part of the job",
  async check(subject) {
    const problems: string[] = [];
    for (const text of [PROBE, WORK, HONEST, SPIN]) {
      const wish = { budgets: { fuel: 100_000 } };
      const [one, two] = [await runText(subject, text, wish), await runText(subject, text, wish)];
      problems.push(...differ("the same again", withoutTime(one), withoutTime(two)));
    }
    const other = await runText(subject, PROBE, { seed: new Uint8Array(32).fill(1) });
    const first = await runText(subject, PROBE);
    const same = String(first.stdout.subarray(0, 16)) === String(other.stdout.subarray(0, 16));
    return [...problems, ...differ("another seed gives the same numbers", same, false)];
  },
};

const ISOLATION: EngineRule = {
  name: "a guest finds nothing of the one before it",
  async check(subject) {
    const problems: string[] = [];
    // More often than there are slots, and with the same module again, which an engine may have kept compiled.
    for (let round = 0; round < 6; round++) {
      const litter = await runText(subject, LITTERER, { tenant: "one" });
      const search = await runText(subject, SEARCHER, { tenant: round % 2 === 0 ? "two" : "one", entry: "f" });
      problems.push(...differ("the litterer", endOf(litter), "exit 0"), ...differ("words found", search.results, ["0"]));
    }
    const counter = `(module (memory 1) (global $g (mut i32) (i32.const 0)) (func (export "f") (result i32)
      (global.set $g (i32.add (global.get $g) (i32.const 1))) (global.get $g)))`;
    for (let round = 0; round < 4; round++) {
      problems.push(...differ("a counter begins", (await runText(subject, counter, { entry: "f" })).results, ["1"]));
    }
    return problems;
  },
};

const CONCURRENCY: EngineRule = {
  name: "more jobs than slots all end, each with its own result, beside a guest that does not",
  async check(subject) {
    const square = '(module (func (export "f") (param i32) (result i32) (i32.mul (local.get 0) (local.get 0))))';
    const spinning = runText(subject, SPIN, { budgets: { fuel: Number.MAX_SAFE_INTEGER, wallMs: 500 } });
    const runs = Array.from({ length: 40 }, (_, i) => runText(subject, square, { entry: "f", numericArgs: [String(i)] }));
    const results = (await Promise.all(runs)).map(({ results: [one] }) => one);
    return [
      ...differ(
        "results",
        results,
        results.map((_, i) => String(i * i)),
      ),
      ...differ("the one that spins", endOf(await spinning), "engine/deadline"),
    ];
  },
};

/** Every promise of an engine, as rules. */
export const ENGINE_RULES: readonly EngineRule[] = [
  ...ENDINGS.map(endingRule),
  FUEL,
  DEADLINE,
  DETERMINISM,
  ISOLATION,
  CONCURRENCY,
  ...GRANT_RULES,
  ...PRINTING_RULES,
  ...INPUT_RULES,
];
