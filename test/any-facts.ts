import fc from "fast-check";
import { CAPABILITIES, type Digest, type KeyId } from "../packages/nightcore/src/core/index.ts";
import {
  BASE_POLICY,
  type Facts,
  NO_APPROVALS,
  type RecordedApproval,
  RISK_WEIGHTS,
} from "../packages/nightcore/src/guardian/index.ts";

// Facts of every kind, also such as no worker of ours would gather together. Small pools, so that they meet.

const digest = fc.integer({ min: 1, max: 4 }).map((n) => `${n}`.repeat(64) as Digest);
const keyId = fc.integer({ min: 5, max: 7 }).map((n) => `${n}`.repeat(64) as KeyId);
const tenant = fc.constantFrom("hello", "other", "tenant-agent-1");
const flag = fc.boolean();
const rare = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 4 });
const finding = fc.constantFrom({ code: "x/y", message: "m" }, { code: "source/quarantined", message: "m", hint: "h" });
const capabilities = fc.subarray([...CAPABILITIES]);
const AT = "2026-06-01T00:00:00.000Z";
const LIMITS = BASE_POLICY.limits;
const budgets = fc.record(
  {
    wallMs: fc.constantFrom(10, LIMITS.wallMs - 1, LIMITS.wallMs, LIMITS.wallMs + 1),
    fuel: fc.constantFrom(10, LIMITS.fuel, LIMITS.fuel * 2),
    memoryBytes: fc.constantFrom(65_536, LIMITS.memoryBytes),
    outputBytes: fc.constantFrom(1, LIMITS.outputBytes + 1),
  },
  { requiredKeys: [] },
);

const module: fc.Arbitrary<Facts["module"]> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      admitted: fc.constant(true as const),
      digest,
      sizeBytes: fc.nat(70_000_000),
      imports: fc.subarray(["wasi_snapshot_preview1.fd_write", "wasi_snapshot_preview1.sock_recv"]),
      features: fc.subarray(["simd", "bulk-memory"]),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ admitted: fc.constant(false as const), digest: rare(digest), sizeBytes: rare(fc.nat()), finding }),
  },
);
const signature: fc.Arbitrary<Facts["signature"]> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      trusted: fc.constant(true as const),
      keyId,
      keyName: fc.constantFrom("alice", "bob"),
      form: fc.constantFrom("dsse" as const, "v39" as const),
      manifestSigned: flag,
    }),
  },
  { weight: 1, arbitrary: fc.record({ trusted: fc.constant(false as const), finding }) },
);
const manifest: fc.Arbitrary<Facts["manifest"]> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      state: fc.constant("read" as const),
      digest,
      form: fc.constantFrom("v38" as const, "nightcore/v1" as const),
      tenant: rare(tenant),
      capabilities,
      budgets,
    }),
  },
  { weight: 1, arbitrary: fc.constant({ state: "absent" as const }) },
  { weight: 1, arbitrary: fc.record({ state: fc.constant("refused" as const), finding }) },
);
const tenantPolicy = fc.record({
  backends: fc.constantFrom(["wasm"], ["wasm", "microvm"], ["microvm"]),
  allowProofMode: flag,
  requireManifest: flag,
  requireSignedManifest: flag,
  requireIsolation: fc.constantFrom([], [], ["seccomp"], ["process", "bubblewrap"]),
  capabilities: fc.constantFrom(["stdout", "fs:read"] as const, CAPABILITIES, []),
  onExcess: fc.constantFrom("deny" as const, "cut" as const),
  riskWeights: fc.constantFrom(RISK_WEIGHTS, { ...RISK_WEIGHTS, "agent-source": 90 }, { ...RISK_WEIGHTS, "capability-real": 60 }),
});
const policy: fc.Arbitrary<Facts["policy"]> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      state: fc.constant("read" as const),
      digest,
      policy: tenantPolicy.map((members) => ({ ...BASE_POLICY, ...members })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ state: fc.constant("refused" as const), finding }) },
);
const history = fc.record({
  firstSeenAt: rare(fc.constant("2026-05-01T00:00:00.000Z")),
  previousDigest: rare(digest),
  manifestWasSigned: flag,
  digestRuns: fc.nat(9),
  digestFailures: fc.nat(9),
  tenantRuns: fc.nat(9),
  tenantFailures: fc.nat(9),
});

