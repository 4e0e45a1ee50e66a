import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compilePolicies, DEFAULT_POLICIES, openCedarEngine } from "../packages/nightcore/src/cedar/index.ts";
import type { Digest, RunId } from "../packages/nightcore/src/core/index.ts";
import { decide, type Decision, type Facts, nameRules, type PolicyAnswer } from "../packages/nightcore/src/guardian/index.ts";
import { type Event, evolve, MemoryRows, readAnswerIndex } from "../packages/nightcore/src/state/index.ts";
import { sha256 } from "../packages/nightcore/src/store/keys/index.ts";
import { takeAnswer } from "../packages/nightcore/src/worker/index.ts";
import { anyFacts } from "./any-facts.ts";

const DECISIONS = 3_000;
// Few words, so that many ask the same.
const MORE = `
@id("elevated-waits") @verdict("hold") @reason("a person looks at it")
forbid (principal is Key, action, resource) when { context.riskBand == "elevated" } unless { context.approved };`;

/** A log, and what folding it gives, as far as answers go. */
class Log {
  readonly engine: { readonly name: string };
  readonly #events: Event[] = [];
  readonly #rows = new MemoryRows();

  constructor(engine: { readonly name: string }) {
    this.engine = engine;
  }

  record({ tenant, at, mode }: Facts, { asked, ...decision }: Decision): void {
    const index = this.#events.length;
    const of = { kind: "decision", run: `run-${index}` as RunId, tenant, at, mode, digest: null, facts: null };
    const event = JSON.parse(JSON.stringify({ ...of, engine: nameRules(this.engine), ...decision, ...asked })) as Event;
    this.#events.push(event);
    evolve(this.#rows, event, { index });
  }

  find(question: Digest): PolicyAnswer | undefined {
    const index = readAnswerIndex(this.#rows, question);
    const event = index === undefined ? undefined : this.#events[index];
    return event && index !== undefined ? takeAnswer([event], index, { question, engine: this.engine }) : undefined;
  }
}

test(`${DECISIONS} decisions with the answers of a log come out as those of Cedar, whatever else the rules find`, () => {
  const compiled = compilePolicies([{ file: "all.cedar", text: DEFAULT_POLICIES + MORE }]);
  assert.ok(compiled.ok, JSON.stringify(compiled));
  const set = { name: "all", policies: compiled.value };
  const plain = openCedarEngine(set);
  const log = new Log(plain);
  const seen = { "answered by the log": 0, "answered by Cedar": 0, "refused by the rules beside an answer of the log": 0 };
  for (const facts of fc.sample(anyFacts, { seed: 2026, numRuns: DECISIONS })) {
    // As in a process of its own: nothing is kept but what the log has.
    const recorded = decide(facts, openCedarEngine(set, { sha256, find: (question) => log.find(question), expect: () => false }));
    const { asked, ...decision } = recorded;
    assert.deepEqual(decision, decide(facts, plain));
    log.record(facts, recorded);
    if (asked === undefined) continue;
    seen[asked.answeredBy === undefined ? "answered by Cedar" : "answered by the log"]++;
    if (asked.answeredBy !== undefined && recorded.verdict !== "allow")
      seen["refused by the rules beside an answer of the log"]++;
  }
  for (const [what, count] of Object.entries(seen)) assert.ok(count > 50, `${what}: ${count}`);
});
