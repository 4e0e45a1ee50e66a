import { type Crypto, type Digest, encodeTime, type Result } from "#core";
import { BASE_APPROVALS, type Facts } from "#guardian";
import { explainSourceFault, type Mount, type SourceFault } from "#ports";
import { type BlockQuestion, findBlocks, type Row, type Rows } from "#state";
import { explainTrustFault, type Source, type TrustStore } from "#trust";
import { type ApprovalAuthority, gatherApprovals } from "./approvals.ts";
import { boundNames, explainAdmission, findingOf, type Inspection } from "./inspection.ts";
import type { RunRequest } from "./run-record.ts";
import { readStanding } from "./standing.ts";

/** What facts are gathered from besides the module and the request. */
export type Surroundings = {
  readonly tenant: string;
  readonly nowMs: number;
  /** What the machine's clock says, which may be behind `nowMs`. */
  readonly machineMs: number;
  readonly backend: string;
  readonly isolation: readonly string[];
  readonly trustStore: Digest;
  readonly policy: Facts["policy"];
  readonly policyVersion: Facts["policyVersion"];
  /** Digests of what the run would be given, as far as it is known. */
  readonly inputs: readonly Digest[];
  readonly rows: Rows;
  /** What `fs:read` would show; undefined when nobody asks for it. */
  readonly captured: Result<readonly Mount[], SourceFault> | undefined;
  /** The name of the log, for which approvals are made. */
  readonly origin: string;
  readonly store: TrustStore;
  readonly crypto: Crypto;
  readonly authority?: ApprovalAuthority | undefined;
};

/** Gathers, in the one place where it is done, everything that the decision will look at. */
export function gatherFacts(inspection: Inspection, request: RunRequest, around: Surroundings): Facts {
  const {
    tenant,
    nowMs,
    machineMs,
    rows,
    backend,
    isolation,
    trustStore,
    policy,
    policyVersion,
    store,
    crypto,
    authority,
    origin: log,
  } = around;
  const { digest, manifest, manifestFact } = inspection;
  const known = digest === undefined ? undefined : rows.get("modules", digest);
  const standing = readStanding(rows, tenant, digest);
  const approvals = gatherApprovals({
    tenant,
    digest,
    nowMs,
    machineMs,
    log,
    policy: (policy.state === "read" ? policy.policy.approvals : undefined) ?? BASE_APPROVALS,
    standing: inspection.standing,
    rows,
    store,
    crypto,
    authority,
  });
  const entry = request.entry ?? manifest?.entry ?? "_start";
  return {
    tenant,
    at: encodeTime(nowMs),
    mode: request.mode,
    backend,
    isolation,
    module: moduleFact(inspection),
    signature: signatureFact(inspection),
    manifest: manifestFact,
    entry: { name: entry, present: hasFunction(inspection, entry) },
    source: approvals.submitted === undefined ? sourceOf(tenant, manifest?.source) : "agent",
    operatorGrants: request.operatorGrants,
    trustStore,
    policy,
    ...(policyVersion === undefined ? {} : { policyVersion }),
    blocks: findBlocks(rows, blockQuestion(inspection, tenant, around.inputs)),
    mounts: mountsFact(around.captured),
    history: historyFact(known, rows.get("tenants", tenant), rows),
    approvals,
    ...(standing === undefined ? {} : { standing }),
  };
}

/** What of a passage may be blocked. The imports are all of them, not only those that the facts have room for. */
export function blockQuestion(
  { digest, admitted, standing }: Inspection,
  tenant: string,
  inputs: readonly Digest[],
): BlockQuestion {
  const signer = standing?.trusted === true ? standing.keyId : undefined;
  const imports = admitted.ok ? admitted.value.shape.imports.map(({ module: from, name }) => `${from}.${name}`) : [];
  return { digest, signer, tenant, imports, inputs };
}

function mountsFact(captured: Surroundings["captured"]): NonNullable<Facts["mounts"]> {
  if (captured === undefined) return { state: "unasked" };
  if (!captured.ok) return { state: "refused", finding: findingOf(captured.fault, explainSourceFault) };
  const files = captured.value.flatMap((mount) => mount.files);
  return { state: "captured", files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes.length, 0) };
}

function historyFact(module: Row | undefined, tenant: Row | undefined, rows: Pick<Rows, "get">): Facts["history"] {
  const previous = (tenant?.last_ran_digest ?? undefined) as Digest | undefined;
  const before = previous === undefined ? undefined : rows.get("modules", previous);
  return {
    firstSeenAt: module === undefined ? undefined : textOf(module, "first_seen_at"),
    previousDigest: previous,
    previousRuns: Number(before?.executions ?? 0),
    previousFailures: Number(before?.failures ?? 0),
    manifestWasSigned: module?.manifest_was_signed === 1,
    digestRuns: Number(module?.executions ?? 0),
    digestFailures: Number(module?.failures ?? 0),
    tenantRuns: Number(tenant?.executions ?? 0),
    tenantFailures: Number(tenant?.failures ?? 0),
  };
}

function moduleFact({ admitted, digest, sizeBytes }: Inspection): Facts["module"] {
  if (!admitted.ok) return { admitted: false, digest, sizeBytes, finding: findingOf(admitted.fault, explainAdmission) };
  const { module, shape } = admitted.value;
  return {
    admitted: true,
    digest: module.digest,
    sizeBytes: module.bytes.length,
    imports: boundNames(shape.imports.map(({ module: from, name }) => `${from}.${name}`)),
    features: shape.features,
  };
}

function signatureFact({ standing }: Inspection): Facts["signature"] {
  if (standing === undefined)
    return { trusted: false, finding: { code: "trust/nothing-to-verify", message: "there are no module bytes to verify" } };
  if (!standing.trusted) return { trusted: false, finding: findingOf(standing.fault, explainTrustFault) };
  return standing;
}

function hasFunction({ admitted }: Inspection, name: string): boolean {
  return admitted.ok && admitted.value.shape.exports.some((item) => item.kind === "function" && item.name === name);
}

// The inbox names what it stages; a manifest that says something milder does not change where the code came from.
function sourceOf(tenant: string, claimed: Source | undefined): Source {
  return tenant.startsWith("tenant-agent-") ? "agent" : (claimed ?? "unspecified");
}

function textOf(row: Row, column: string): string {
  return String(row[column] ?? "");
}
