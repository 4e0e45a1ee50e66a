import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type BlockCause, type BlockKind, type Digest, type KeyId, utf8 } from "#core";
import {
  BASE_POLICY,
  decide,
  type Facts,
  NO_APPROVALS,
  parseTenantPolicy,
  type PolicyAnswer,
  type PolicyEngine,
  type Reason,
} from "#guardian";

const DIGEST = "ab".repeat(32) as Digest;
const KEY = "cd".repeat(32) as KeyId;

const GOOD: Facts = {
  tenant: "hello",
  at: "2026-06-01T00:00:00.000Z",
  mode: "run",
  backend: "wasm",
  isolation: ["process"],
  module: { admitted: true, digest: DIGEST, sizeBytes: 100, imports: [], features: [] },
  signature: { trusted: true, keyId: KEY, keyName: "alice", form: "dsse", manifestSigned: true },
  manifest: { state: "read", digest: DIGEST, form: "v38", tenant: undefined, capabilities: ["stdout"], budgets: { fuel: 1000 } },
  entry: { name: "_start", present: true },
  source: "human",
  operatorGrants: [],
  trustStore: DIGEST,
  policy: { state: "read", digest: DIGEST, policy: BASE_POLICY },
  history: { firstSeenAt: undefined, previousDigest: undefined, manifestWasSigned: false },
  approvals: NO_APPROVALS,
};

const finding = { code: "x/y", message: "m" };
const withPolicy = (change: Partial<typeof BASE_POLICY>): Partial<Facts> => ({
  policy: { state: "read", digest: DIGEST, policy: { ...BASE_POLICY, ...change } },
});
const blocked = (kind: BlockKind, target: string, cause: BlockCause = "operator"): Partial<Facts> => ({
  blocks: [{ id: "17.0", kind, target, reason: "r", cause, at: "t" }],
});
const asking = (change: Partial<Extract<Facts["manifest"], { state: "read" }>>): Partial<Facts> => ({
  manifest: { ...(GOOD.manifest as Extract<Facts["manifest"], { state: "read" }>), ...change },
});

