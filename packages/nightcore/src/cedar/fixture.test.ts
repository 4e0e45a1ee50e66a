import type { Digest } from "#core";
import { BASE_POLICY, type Facts, NO_APPROVALS } from "#guardian";

// What the tests of Cedar share.

export const DIGEST = "ab".repeat(32) as Digest;

/** Facts that the default policies allow, each as narrow as a test may want to change it. */
export const GOOD = {
  tenant: "hello",
  at: "2026-06-01T00:00:00.000Z",
  mode: "run",
  backend: "wasm",
  isolation: ["process", "bubblewrap", "seccomp"],
  module: { admitted: true, digest: DIGEST, sizeBytes: 100, imports: ["wasi_snapshot_preview1.fd_write"], features: ["simd"] },
  signature: { trusted: true, keyId: DIGEST as never, keyName: "alice", form: "dsse", manifestSigned: true },
  manifest: { state: "read", digest: DIGEST, form: "v38", tenant: undefined, capabilities: ["stdout"], budgets: { fuel: 1000 } },
  entry: { name: "_start", present: true },
  source: "human",
  operatorGrants: [],
  trustStore: DIGEST,
  policy: { state: "read", digest: DIGEST, policy: BASE_POLICY },
  quarantine: undefined,
  history: { firstSeenAt: "2026-05-01T00:00:00.000Z", previousDigest: DIGEST, manifestWasSigned: true, digestRuns: 3 },
  approvals: NO_APPROVALS,
} as const satisfies Facts;
