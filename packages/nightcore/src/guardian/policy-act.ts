import { encodeStatement, parseStatement } from "#attest";
import { type Bytes, type Digest, equalBytes, fail, type KeyId, ok, parseDigest, type Result } from "#core";
import { APPROVAL_BYTES_MAX, type ApprovalFault, isComment, readTime } from "./approval.ts";

/** The predicate type of what a person signs about a version of the policies (docs/formats/cedar.md). */
export const POLICY_ACT_TYPE = "urn:nightcore:policy-act:v1";

/** What a person can say about a version. */
export const POLICY_ACTS = ["proposal", "approval", "rejection"] as const;
export type PolicyActName = (typeof POLICY_ACTS)[number];

/** What is signed: it holds for one version, under its number, in one log. */
export type PolicyActStatement = {
  readonly act: PolicyActName;
  readonly version: Digest;
  readonly number: number;
  readonly log: string;
  readonly keyId: KeyId;
  readonly at: string;
  readonly comment: string;
};

/** The bytes to sign, in their one encoding. */
export function encodePolicyAct({ act, version, number, log, keyId, at, comment }: PolicyActStatement): Uint8Array {
  return encodeStatement({
    subject: [{ name: `policies/${number}`, digest: { sha256: version } }],
    predicateType: POLICY_ACT_TYPE,
    predicate: { act, number, log, keyId, at, comment },
  });
}

/** Reads a signed act, as strictly as an approval of a module is read. */
export function parsePolicyAct(payload: Bytes): Result<PolicyActStatement, ApprovalFault> {
  const malformed = (what: string) => fail({ code: "guardian/approval-malformed", what } as const);
  if (payload.length > APPROVAL_BYTES_MAX) return malformed(`it has over ${APPROVAL_BYTES_MAX} bytes`);
  const statement = parseStatement(payload);
  if (!statement.ok || statement.value.predicateType !== POLICY_ACT_TYPE) return malformed("it is no act about policies");
  const { predicate, subject } = statement.value;
  const { number, log, comment } = predicate;
  const version = parseDigest(subject[0]?.digest["sha256"] ?? "");
  const act = POLICY_ACTS.find((known) => known === predicate["act"]);
  const keyId = typeof predicate["keyId"] === "string" ? parseDigest(predicate["keyId"]) : undefined;
  const at = readTime(predicate["at"]);
  if (version === undefined || act === undefined || keyId === undefined || at === undefined || !isComment(comment))
    return malformed("a member is missing or malformed");
  if (typeof number !== "number" || !Number.isSafeInteger(number) || number < 1 || typeof log !== "string")
    return malformed("a member is missing or malformed");
  const value: PolicyActStatement = { act, version, number, log, keyId: keyId as KeyId, at, comment };
  return equalBytes(encodePolicyAct(value), payload) ? ok(value) : malformed("it is not in its one encoding");
}
