import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compilePolicies, DEFAULT_POLICIES, openAuthority, openCedarEngine } from "#cedar";
import type { Digest, KeyId } from "#core";
import { BASE_POLICY, decide, type Decision, type Facts, RISK_WEIGHTS } from "#guardian";
import { DIGEST, GOOD } from "./fixture.test.ts";

function compile(text: string) {
  const compiled = compilePolicies([{ file: "t.cedar", text }]);
  assert.ok(compiled.ok, compiled.ok ? "" : JSON.stringify(compiled.fault));
  return compiled.value;
}

let sets = 0;
function decideBy(text: string, facts: Facts = GOOD): Decision {
  return decide(facts, openCedarEngine({ name: `test-${sets++}`, policies: compile(text) }));
}

function problemsOf(text: string): readonly string[] {
  const compiled = compilePolicies([{ file: "t.cedar", text }]);
  assert.ok(!compiled.ok && compiled.fault.code === "guardian/policies-refused", `${text} was compiled`);
  return compiled.fault.problems;
}

/** Facts whose risk lies at this score. */
function atRisk(score: number): Facts {
  const weights = Object.fromEntries(Object.keys(RISK_WEIGHTS).map((name) => [name, 0]));
  const policy = { ...BASE_POLICY, riskWeights: { ...weights, "operator-grant": score } as typeof RISK_WEIGHTS };
  return { ...GOOD, operatorGrants: ["fs:read"], policy: { state: "read", digest: DIGEST, policy } };
}

const ALL = '@id("all") permit (principal, action, resource);';

test("the default policies permit what is signed, hold what is of high risk, and quarantine the extreme", () => {
  const calm = decideBy(DEFAULT_POLICIES);
  assert.deepEqual([calm.verdict, calm.permits, calm.reasons], ["allow", ["signed-modules"], []]);
  for (const [score, verdict, policy] of [
    [65, "allow", undefined],
    [66, "hold", "high-risk-waits"],
    [84, "hold", "high-risk-waits"],
    [85, "quarantine", "extreme-risk"],
    [100, "quarantine", "extreme-risk"],
  ] as const) {
    const decision = decideBy(DEFAULT_POLICIES, atRisk(score));
    assert.deepEqual([decision.verdict, decision.reasons[0]?.policy], [verdict, policy], `a score of ${score}`);
  }
  assert.equal(decideBy(DEFAULT_POLICIES, { ...atRisk(100), mode: "proof" }).verdict, "allow");
});

test("what no policy permits is denied, and a forbid wins over every permit", () => {
  assert.equal(
    decideBy('@id("none") permit (principal is Key, action, resource) when { context.fuel == 7 };').reasons[0]?.code,
    "guardian/no-permit",
  );
  const { verdict, reasons, permits } = decideBy(
    `${ALL} @id("no") @reason("not here") @hint("go away") forbid (principal, action, resource);`,
  );
  assert.deepEqual([verdict, permits], ["deny", []]);
  const forbids = { verdict: "deny", code: "guardian/policy-forbids", policy: "no", message: "not here", hint: "go away" };
  assert.deepEqual(reasons, [forbids]);
});

test("what is only held says which policies would permit it, and is denied when none would", () => {
  const hold = '@id("wait") @verdict("hold") forbid (principal, action, resource);';
  const held = decideBy(`${ALL} ${hold}`);
  assert.deepEqual([held.verdict, held.permits], ["hold", ["all"]]);
  assert.deepEqual(
    decideBy(hold).reasons.map(({ code }) => code),
    ["guardian/no-permit", "guardian/policy-forbids"],
  );
  const both = decideBy(`${ALL} ${hold} @id("no") forbid (principal, action, resource);`);
  assert.deepEqual([both.verdict, both.reasons.map(({ policy }) => policy)], ["deny", ["no", "wait"]]);
});

