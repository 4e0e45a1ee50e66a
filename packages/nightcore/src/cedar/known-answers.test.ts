import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { CEDAR_COMPILER, loadCedar, openCedarEngine } from "#cedar";
import type { Bytes, Digest, KeyId } from "#core";
import { type CompiledPolicy, decide, type Facts, type PolicyAnswer, type PolicyEngine } from "#guardian";
import { DIGEST, GOOD } from "./fixture.test.ts";

const OTHER = "cd".repeat(32);
const QUESTION = /^[0-9a-f]{64}$/;
const sha256 = (bytes: Bytes) => new Uint8Array(createHash("sha256").update(bytes).digest());

/** One policy that mentions every attribute and names both kinds of entity, so that all of the facts reach the question. */
function mentioning(words: string): CompiledPolicy {
  const text = `@id("all") permit (principal, action, resource) when { ${words} };`;
  return { id: "all", file: "t.cedar", effect: "permit", verdict: "deny", text };
}

const EVERYTHING = `Key::"" Module::"" Tenant::"" name sizeBytes imports features source entry capabilities operatorGrants
  wallMs memoryBytes fuel outputBytes manifestSigned approved backend isolation riskScore riskBand standing known changed
  previousRuns previousFailures digestRuns digestFailures tenantRuns tenantFailures`;

/** Policies that Cedar refuses: who is answered by them has not asked Cedar. */
function openUnaskable(find: (question: Digest) => PolicyAnswer | undefined, name = "v1", words = EVERYTHING): PolicyEngine {
  return openCedarEngine({ name, policies: [mentioning(words)] }, { sha256, find, expect: () => false });
}

function questionOf(facts: Facts, name?: string, words?: string): string {
  const asked: string[] = [];
  const engine = openUnaskable(
    (question) => {
      asked.push(question);
      return { permits: ["all"], reasons: [] };
    },
    name,
    words,
  );
  decide(facts, engine);
  assert.equal(asked.length, 1);
  assert.match(asked[0] ?? "", QUESTION);
  return asked[0] ?? "";
}

test("what is known is the answer, and Cedar is not asked; what is not known is asked of Cedar, and a refusal of Cedar's is a deny", () => {
  const known: PolicyAnswer[] = [];
  const engine = openUnaskable(() => known[0]);
  const failed = decide(GOOD, engine);
  assert.deepEqual([failed.verdict, failed.reasons[0]?.code], ["deny", "guardian/decision-failed"]);
  known.push({ permits: ["all"], reasons: [], asked: { question: DIGEST, answeredBy: 7 } });
  const allowed = decide(GOOD, engine);
  assert.deepEqual([allowed.verdict, allowed.permits, allowed.asked], ["allow", ["all"], { question: DIGEST, answeredBy: 7 }]);
});

test("an answer of Cedar's says what was asked, and without anything known it does not", () => {
  const policies = [mentioning("context.fuel == 1000")];
  const find = () => undefined;
  for (const facts of [GOOD, { ...GOOD, manifest: { ...GOOD.manifest, budgets: { fuel: 999 } } }]) {
    const { asked, ...decision } = decide(
      facts,
      openCedarEngine({ name: "fuel", policies }, { sha256, find, expect: () => false }),
    );
    assert.deepEqual(Object.keys(asked ?? {}), ["question"]);
    assert.match(asked?.question ?? "", QUESTION);
    assert.deepEqual(decision, decide(facts, openCedarEngine({ name: "fuel", policies })), "a deny is the same deny");
  }
});

test("the version of Cedar that questions and records name is the one that answers", () => {
  assert.equal(CEDAR_COMPILER, `cedar-wasm/${loadCedar().getCedarSDKVersion()}`);
});

test("an engine that is opened asks what is expected under its version, and loads Cedar where nothing is", () => {
  const expected: string[] = [];
  const policies = [mentioning("true")];
  for (const known of [true, false]) {
    const expect = (version: string) => (expected.push(version), known);
    const engine = openCedarEngine({ name: "opened", policies }, { sha256, find: () => undefined, expect });
    engine.open();
    assert.equal(decide(GOOD, engine).verdict, "allow", "the guess decides nothing");
  }
  assert.deepEqual(expected, ["opened", "opened"]);
  assert.doesNotThrow(() => openCedarEngine({ name: "refused", policies: [mentioning("nonsense")] }).open());
});

test("what is known is asked for once in the life of an engine", () => {
  let times = 0;
  const engine = openUnaskable(() => (times++, { permits: ["all"], reasons: [] }));
  for (let n = 0; n < 3; n++) assert.equal(decide(GOOD, engine).verdict, "allow");
  assert.equal(times, 1);
});

const CHANGES: Readonly<Record<string, Facts>> = {
  mode: { ...GOOD, mode: "proof" },
  tenant: { ...GOOD, tenant: "other" },
  key: { ...GOOD, signature: { ...GOOD.signature, keyId: OTHER as KeyId } },
  "name of the key": { ...GOOD, signature: { ...GOOD.signature, keyName: "bob" } },
  module: { ...GOOD, module: { ...GOOD.module, digest: OTHER as Digest } },
  size: { ...GOOD, module: { ...GOOD.module, sizeBytes: 101 } },
  imports: { ...GOOD, module: { ...GOOD.module, imports: ["a", "b"] } },
  features: { ...GOOD, module: { ...GOOD.module, features: [] } },
  source: { ...GOOD, source: "import" },
  entry: { ...GOOD, entry: { name: "main", present: true } },
  capabilities: { ...GOOD, manifest: { ...GOOD.manifest, capabilities: ["stdin"] } },
  grants: { ...GOOD, operatorGrants: ["stdin"] },
  fuel: { ...GOOD, manifest: { ...GOOD.manifest, budgets: { fuel: 1001 } } },
  "signed manifest": { ...GOOD, signature: { ...GOOD.signature, manifestSigned: false } },
  backend: { ...GOOD, backend: "wasmtime" },
  isolation: { ...GOOD, isolation: ["process", "seccomp"] },
  "first sight": { ...GOOD, history: { ...GOOD.history, firstSeenAt: undefined } },
  predecessor: { ...GOOD, history: { ...GOOD.history, previousDigest: OTHER as Digest } },
  "runs before": { ...GOOD, history: { ...GOOD.history, digestRuns: 4 } },
  "failures of the tenant": { ...GOOD, history: { ...GOOD.history, tenantFailures: 1 } },
};

test("a question that differs in anything that the policies can see is another question, and so is one to another version", () => {
  const questions = Object.entries(CHANGES).map(([what, facts]) => [what, questionOf(facts)] as const);
  const all = [["unchanged", questionOf(GOOD)], ["version", questionOf(GOOD, "v2")], ...questions] as const;
  const seen = new Map<string, string>();
  for (const [what, question] of all) {
    assert.equal(seen.get(question), undefined, `${what} and ${seen.get(question)}`);
    seen.set(question, what);
  }
  assert.equal(questionOf(GOOD), all[0][1], "a control: the same is the same");
});

test("what the policies cannot see makes no other question", () => {
  const words = "context.riskBand";
  const unseen = ["key", "module", "size", "tenant", "entry", "runs before"];
  for (const what of unseen) assert.equal(questionOf(CHANGES[what] ?? GOOD, "v1", words), questionOf(GOOD, "v1", words), what);
});
