import {
  type Budgets,
  type Bytes,
  type CanaryName,
  type Capability,
  fail,
  isJsonObject,
  type JsonFault,
  type JsonObject,
  ok,
  parseCanaryName,
  parseJson,
  type Result,
  RISK_MAX,
} from "#core";
import { MemberReader } from "#trust";
import { type AssessmentPolicy, BASE_ASSESSMENT, readAssessmentPolicy } from "./assessment-policy.ts";
import { RISK_WEIGHTS, type RiskName, type RiskWeights } from "./risk.ts";
import { type ApprovalPolicy, BASE_APPROVALS, readApprovalPolicy } from "./approval-policy.ts";
import { readRequirements, type Requirement } from "./requirement.ts";

const POLICY_BYTES_MAX = 256 * 1024; // LIMIT: a policy is read by people
const CANARIES_MAX = 16; // LIMIT: everything that a guest hands out is searched for each of them
const MIB = 1024 * 1024;

/** What a tenant may have at the most. Everything not granted here is denied. */
export type TenantPolicy = {
  readonly backends: readonly string[];
  readonly allowProofMode: boolean;
  readonly requireManifest: boolean;
  readonly requireSignedManifest: boolean;
  readonly requireIsolation: readonly string[];
  readonly capabilities: readonly Capability[];
  readonly limits: Budgets;
  /** What happens when a manifest states a budget over the limit: refuse it, or run with the limit. */
  readonly onExcess: "deny" | "cut";
  /** Points of each contribution to the risk score. Absent in what decisions of the first version recorded. */
  readonly riskWeights?: RiskWeights;
  /** Who approves what an agent wrote. Absent in what decisions from before there were approvals recorded. */
  readonly approvals?: ApprovalPolicy;
  /** Who approves the next version of the policies; it counts in `_default.json` alone. Absent as above. */
  readonly policyApprovals?: readonly Requirement[];
  /** Who ends a block; it counts in `_default.json` alone. Absent as above: one approver. */
  readonly releaseApprovals?: readonly Requirement[];
  /** Decoys in the sandbox of each run. Absent in what older decisions recorded: none. */
  readonly canaries?: readonly CanaryName[];
  /** What is unusual, and what contains. Absent in what older decisions recorded. */
  readonly assessment?: AssessmentPolicy;
};

export type PolicyFault =
  | { readonly code: "guardian/policy-not-json"; readonly file: string; readonly json: JsonFault }
  | { readonly code: "guardian/policy-refused"; readonly file: string; readonly problems: readonly string[] }
  | { readonly code: "guardian/policies-refused"; readonly problems: readonly string[] };

/** What is required where a policy says nothing. */
export const ONE_APPROVER: readonly Requirement[] = [{ role: "approver", count: 1 }];

/** What v39's policies leave unsaid, and what `nightcore init` writes down. */
export const BASE_POLICY: TenantPolicy = {
  backends: ["wasm"],
  allowProofMode: true,
  requireManifest: true,
  requireSignedManifest: false,
  requireIsolation: [],
  capabilities: ["stdout", "fs:read"],
  limits: { wallMs: 10_000, memoryBytes: 256 * MIB, fuel: 10_000_000_000, outputBytes: MIB },
  onExcess: "deny",
  riskWeights: RISK_WEIGHTS,
  approvals: BASE_APPROVALS,
  policyApprovals: ONE_APPROVER,
  releaseApprovals: ONE_APPROVER,
  canaries: [],
  assessment: BASE_ASSESSMENT,
};

/**
 * Reads `policies/_default.json` or `policies/<tenant>.json`: v39's members and ours (docs/formats/policy.md). Members that
 * a file does not state come from `base`. An unknown member refuses the whole file, with every problem listed.
 */