test("policies see every fact that the schema names", () => {
  const seen: readonly (readonly [condition: string, facts: Facts])[] = [
    [`principal == Key::"${DIGEST}" && principal.name == "alice"`, GOOD],
    [`resource == Module::"${DIGEST}" && resource in Tenant::"hello" && resource.sizeBytes == 100`, GOOD],
    ['resource.imports.contains("wasi_snapshot_preview1.fd_write") && resource.features == ["simd"]', GOOD],
    ['action == Action::"prove"', { ...GOOD, mode: "proof" }],
    ['context.source == "human" && context.entry == "_start" && context.capabilities == ["stdout"]', GOOD],
    ['context.operatorGrants == ["fs:read"] && context.riskScore == 40 && context.riskBand == "safe"', atRisk(40)],
    ["context.fuel == 1000 && context.wallMs == 3000 && context.memoryBytes > 1 && context.outputBytes > 1", GOOD],
    ["context.manifestSigned && !context.approved && context.known && context.digestRuns == 3", GOOD],
    ['context.backend == "wasm" && context.isolation.containsAll(["seccomp", "process"])', GOOD],
    ["!context.changed && context.standing == 0 && context.previousRuns == 0 && context.previousFailures == 0", GOOD],
    ["context.digestFailures == 0 && context.tenantRuns == 0 && context.tenantFailures == 0", GOOD],
    ['context has source && context["source"] == "human"', GOOD],
  ];
  for (const [condition, facts] of seen) {
    const { verdict } = decideBy(`@id("it") permit (principal is Key, action, resource is Module) when { ${condition} };`, facts);
    assert.equal(verdict, "allow", condition);
  }
});

test("large numbers and escaped names are what their author wrote", () => {
  const text = '@id("it") permit (principal is Key, action, resource) when { 9007199254740993 - 9007199254740992 == 1 };';
  assert.equal(decideBy(text).verdict, "allow");
  const escaped = '@id("it") permit (principal is Key, action, resource) when { context["sou\\u{72}ce"] == "human" };';
  assert.equal(decideBy(escaped).verdict, "allow");
});

test("a policy that fails is a deny, also where Cedar would pass over it", () => {
  const overflow = "9223372036854775807 + context.digestRuns > 0";
  for (const effect of ["permit", "forbid"]) {
    const { verdict, reasons } = decideBy(
      `${ALL} @id("bad") ${effect} (principal is Key, action, resource) when { ${overflow} };`,
    );
    assert.deepEqual([verdict, reasons[0]?.code, reasons[0]?.policy], ["deny", "guardian/policy-failed", "bad"], effect);
  }
});

test("every problem of every policy is listed, with its file", () => {
  const problems = problemsOf(`
    permit (principal, action, resource);
    @id("Upper") permit (principal, action, resource);
    @id("a") @verdict("maybe") forbid (principal, action, resource);
    @id("b") @verdict("hold") permit (principal, action, resource);
    @id("c") @reson("typo") permit (principal, action, resource);
    @id("d") permit (principal, action, resource);
    @id("d") permit (principal, action, resource);
    @id("e") @reason("two\\nlines") permit (principal, action, resource);
    @id("f") permit (principal is Key, action, resource) when { context.riskScor > 3 };
  `);
  for (const word of [
    "has no id",
    "has no id",
    "`@verdict` is not",
    "a permit has no",
    "`@reson`",
    "used twice",
    "not one line",
    "riskScor",
  ])
    assert.ok(
      problems.some((problem) => problem.includes(word)),
      `${word}: ${problems.join("\n")}`,
    );
  assert.ok(
    problems.every((problem) => problem.startsWith("`t.cedar`")),
    problems.join("\n"),
  );
});

const HOSTILE: readonly (readonly [what: string, text: string, problem: RegExp])[] = [
  ["what is not Cedar", "permit everything", /t\.cedar`:1: /],
  ["a template", '@id("t") permit (principal == ?principal, action, resource);', /templates/],
  ["an entity that the schema lacks", '@id("t") permit (principal is Robot, action, resource);', /Robot/],
  ["a type that does not fit", '@id("t") permit (principal, action, resource) when { context.source > 3 };', /expected/],
  ["a policy that can never apply", '@id("t") permit (principal is Tenant, action, resource);', /t\.cedar/],
  ["brackets without end", `@id("t") permit (principal, action, resource) when { ${"(".repeat(50_000)}`, /nested/],
  [
    "operators without end",
    `@id("t") permit (principal, action, resource) when { ${"true && ".repeat(5_000)} true };`,
    /operators/,
  ],
  ["a file without end", `// ${"a".repeat(70_000)}`, /larger/],
];

test("policies that are broken, hostile or huge are refused in words", () => {
  for (const [what, text, problem] of HOSTILE) {
    const problems = problemsOf(text);
    assert.match(problems.join("\n"), problem, what);
    assert.ok(
      problems.every((one) => !/[\n\u001b]/.test(one)),
      what,
    );
  }
  // Nothing of it has hurt Cedar.
  assert.equal(decideBy(DEFAULT_POLICIES).verdict, "allow");
});

test("too many policies are refused", () => {
  const many = Array.from({ length: 501 }, (_, n) => `@id("p${n}") permit (principal, action, resource);`).join("\n");
  assert.match(problemsOf(many).join(), /501 policies/);
});

test("no text makes compiling throw", () => {
  const word = fc.constantFrom(
    "permit",
    "forbid",
    "(",
    ")",
    "{",
    "}",
    "when",
    '@id("a")',
    ";",
    "principal",
    "action",
    "resource",
    ",",
    "context",
    ".",
    "if",
    "then",
    "else",
    "!",
    "-",
    "==",
    "like",
    '"*"',
    "[",
    "]",
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 60 }), (words) => void compilePolicies([{ file: "f", text: words.join(" ") }])),
  );
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => void compilePolicies([{ file: "f", text }])));
});

