import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compilePolicies, DEFAULT_POLICIES, openCedarEngine } from "../packages/nightcore/src/cedar/index.ts";
import { decide, type Facts } from "../packages/nightcore/src/guardian/index.ts";
import { anyFacts } from "./any-facts.ts";

const DECISIONS = 10_000;
const MORE = `
@id("no-sockets") @verdict("quarantine") @reason("sockets are not for modules")
forbid (principal is Key, action in [Action::"run", Action::"prove"], resource is Module) when { resource.imports.contains("wasi_snapshot_preview1.sock_recv") && context.riskScore > 60 };
@id("big-waits") @verdict("hold") @reason("it is large")
forbid (principal, action == Action::"run", resource is Module) when { resource.sizeBytes > 60000000 } unless { context.approved };
@id("overflows") @reason("it fails for some")
forbid (principal is Key, action == Action::"prove", resource is Module) when { context.fuel * 922337203685 < 0 };
`;

test(`${DECISIONS} decisions, each made again from its facts as the log has them, come out the same`, () => {
  const texts = [
    { file: "default.cedar", text: DEFAULT_POLICIES },
    { file: "more.cedar", text: MORE },
  ];
  const compiled = compilePolicies(texts);
  assert.ok(compiled.ok, JSON.stringify(compiled));
  const [engine, another] = ["one", "two"].map((name) => openCedarEngine({ name, policies: compiled.value }));
  const seen = new Set<string>();
  for (const facts of fc.sample(anyFacts, { seed: 2026, numRuns: DECISIONS })) {
    const decided = decide(facts, engine);
    const recorded = JSON.parse(JSON.stringify({ facts, decided })) as { facts: Facts; decided: object };
    assert.deepEqual(JSON.parse(JSON.stringify(decide(recorded.facts, another))), recorded.decided);
    seen.add(decided.verdict);
    for (const { code, policy } of decided.reasons) seen.add(policy ?? code);
  }
  // A control: history has everything in it.
  for (const one of [
    "allow",
    "hold",
    "deny",
    "quarantine",
    "no-sockets",
    "big-waits",
    "overflows",
    "high-risk-waits",
    "extreme-risk",
  ])
    assert.ok(seen.has(one), one);
});