export function parseTenantPolicy(bytes: Bytes, file: string, base: TenantPolicy): Result<TenantPolicy, PolicyFault> {
  const json = parseJson(bytes, POLICY_BYTES_MAX);
  if (!json.ok) return fail({ code: "guardian/policy-not-json", file, json: json.fault });
  if (!isJsonObject(json.value))
    return fail({ code: "guardian/policy-refused", file, problems: ["the document is not an object"] });
  const members = new MemberReader(json.value);
  const policy = readPolicy(members, json.value, base);
  if ("policy_approvals" in json.value && !file.endsWith("_default.json"))
    members.refuse("`policy_approvals` is about all policies, so it stands in `_default.json` alone");
  const problems = members.finish();
  return problems.length > 0 ? fail({ code: "guardian/policy-refused", file, problems }) : ok(policy);
}

function readPolicy(members: MemberReader, object: JsonObject, base: TenantPolicy): TenantPolicy {
  members.text("tenant");
  members.text("description");
  if (members.flag("require_signature") === false) members.refuse("`require_signature` cannot be false: nothing runs unsigned");
  return {
    backends: texts(members, "allowed_backends")?.map(nameBackend) ?? base.backends,
    allowProofMode: members.flag("allow_proof_mode") ?? base.allowProofMode,
    requireManifest: members.flag("require_manifest") ?? base.requireManifest,
    requireSignedManifest: members.flag("require_signed_manifest") ?? base.requireSignedManifest,
    requireIsolation: texts(members, "require_isolation") ?? base.requireIsolation,
    capabilities: "capabilities" in object ? members.capabilities("capabilities", true) : base.capabilities,
    limits: {
      ...base.limits,
      ...members.budget("max_exec_ms", "wallMs"),
      ...members.budget("max_memory_mb", "memoryBytes", MIB),
      ...members.budget("max_fuel", "fuel"),
      ...members.budget("max_output_kb", "outputBytes", 1024),
    },
    onExcess: members.choice("on_excess", ["deny", "cut"]) ?? base.onExcess,
    riskWeights: { ...RISK_WEIGHTS, ...base.riskWeights, ...readWeights(members) },
    approvals: readApprovalPolicy(members, base.approvals ?? BASE_APPROVALS),
    policyApprovals: readRequirements(members, "policy_approvals", "`policy_approvals`") ?? base.policyApprovals ?? ONE_APPROVER,
    releaseApprovals:
      readRequirements(members, "release_approvals", "`release_approvals`") ?? base.releaseApprovals ?? ONE_APPROVER,
    canaries: readCanaries(members) ?? base.canaries ?? [],
    assessment: readAssessmentPolicy(members, base.assessment ?? BASE_ASSESSMENT),
  };
}

function readCanaries(members: MemberReader): readonly CanaryName[] | undefined {
  const list = members.list("canaries");
  if (list === undefined) return undefined;
  const names = list
    .map((item) => (typeof item === "string" ? parseCanaryName(item) : undefined))
    .filter((one) => one !== undefined);
  const files = names.filter(({ kind }) => kind === "file").map(({ name }) => name);
  const inside = files.some((path) => files.some((other) => path.startsWith(`${other}/`)));
  // A variable is one variable, whatever it holds.
  const distinct = new Set(names.map(({ name }) => name)).size === names.length;
  if (names.length === list.length && distinct && !inside && names.length <= CANARIES_MAX) return names;
  return members.refuse(
    `\`canaries\` is not a list of at most ${CANARIES_MAX} different decoys, like \`file:/home/app/.ssh/id_ed25519\` or \`host:DATABASE_HOST\``,
  );
}

function readWeights(members: MemberReader): Partial<Record<RiskName, number>> {
  const object = members.object("risk");
  const names = Object.keys(RISK_WEIGHTS) as RiskName[];
  const stated = names.map((name) => [name, object.count(name, RISK_MAX)] as const).filter(([, points]) => points !== undefined);
  members.adopt(object);
  return Object.fromEntries(stated);
}

function texts(members: MemberReader, name: string): readonly string[] | undefined {
  const list = members.list(name);
  if (list === undefined) return undefined;
  if (!list.every((item) => typeof item === "string")) return members.refuse(`\`${name}\` is not a list of texts`);
  return list;
}

/** v39 calls the WebAssembly backend after the engine that it used. */
export function nameBackend(name: string): string {
  return name === "wasmtime" ? "wasm" : name;
}