/** Each fact that is missing or wrong, alone, and what it must lead to. */
const AGAINST: readonly (readonly [what: string, change: Partial<Facts>, verdict: string, code: string])[] = [
  ["bytes that were not admitted", { module: { admitted: false, digest: DIGEST, sizeBytes: 1, finding } }, "deny", "x/y"],
  ["a signature that is not trusted", { signature: { trusted: false, finding } }, "deny", "x/y"],
  ["a manifest that was refused", { manifest: { state: "refused", finding } }, "deny", "x/y"],
  ["no manifest where one is required", { manifest: { state: "absent" } }, "deny", "guardian/manifest-missing"],
  ["a policy that was refused", { policy: { state: "refused", finding } }, "deny", "x/y"],
  [
    "a digest in quarantine, as older facts say it",
    { quarantine: { reason: "r", at: "t" } },
    "quarantine",
    "guardian/quarantined",
  ],
  ["a digest in quarantine", blocked("digest", DIGEST), "quarantine", "guardian/quarantined"],
  ["a digest that was contained", blocked("digest", DIGEST, "containment"), "quarantine", "guardian/contained"],
  ["an input that was contained", blocked("digest", "ee".repeat(32), "containment"), "quarantine", "guardian/input-blocked"],
  ["an input in quarantine", blocked("digest", "ee".repeat(32)), "quarantine", "guardian/input-blocked"],
  ["a signer that is blocked", blocked("signer", KEY), "quarantine", "guardian/signer-blocked"],
  ["a tenant that is blocked", blocked("tenant", "hello"), "quarantine", "guardian/tenant-blocked"],
  ["imports that are blocked", blocked("imports", '["a.b"]'), "quarantine", "guardian/imports-blocked"],
  ["a switch thrown for everything", blocked("everything", ""), "quarantine", "guardian/everything-blocked"],
  ["no entry point", { entry: { name: "_start", present: false } }, "deny", "guardian/no-entry"],
  ["a manifest for another tenant", asking({ tenant: "other" }), "deny", "guardian/manifest-other-tenant"],
  [
    "a capability beyond the policy",
    asking({ capabilities: ["stdout", "clock:real"] }),
    "deny",
    "guardian/capability-not-granted",
  ],
  ["an operator's grant beyond the policy", { operatorGrants: ["random:real"] }, "deny", "guardian/capability-not-granted"],
  ["fuel over the limit", asking({ budgets: { fuel: BASE_POLICY.limits.fuel + 1 } }), "deny", "guardian/budget-over-limit"],
  ["time over the limit", asking({ budgets: { wallMs: BASE_POLICY.limits.wallMs + 1 } }), "deny", "guardian/budget-over-limit"],
  [
    "memory over the limit",
    asking({ budgets: { memoryBytes: BASE_POLICY.limits.memoryBytes + 1 } }),
    "deny",
    "guardian/budget-over-limit",
  ],
  [
    "output over the limit",
    asking({ budgets: { outputBytes: BASE_POLICY.limits.outputBytes + 1 } }),
    "deny",
    "guardian/budget-over-limit",
  ],
  ["a folder that cannot be shown", { mounts: { state: "refused", finding } }, "deny", "x/y"],
  ["an agent's code without approval", { source: "agent" }, "hold", "guardian/approval-missing"],
  ["code from outside without approval", { source: "import" }, "hold", "guardian/approval-missing"],
  ["a backend that is not allowed", { backend: "remote" }, "deny", "guardian/backend-not-allowed"],
  ["isolation that is not in place", withPolicy({ requireIsolation: ["seccomp"] }), "deny", "guardian/isolation-missing"],
  [
    "an unsigned manifest where a signed one is required",
    {
      ...withPolicy({ requireSignedManifest: true }),
      signature: { ...GOOD.signature, manifestSigned: false } as Facts["signature"],
    },
    "deny",
    "guardian/manifest-unsigned",
  ],
  [
    "proof mode that is not allowed",
    { ...withPolicy({ allowProofMode: false }), mode: "proof" },
    "deny",
    "guardian/proof-mode-not-allowed",
  ],
  [
    "a manifest that used to be signed",
    {
      history: { ...GOOD.history, manifestWasSigned: true },
      signature: { ...GOOD.signature, manifestSigned: false } as Facts["signature"],
    },
    "deny",
    "guardian/signature-weakened",
  ],
];

test("good facts are allowed, with what was asked for", () => {
  const { verdict, reasons, grant } = decide(GOOD);
  assert.equal(verdict, "allow");
  assert.deepEqual(reasons, []);
  // v37's documented default of 3 s fills in what this form of manifest leaves out.
  assert.deepEqual(grant, {
    capabilities: ["stdout"],
    entry: "_start",
    budgets: { ...BASE_POLICY.limits, fuel: 1000, wallMs: 3000 },
  });
});

for (const [what, change, verdict, code] of AGAINST) {
  test(`${what}: ${verdict}`, () => {
    const decision = decide({ ...GOOD, ...change });
    assert.equal(decision.verdict, verdict);
    assert.deepEqual(
      decision.reasons.map((reason) => reason.code),
      [code],
    );
    assert.equal(decision.grant, undefined);
  });
}

test("any combination of facts against names each of them, and the worst verdict wins", () => {
  const independent = AGAINST.filter(([, change]) => !("policy" in change) && !("manifest" in change));
  fc.assert(
    fc.property(fc.subarray([...independent], { minLength: 1 }), (rows) => {
      const facts = Object.assign({}, GOOD, ...rows.map(([, change]) => change)) as Facts;
      const { verdict, reasons, grant } = decide(facts);
      assert.notEqual(verdict, "allow");
      assert.equal(grant, undefined);
      const verdicts = reasons.map((reason) => reason.verdict);
      const worst = verdicts.includes("quarantine") ? "quarantine" : verdicts.includes("deny") ? "deny" : "hold";
      assert.equal(verdict, worst);
      assert.equal(reasons[0]?.verdict, worst);
    }),
  );
});