test("who may do what is asked of the same policies", () => {
  const authority = openAuthority("people", compile(DEFAULT_POLICIES));
  const may = (roles: readonly string[], deed: Parameters<typeof authority>[0]["deed"], tenant?: string) =>
    authority({ person: "ann", roles, deed, tenant });
  assert.deepEqual(may(["approver"], "approve", "t"), { permits: ["approvers-decide"], refusal: undefined });
  assert.deepEqual(may(["approver"], "approvePolicy"), { permits: ["approvers-decide"], refusal: undefined });
  assert.deepEqual(may(["signer"], "approve", "t"), { permits: [], refusal: "no policy permits it" });
  assert.deepEqual(may(["approver"], "breakGlass", "t").permits, []);
  assert.deepEqual(may(["break-glass"], "breakGlass", "t").permits, ["break-glass"]);
  const strict = openAuthority(
    "strict",
    compile(
      `${DEFAULT_POLICIES} @id("not-ann") forbid (principal == Person::"ann", action == Action::"approve", resource == Tenant::"t");`,
    ),
  );
  const refused = strict({ person: "ann", roles: ["approver"], deed: "approve", tenant: "t" });
  assert.deepEqual(refused, { permits: [], refusal: "forbidden by policy `not-ann`" });
});

test("an engine that has been asked before answers as one that has not", () => {
  const text = `${ALL} @id("many") forbid (principal, action == Action::"run", resource) when { context.digestRuns > 3 };
    @id("t") forbid (principal, action == Action::"run", resource in Tenant::"b\\",");`;
  const asked = openCedarEngine({ name: "asked", policies: compile(text) });
  const rows = [1, 3, 4, 5].flatMap((digestRuns) =>
    ["a", "b", 'b",', '"'].map((tenant): Facts => ({ ...GOOD, tenant, history: { ...GOOD.history, digestRuns } })),
  );
  const verdicts = new Set<string>();
  for (const facts of [...rows, ...rows.toReversed()]) {
    const decision = decide(facts, asked);
    verdicts.add(decision.reasons.map(({ policy }) => policy).join());
    assert.deepEqual(decision, decideBy(text, facts));
  }
  assert.deepEqual([...verdicts].toSorted(), ["", "many", "many,t", "t"], "a control: the rows differ");
});

test("one module is told from another exactly where a policy names one, and so is one key", () => {
  const other = "99".repeat(32);
  const rows = [DIGEST, other].flatMap((digest) =>
    [DIGEST, other].map((keyId): Facts => {
      const { module, signature } = GOOD;
      assert.ok(module.admitted && signature.trusted);
      return { ...GOOD, module: { ...module, digest: digest as Digest }, signature: { ...signature, keyId: keyId as KeyId } };
    }),
  );
  const policies: readonly (readonly [policy: string, denied: number])[] = [
    [`@id("no") forbid (principal is Key, action, resource == Module::"${other}");`, 2],
    [`@id("no") forbid (principal, action, resource is Module) when { principal in [Key::"${other}"] };`, 2],
    [
      `@id("no") forbid (principal, action, resource) when { principal == Key::"${other}" && resource == Module::"${other}" };`,
      1,
    ],
  ];
  for (const [policy, denied] of policies) {
    const asked = openCedarEngine({ name: `told-${sets++}`, policies: compile(`${ALL} ${policy}`) });
    assert.equal(rows.filter((facts) => decide(facts, asked).verdict === "deny").length, denied, policy);
  }
});
