import { encodeStatement, parseStatement } from "#attest";
import { type Bytes, type Digest, equalBytes, fail, type KeyId, ok, parseDigest, parseTenantName, type Result } from "#core";
import { APPROVAL_BYTES_MAX, type ApprovalFault, isComment, readTime } from "./approval.ts";

/** The predicate type of what a person signs about an approval, or against one. */
export const APPROVAL_ACT_TYPE = "urn:nightcore:approval-act:v1";

/** `review`: a break-glass was looked at afterwards. `rejection`: these bytes are refused. `withdrawal`: an approval ends. */
export const ACTS = ["review", "rejection", "withdrawal"] as const;
export type Act = (typeof ACTS)[number];

/** What is signed: the act, and what it is about: an approval's id, or for a rejection the digest of the module. */
export type ActStatement = {
  readonly act: Act;
  readonly about: Digest;
  readonly log: string;
  readonly tenant: string;
  readonly keyId: KeyId;
  readonly at: string;
  readonly comment: string;
};

/** The bytes to sign, in their one encoding. */
export function encodeAct({ act, about, log, tenant, keyId, at, comment }: ActStatement): Uint8Array {
  return encodeStatement({
    subject: [{ name: `${tenant}/${act}`, digest: { sha256: about } }],
    predicateType: APPROVAL_ACT_TYPE,
    predicate: { act, log, tenant, keyId, at, comment },
  });
}

/** Reads a signed act, as strictly as an approval is read. */
export function parseAct(payload: Bytes): Result<ActStatement, ApprovalFault> {
  const malformed = (what: string) => fail({ code: "guardian/approval-malformed", what } as const);
  if (payload.length > APPROVAL_BYTES_MAX) return malformed(`it has over ${APPROVAL_BYTES_MAX} bytes`);
  const statement = parseStatement(payload);
  if (!statement.ok || statement.value.predicateType !== APPROVAL_ACT_TYPE) return malformed("it is no act about an approval");
  const { predicate, subject } = statement.value;
  const { log, tenant, comment } = predicate;
  const about = parseDigest(subject[0]?.digest["sha256"] ?? "");
  const act = ACTS.find((known) => known === predicate["act"]);
  const keyId = typeof predicate["keyId"] === "string" ? parseDigest(predicate["keyId"]) : undefined;
  const at = readTime(predicate["at"]);
  if (about === undefined || act === undefined || keyId === undefined || at === undefined)
    return malformed("a member is missing or malformed");
  if (typeof tenant !== "string" || !parseTenantName(tenant).ok || typeof log !== "string" || !isComment(comment))
    return malformed("a member is missing or malformed");
  const value: ActStatement = { act, about, log, tenant, keyId: keyId as KeyId, at, comment };
  return equalBytes(encodeAct(value), payload) ? ok(value) : malformed("it is not in its one encoding");
}
