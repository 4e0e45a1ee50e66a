import { encodeStatement, parseStatement } from "#attest";
import {
  BUDGET_NAMES,
  type Budgets,
  type Bytes,
  type Capability,
  type Digest,
  encodeTime,
  equalBytes,
  fail,
  type Json,
  type JsonObject,
  isJsonObject,
  type KeyId,
  ok,
  parseCapability,
  parseDigest,
  parseTenantName,
  parseTime,
  type Result,
} from "#core";

/** The predicate type of what an approver signs (docs/formats/approval.md). The log's event about it has another. */
export const APPROVAL_STATEMENT_TYPE = "urn:nightcore:approval-statement:v1";
/** LIMIT: an approval is read by people, and its envelope stands in an entry with other members. */
export const APPROVAL_BYTES_MAX: number = 16 * 1024;
/** LIMIT: a comment or a reason: a paragraph, not a report. */
export const COMMENT_CHARACTERS_MAX = 1000;
const NAME_CHARACTERS_MAX = 256; // LIMIT: what the name of a log or an entry has at the most here

/** What a person consents to: at the most these capabilities and budgets, at this entry, under this version of the policy. */
export type ApprovalTerms = {
  readonly entry: string;
  readonly capabilities: readonly Capability[];
  readonly budgets: Budgets;
  readonly policy: Digest;
};

/** `break-glass` is one person's consent in an emergency: short, loud, and reviewed by another. */
export type ApprovalAct = "approval" | "break-glass";

/** What an approver signs. It holds for one log, one tenant and one module, until it expires. */
export type ApprovalStatement = ApprovalTerms & {
  readonly act: ApprovalAct;
  readonly log: string;
  readonly tenant: string;
  readonly digest: Digest;
  readonly keyId: KeyId;
  readonly givenAt: string;
  readonly expires: string;
  readonly comment: string;
};

export type ApprovalFault =
  | { readonly code: "guardian/approval-malformed"; readonly what: string }
  | { readonly code: "guardian/approval-forged"; readonly keyId: KeyId }
  | { readonly code: "guardian/approver-unknown"; readonly keyId: KeyId };

/** The bytes to sign: an in-toto statement whose members have one order, so that there is one encoding of an approval. */
export function encodeApproval(statement: ApprovalStatement): Uint8Array {
  const { tenant, digest, budgets } = statement;
  const { wallMs, memoryBytes, fuel, outputBytes } = budgets;
  return encodeStatement({
    subject: [{ name: `${tenant}/module.wasm`, digest: { sha256: digest } }],
    predicateType: APPROVAL_STATEMENT_TYPE,
    predicate: {
      act: statement.act,
      log: statement.log,
      tenant,
      entry: statement.entry,
      capabilities: [...new Set(statement.capabilities)].toSorted(),
      budgets: { wallMs, memoryBytes, fuel, outputBytes },
      policy: statement.policy,
      keyId: statement.keyId,
      givenAt: statement.givenAt,
      expires: statement.expires,
      comment: statement.comment,
    },
  });
}

/**
 * Reads what an approver signed, bounded and strictly: whatever is not the one encoding of what it says is refused, so that
 * two readers cannot see two approvals in it, nor one approval be two.
 */
export function parseApproval(payload: Bytes): Result<ApprovalStatement, ApprovalFault> {
  const malformed = (what: string) => fail({ code: "guardian/approval-malformed", what } as const);
  if (payload.length > APPROVAL_BYTES_MAX) return malformed(`it has over ${APPROVAL_BYTES_MAX} bytes`);
  const statement = parseStatement(payload);
  if (!statement.ok) return malformed("it is not an in-toto statement");
  const { predicateType, predicate, subject } = statement.value;
  if (predicateType !== APPROVAL_STATEMENT_TYPE) return malformed("the statement is not an approval");
  const digest = parseDigest(subject[0]?.digest["sha256"] ?? "");
  const members = readMembers(predicate);
  if (typeof members === "string") return malformed(members);
  if (digest === undefined) return malformed("its subject has no SHA-256");
  const approval: ApprovalStatement = { ...members, digest };
  return equalBytes(encodeApproval(approval), payload) ? ok(approval) : malformed("it is not in its one encoding");
}

type Members = Omit<ApprovalStatement, "digest">;

function readMembers(predicate: JsonObject): Members | string {
  const { act, log, tenant, entry, comment } = predicate;
  if (act !== "approval" && act !== "break-glass") return "`act` is neither `approval` nor `break-glass`";
  if (!isName(log)) return "`log` does not name a log";
  if (typeof tenant !== "string" || !parseTenantName(tenant).ok) return "`tenant` does not name a tenant";
  if (!isName(entry)) return "`entry` does not name an export";
  const capabilities = readCapabilities(predicate["capabilities"]);
  if (capabilities === undefined) return "`capabilities` is not a list of capabilities";
  const budgets = readBudgets(predicate["budgets"]);
  if (budgets === undefined) return "`budgets` does not state every budget";
  const policy = readDigest(predicate["policy"]);
  if (policy === undefined) return "`policy` is not a digest";
  const keyId = readDigest(predicate["keyId"]);
  if (keyId === undefined) return "`keyId` is not a key identifier";
  const givenAt = readTime(predicate["givenAt"]);
  const expires = readTime(predicate["expires"]);
  if (givenAt === undefined || expires === undefined) return "`givenAt` or `expires` is not a time in UTC with milliseconds";
  if (givenAt >= expires) return "it expires before it is given";
  if (!isComment(comment)) return `\`comment\` is not a text of 1 to ${COMMENT_CHARACTERS_MAX} characters`;
  return { act, log, tenant, entry, capabilities, budgets, policy, keyId: keyId as KeyId, givenAt, expires, comment };
}

/** Whether a text can be a comment or a reason: something is said, in bounded length. */
export function isComment(value: Json | undefined): value is string {
  return typeof value === "string" && value.trim() !== "" && value.length <= COMMENT_CHARACTERS_MAX;
}

function isName(value: Json | undefined): value is string {
  return typeof value === "string" && value !== "" && value.length <= NAME_CHARACTERS_MAX;
}

function readDigest(value: Json | undefined): Digest | undefined {
  return typeof value === "string" ? parseDigest(value) : undefined;
}

/** A time in the one form that is written here. */
export function readTime(value: Json | undefined): string | undefined {
  const ms = typeof value === "string" ? parseTime(value) : undefined;
  return ms !== undefined && encodeTime(ms) === value ? value : undefined;
}

function readCapabilities(value: Json | undefined): readonly Capability[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const list = (value as readonly Json[]).map((item) => (typeof item === "string" ? parseCapability(item) : undefined));
  return list.every((item) => item !== undefined) ? list : undefined;
}

function readBudgets(value: Json | undefined): Budgets | undefined {
  if (!isJsonObject(value)) return undefined;
  const numbers = BUDGET_NAMES.map((name) => value[name]);
  const sound = numbers.every((number) => typeof number === "number" && Number.isSafeInteger(number) && number >= 0);
  return sound ? (Object.fromEntries(BUDGET_NAMES.map((name, n) => [name, numbers[n]])) as unknown as Budgets) : undefined;
}