/** An approval that may be for these bytes or for others, in force or over. */
const given: fc.Arbitrary<RecordedApproval> = fc.record({
  id: digest,
  index: fc.nat(5),
  recordedAt: fc.constant(AT),
  statement: rare(
    fc.record({
      act: fc.constantFrom("approval" as const, "break-glass" as const),
      log: fc.constantFrom("log", "other"),
      tenant,
      digest,
      keyId,
      entry: fc.constantFrom("_start", "run"),
      capabilities,
      budgets: fc.constantFrom(LIMITS, { wallMs: 1, memoryBytes: 1, fuel: 1, outputBytes: 1 }),
      policy: digest,
      givenAt: fc.constantFrom("2026-05-31T00:00:00.000Z", "2026-07-01T00:00:00.000Z"),
      expires: fc.constantFrom("2026-05-31T12:00:00.000Z", "2026-06-30T00:00:00.000Z"),
      comment: fc.constant("fine"),
    }),
  ),
  finding: rare(finding),
  person: rare(fc.constantFrom("Ann", "Bob", "ann")),
  standings: fc.constantFrom(
    [{ role: "approver", finding: undefined }],
    [{ role: "approver", finding: { code: "x/y", message: "m" } }],
    [],
  ),
  revoked: rare(fc.constant({ at: AT, reason: "r" })),
  seenLater: rare(fc.constant("2027-01-01T00:00:00.000Z")),
});
const approvals = fc.record({
  log: fc.constant("log"),
  given: fc.array(given, { maxLength: 3 }),
  submitters: fc.subarray(["Ann", "Eve"]),
  signerPerson: rare(fc.constantFrom("Bob", "Carol")),
  rejected: rare(fc.record({ index: fc.nat(5), at: fc.constant(AT), by: fc.constant("Dan"), reason: fc.constant("r") })),
  submitted: fc.option(flag, { nil: undefined }),
  otherApproved: rare(digest),
  openReviews: fc.array(
    fc.record({ id: digest, person: fc.constant("Ann"), due: fc.constantFrom(AT, "2026-06-02T00:00:00.000Z") }),
    { maxLength: 1 },
  ),
});
const standing = fc.record({
  tenant: fc.record({ points: fc.nat(100), at: fc.constant(AT) }),
  digest: fc.record({ points: fc.nat(100), at: fc.constant(AT) }),
  evidence: fc.constant([]),
});

/** Any facts. What may be absent in records of older versions is absent at times. */
export const anyFacts: fc.Arbitrary<Facts> = fc
  .record({
    tenant,
    at: fc.constant(AT),
    mode: fc.constantFrom("run" as const, "run" as const, "proof" as const),
    backend: fc.constantFrom("wasm", "wasm", "microvm"),
    isolation: fc.subarray(["process", "bubblewrap", "seccomp"]),
    module,
    signature,
    manifest,
    entry: fc.record({ name: fc.constantFrom("_start", "run"), present: fc.oneof(fc.constant(true), flag) }),
    source: fc.constantFrom("human" as const, "agent" as const, "import" as const, "unspecified" as const),
    operatorGrants: fc.oneof(fc.constant([]), capabilities),
    trustStore: digest,
    policy,
    policyVersion: rare(fc.record({ number: fc.nat(3), digest })),
    quarantine: fc.option(fc.constant({ reason: "r", at: AT }), { nil: undefined, freq: 1 }),
    blocks: rare(
      fc
        .uniqueArray(fc.constantFrom("1.0", "2.0", "3.0"), { maxLength: 2 })
        .map((ids) =>
          ids.map((id) => ({ id, kind: "tenant" as const, target: "hello", reason: "r", cause: "operator" as const, at: AT })),
        ),
    ),
    mounts: rare(
      fc.oneof(
        fc.constant({ state: "captured" as const, files: 1, bytes: 1 }),
        fc.record({ state: fc.constant("refused" as const), finding }),
      ),
    ),
    history,
    approvals: fc.oneof(fc.constant(NO_APPROVALS), approvals),
    standing: rare(standing),
  })
  // As the log keeps it: what is undefined is absent.
  .map((facts) => JSON.parse(JSON.stringify(facts)) as Facts);
