import {
  type Bytes,
  type Crypto,
  type Digest,
  digestOf,
  escapeControls,
  fail,
  isJsonObject,
  type Json,
  ok,
  parseJson,
  quote,
  type Result,
  utf8,
} from "#core";
import { explainInboxFault, type InboxFault, type PendingFile, type SubmittedFiles } from "#ports";
import { readClearance, type Rows, type SubmissionEvent, type Submitter } from "#state";
import { admitModule, digestBytes, explainTrustFault, type ManifestFault, parseManifest } from "#trust";
import type { WasmFault } from "#wasm";
import { explainAdmission, findingOf } from "./inspection.ts";

/** The tenants of the inbox begin so, and nobody else's do. */
export const AGENT_TENANT_PREFIX = "tenant-agent-";
const STEM_CHARACTERS_MAX = 64; // LIMIT: with the prefix, well under what a tenant's name may have
const CLAIM_CHARACTERS_MAX = 200; // LIMIT: of each claim; they stand in an entry, and in facts as names
const CLAIMS_BYTES_MAX = 8 * 1024; // LIMIT: three such texts, escaped

/** What came in, whole: the file as it lay there, and what it unpacked to. */
export type Incoming = { readonly file: PendingFile; readonly unpacked: Result<SubmittedFiles, InboxFault> };

/** A submission that is taken in: for which tenant, and what goes into its folder. */
export type Acceptance = {
  readonly tenant: string;
  readonly digest: Digest;
  readonly manifest: Digest;
  readonly files: SubmittedFiles;
};

/** The event of a submission, and what is placed if it is taken in. */
export type JudgedSubmission = { readonly event: SubmissionEvent; readonly acceptance: Acceptance | undefined };

/** What a module without a manifest asks for: to print, and nothing else. */
const BARE_MANIFEST = utf8(`${JSON.stringify({ format: "nightcore-manifest/v1", capabilities: ["stdout"], source: "agent" })}\n`);

/** The powers of judging: nothing but the rows and the arithmetic. */
export type SubmissionPowers = { readonly rows: Pick<Rows, "get">; readonly crypto: Crypto; readonly moduleBytesMax: number };

/** Judges what came in, by its bytes alone: nothing of it is executed, and nothing that it says about itself is believed. */
export function judgeSubmission({ file, unpacked }: Incoming, at: string, powers: SubmissionPowers): JudgedSubmission {
  const { crypto } = powers;
  const content = file.content.ok ? file.content.value : new Uint8Array();
  const container = file.content.ok ? digestOf(crypto.sha256, content) : null;
  const id = digestOf(crypto.sha256, utf8(JSON.stringify(["agent-inbox", file.name, container])));
  const claims = unpacked.ok ? readClaims(unpacked.value.get("submission.json")) : ok(NO_CLAIMS);
  const submitter: Submitter = { ...file.owner, claimed: claims.ok ? claims.value : NO_CLAIMS };
  const base = { at, id, origin: "agent-inbox", file: escapeControls(file.name).slice(0, 255), container, submitter } as const;
  const accepted = accept({ file, unpacked, claims }, powers);
  if (accepted.ok) {
    const { tenant, digest, manifest, files } = accepted.value;
    const sizeBytes = files.get("module.wasm")?.length ?? 0;
    return { event: { ...base, tenant, digest, manifest, sizeBytes, finding: null }, acceptance: accepted.value };
  }
  const finding = findingOf(accepted.fault, explainSubmissionFault);
  return {
    event: { ...base, tenant: null, digest: null, manifest: null, sizeBytes: null, finding },
    acceptance: undefined,
  };
}

type SubmissionFault = InboxFault | WasmFault | ManifestFault;

/** One sentence about why something is not taken in. */
function explainSubmissionFault(fault: SubmissionFault) {
  if (fault.code.startsWith("inbox/")) return explainInboxFault(fault as InboxFault);
  if (fault.code.startsWith("trust/")) return explainTrustFault(fault as ManifestFault);
  return explainAdmission(fault as WasmFault);
}

type Question = Incoming & { readonly claims: Result<Claims, InboxFault> };

function accept({ file, unpacked, claims }: Question, powers: SubmissionPowers): Result<Acceptance, SubmissionFault> {
  const { rows, crypto, moduleBytesMax } = powers;
  const tenant = nameTenant(file.name);
  if (!tenant.ok) return tenant;
  if (!unpacked.ok) return unpacked;
  if (!claims.ok) return claims;
  const owner = readClearance(rows, tenant.value)?.owner;
  if (owner !== undefined && owner !== file.owner.uid) return refuse("inbox/tenant-of-another", quote(tenant.value));
  const module = digestBytes(unpacked.value.get("module.wasm") ?? new Uint8Array(), crypto);
  const admitted = admitModule(module, moduleBytesMax);
  if (!admitted.ok) return admitted;
  const manifest = unpacked.value.get("manifest.json") ?? BARE_MANIFEST;
  const parsed = parseManifest(manifest);
  if (!parsed.ok) return parsed;
  const { tenant: named } = parsed.value;
  if (named !== undefined && named !== tenant.value) {
    const problem = `\`tenant\` is ${quote(named)}, and this submission is for ${quote(tenant.value)}`;
    return fail({ code: "trust/manifest-refused", problems: [problem] });
  }
  const files = new Map([...unpacked.value, ["manifest.json", manifest] as const].filter(([name]) => name !== "submission.json"));
  return ok({ tenant: tenant.value, digest: module.digest, manifest: digestOf(crypto.sha256, manifest), files });
}

/** `Resize images.zip` is `tenant-agent-resize-images`: the same file name is the same tenant, whatever its bytes. */
export function nameTenant(file: string): Result<string, InboxFault> {
  const stem = /^(.+)\.(?:wasm|zip)$/iu.exec(file)?.[1];
  if (stem === undefined) return refuse("inbox/wrong-kind", quote(file));
  const name = stem
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
  if (name === "" || name.length > STEM_CHARACTERS_MAX) return refuse("inbox/name-unusable", quote(file));
  return ok(`${AGENT_TENANT_PREFIX}${name}`);
}

type Claims = Submitter["claimed"];
const NO_CLAIMS: Claims = { submitter: null, agent: null, note: null };

/** What a submission says about itself: recorded as said, and believed only where it takes power away. */
function readClaims(bytes: Bytes | undefined): Result<Claims, InboxFault> {
  if (bytes === undefined) return ok(NO_CLAIMS);
  const json = parseJson(bytes, CLAIMS_BYTES_MAX);
  if (!json.ok || !isJsonObject(json.value)) return refuse("inbox/claims-malformed", "it is not a JSON object");
  const document = json.value;
  const unknown = Object.keys(document).find((name) => !Object.hasOwn(NO_CLAIMS, name));
  if (unknown !== undefined) return refuse("inbox/claims-malformed", `${quote(unknown)} is unknown`);
  const malformed = Object.keys(document).find((name) => !isClaim(document[name]));
  if (malformed !== undefined)
    return refuse("inbox/claims-malformed", `${quote(malformed)} is not a text of 1 to ${CLAIM_CHARACTERS_MAX} characters`);
  return ok({ ...NO_CLAIMS, ...(document as Partial<Claims>) });
}

function isClaim(value: Json | undefined): value is string {
  return typeof value === "string" && value.trim() !== "" && value.length <= CLAIM_CHARACTERS_MAX;
}

function refuse(code: InboxFault["code"], detail: string): Result<never, InboxFault> {
  return fail({ code, detail });
}