test("the same facts give the same decision, also after a round through the log's JSON", () => {
  for (const [, change] of AGAINST) {
    const facts = { ...GOOD, ...change };
    assert.deepEqual(decide(JSON.parse(JSON.stringify(facts)) as Facts), decide(facts));
  }
});

const answering = (answer: PolicyAnswer): PolicyEngine => ({ name: "planted/1", judge: () => answer });

test("a policy engine can add a reason and cannot take one away; what it does not permit is denied", () => {
  const reason: Reason = { verdict: "deny", code: "guardian/policy-forbids", policy: "no-sundays", message: "no" };
  assert.deepEqual(decide(GOOD, answering({ permits: ["all"], reasons: [reason] })).reasons, [reason]);
  const allowed = decide(GOOD, answering({ permits: ["all"], reasons: [] }));
  assert.deepEqual([allowed.verdict, allowed.permits], ["allow", ["all"]]);
  assert.equal(decide({ ...GOOD, source: "agent" }, answering({ permits: ["all"], reasons: [] })).verdict, "hold");
  assert.equal(decide(GOOD, answering({ permits: [], reasons: [] })).reasons[0]?.code, "guardian/no-permit");
});

test("policies are asked only about what has a shape, a signer and limits", () => {
  const engine: PolicyEngine = {
    name: "planted/1",
    judge: () => assert.fail("it was asked"),
  };
  for (const change of [
    { module: { admitted: false, digest: DIGEST, sizeBytes: 1, finding } },
    { signature: { trusted: false, finding } },
    { policy: { state: "refused", finding } },
  ] as Partial<Facts>[])
    assert.equal(decide({ ...GOOD, ...change }, engine).reasons[0]?.code, "x/y");
});

test("a fault inside the decision is a deny", () => {
  const engine: PolicyEngine = {
    name: "planted/1",
    judge: () => {
      throw new Error("the engine fell over");
    },
  };
  const decision = decide(GOOD, engine);
  assert.equal(decision.verdict, "deny");
  assert.equal(decision.reasons[0]?.code, "guardian/decision-failed");
});

test("a budget over the limit is cut where the policy says so", () => {
  const { verdict, grant } = decide({
    ...GOOD,
    ...asking({ budgets: { fuel: Number.MAX_SAFE_INTEGER } }),
    ...withPolicy({ onExcess: "cut" }),
  });
  assert.equal(verdict, "allow");
  assert.equal(grant?.budgets.fuel, BASE_POLICY.limits.fuel);
});

test("policies: v39's form, ours over it, and every problem listed", () => {
  const v39 = {
    tenant: "_default",
    allowed_backends: ["wasmtime", "firecracker"],
    allow_proof_mode: true,
    require_manifest: true,
    require_signature: true,
    max_exec_ms: 2000,
    max_memory_mb: 128,
  };
  const base = parseTenantPolicy(utf8(JSON.stringify(v39)), "_default.json", BASE_POLICY);
  assert.ok(base.ok);
  assert.deepEqual(base.value.backends, ["wasm", "firecracker"]);
  assert.equal(base.value.limits.wallMs, 2000);
  assert.equal(base.value.limits.memoryBytes, 128 * 1024 * 1024);
  const own = parseTenantPolicy(utf8('{"max_fuel":7,"capabilities":[]}'), "t.json", base.value);
  assert.ok(own.ok);
  assert.deepEqual({ ...base.value, capabilities: [], limits: { ...base.value.limits, fuel: 7 } }, own.value);
  const bad = parseTenantPolicy(
    utf8(
      '{"require_signature":false,"max_fuel":0,"capabilities":["root"],"on_excess":"allow","typo":1,"risk":{"digest-changed":101,"x":1}}',
    ),
    "t.json",
    BASE_POLICY,
  );
  assert.ok(!bad.ok && bad.fault.code === "guardian/policy-refused");
  assert.equal(bad.fault.problems.length, 7, bad.fault.problems.join("; "));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void parseTenantPolicy(bytes, "f", BASE_POLICY)));
});
