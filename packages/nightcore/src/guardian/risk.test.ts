import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bandOf, type Digest, RISK_BANDS, RISK_MAX } from "#core";
import { BASE_POLICY, type Facts, NO_APPROVALS, RISK_WEIGHTS, type RiskName, scoreRisk } from "#guardian";

const DIGEST = "ab".repeat(32) as Digest;
const OTHER = "cd".repeat(32) as Digest;

/** Facts to which no contribution applies. */
const CALM: Facts = {
  tenant: "hello",
  at: "2026-06-01T00:00:00.000Z",
  mode: "run",
  backend: "wasm",
  isolation: ["process", "bubblewrap", "seccomp"],
  module: { admitted: true, digest: DIGEST, sizeBytes: 100, imports: ["wasi_snapshot_preview1.fd_write"], features: [] },
  signature: { trusted: true, keyId: OTHER as never, keyName: "alice", form: "dsse", manifestSigned: true },
  manifest: { state: "read", digest: DIGEST, form: "v38", tenant: undefined, capabilities: ["stdout"], budgets: { fuel: 1000 } },
  entry: { name: "_start", present: true },
  source: "human",
  operatorGrants: [],
  trustStore: DIGEST,
  policy: { state: "read", digest: DIGEST, policy: BASE_POLICY },
  quarantine: undefined,
  history: { firstSeenAt: "2026-05-01T00:00:00.000Z", previousDigest: DIGEST, manifestWasSigned: true },
  approvals: NO_APPROVALS,
};
type Read = Extract<Facts["manifest"], { state: "read" }>;
const asking = (change: Partial<Read>): Partial<Facts> => ({ manifest: { ...(CALM.manifest as Read), ...change } });

/** For each contribution, the one fact that makes it apply, and the points that it adds then. */
const APPLIES: Readonly<Record<RiskName, readonly [change: Partial<Facts>, points: number]>> = {
  "agent-source": [{ source: "agent" }, 30],
  "import-source": [{ source: "import" }, 20],
  "digest-first-seen": [{ history: { ...CALM.history, firstSeenAt: undefined } }, 10],
  "digest-changed": [{ history: { ...CALM.history, previousDigest: OTHER } }, 5],
  "tenant-first-run": [{ history: { ...CALM.history, previousDigest: undefined } }, 5],
  "manifest-unsigned": [{ signature: { ...CALM.signature, manifestSigned: false } as Facts["signature"] }, 5],
  "capability-fs-write": [asking({ capabilities: ["fs:write"] }), 5],
  "capability-real": [asking({ capabilities: ["random:real"] }), 5],
  "operator-grant": [{ operatorGrants: ["fs:read"] }, 5],
  "budget-near-limit": [asking({ budgets: { wallMs: BASE_POLICY.limits.wallMs * 0.9 } }), 5],
  "imports-sockets": [{ module: { ...CALM.module, imports: ["wasi_snapshot_preview1.sock_send"] } as Facts["module"] }, 5],
  "isolation-thin": [{ isolation: ["process"] }, 15],
  "digest-failures": [{ history: { ...CALM.history, digestRuns: 4, digestFailures: 1 } }, 5],
  "tenant-failures": [{ history: { ...CALM.history, tenantRuns: 10, tenantFailures: 10 } }, 10],
  standing: [{ standing: { tenant: { points: 25, at: "2026-06-01T00:00:00.000Z" }, evidence: [] } }, 15],
};

test("each contribution applies for its own fact and adds what the policy weighs it with", () => {
  assert.deepEqual(scoreRisk(CALM, RISK_WEIGHTS), { score: 0, band: "trusted", contributions: [] });
  for (const [name, [change, points]] of Object.entries(APPLIES)) {
    const { score, contributions } = scoreRisk({ ...CALM, ...change }, RISK_WEIGHTS);
    assert.deepEqual([contributions.map((one) => [one.name, one.points]), score], [[[name, points]], points], name);
    assert.ok((contributions[0]?.evidence.length ?? 0) > 10, name);
    const unweighed = scoreRisk({ ...CALM, ...change }, { ...RISK_WEIGHTS, [name]: 0 });
    assert.deepEqual(unweighed.contributions, [], `${name} with no weight`);
  }
});

test("the score is the sum of its contributions, cut at 100, and lies in its band", () => {
  const weights = fc.record(
    Object.fromEntries(Object.keys(RISK_WEIGHTS).map((name) => [name, fc.integer({ min: 0, max: RISK_MAX })])),
  ) as fc.Arbitrary<typeof RISK_WEIGHTS>;
  fc.assert(
    fc.property(fc.subarray(Object.values(APPLIES)), weights, (rows, weighed) => {
      const facts = Object.assign({}, CALM, ...rows.map(([change]) => change)) as Facts;
      const { score, band, contributions } = scoreRisk(facts, weighed);
      const sum = contributions.reduce((total, { points }) => total + points, 0);
      assert.equal(score, Math.min(sum, RISK_MAX));
      assert.equal(band, bandOf(score));
    }),
  );
});

test("three executions are needed before failures say anything", () => {
  const history = { ...CALM.history, digestRuns: 2, digestFailures: 2 };
  assert.equal(scoreRisk({ ...CALM, history }, RISK_WEIGHTS).score, 0);
});

test("the bands cover every score from 0 to 100 once, and nothing outside is safe", () => {
  const covered = RISK_BANDS.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, n) => from + n));
  assert.deepEqual(
    covered,
    Array.from({ length: RISK_MAX + 1 }, (_, n) => n),
  );
  assert.deepEqual([0, 20, 21, 45, 46, 65, 66, 84, 85, 100].map(bandOf), [
    ...["trusted", "trusted", "safe", "safe", "elevated", "elevated", "high", "high", "quarantine", "quarantine"],
  ]);
  for (const odd of [-1, 101, 20.5, NaN, Infinity]) assert.equal(bandOf(odd), "quarantine");
});
