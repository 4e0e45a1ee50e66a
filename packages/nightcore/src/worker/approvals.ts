import { assert, type Bytes, type Crypto, type Digest, digestOf, parseTime, quote, type Result, utf8 } from "#core";
import {
  type ApprovalFacts,
  type ApprovalFault,
  type ApprovalPolicy,
  type ApprovalStatement,
  approvalPolicyOf,
  approvalsOf,
  explainApprovalFault,
  type Facts,
  parseApproval,
  type RecordedApproval,
  weighApprovals,
} from "#guardian";
import { approvalRecord, type Clearance, readClearance, type Row, type Rows } from "#state";
import { explainTrustFault, personOf, type SignatureStanding, type TrustStore } from "#trust";
import { findingOf } from "./inspection.ts";
import { openSigned, type SignedStatement } from "./signed-statement.ts";

const GIVEN_MAX = 16; // LIMIT: approvals of one module that a decision looks at, each with about 1 KiB in its facts
const COMMENT_SHOWN_MAX = 120; // LIMIT: what the facts repeat of a comment; the entry of the approval has all of it
const CLOCK_TOLERANCE_MS = 5 * 60_000; // LIMIT: what a clock may be put back without anybody calling it that

/** Why the policies in force keep a person from something about an approval, or nothing. POWER: none; it may load an engine. */
export type ApprovalAuthority = (question: {
  readonly person: string;
  readonly roles: readonly string[];
  readonly deed: "approve" | "breakGlass" | "reject" | "review" | "revokeApproval";
  readonly tenant: string;
}) => string | undefined;

/** What approvals are gathered for, from and with. */
export type ApprovalQuestion = {
  readonly tenant: string;
  readonly digest: Digest | undefined;
  readonly nowMs: number;
  /** What the machine's clock says, which may be behind `nowMs`. */
  readonly machineMs: number;
  readonly log: string;
  readonly policy: ApprovalPolicy;
  readonly standing: SignatureStanding | undefined;
  readonly rows: Pick<Rows, "get">;
  readonly store: TrustStore;
  readonly crypto: Crypto;
  readonly authority?: ApprovalAuthority | undefined;
};

/**
 * Gathers what the log holds of a tenant's approvals for the bytes at hand, each verified again with the keys of now. The
 * bytes are those that would run: what lies in a folder has no say.
 */
export function gatherApprovals(question: ApprovalQuestion): ApprovalFacts {
  const { tenant, digest, rows, log, standing, store } = question;
  const clearance = readClearance(rows, tenant);
  const signer = standing?.trusted === true ? store.keyOf(standing.keyId) : undefined;
  const base = { log, signerPerson: signer === undefined ? undefined : personOf(signer) };
  if (clearance === undefined) {
    return {
      ...base,
      given: [],
      submitters: [],
      rejected: undefined,
      submitted: undefined,
      otherApproved: undefined,
      openReviews: [],
    };
  }
  const submission = clearance.submitted.find((one) => one.digest === digest);
  const rejected = clearance.rejections.find((one) => one.digest === digest);
  return {
    ...base,
    given: clearance.approvals
      .filter((one) => one.digest === digest)
      .slice(-GIVEN_MAX)
      .toReversed()
      .flatMap(({ id }) => readRecorded(id, clearance, question) ?? []),
    // Bytes that nobody is remembered for may be anybody's who submits for this tenant.
    submitters: submission?.persons ?? [...new Set(clearance.submitted.flatMap(({ persons }) => persons))],
    rejected: rejected && { index: rejected.index, at: rejected.at, by: rejected.by, reason: rejected.reason },
    submitted: clearance.submitted.length === 0 ? undefined : submission !== undefined,
    otherApproved: clearance.approved.findLast((one) => one !== digest) as Digest | undefined,
    openReviews: clearance.openReviews.flatMap((open) => {
      const row = rows.get("approvals", approvalRecord({ ...open, tenant }));
      return row === undefined ? [] : [{ id: open.id as Digest, person: String(row["person"]), due: String(row["review_due"]) }];
    }),
  };
}

function readRecorded(id: string, clearance: Clearance, question: ApprovalQuestion): RecordedApproval | undefined {
  const { rows, tenant, digest } = question;
  const row = digest === undefined ? undefined : rows.get("approvals", approvalRecord({ id, tenant, digest }));
  if (row === undefined) return undefined;
  const index = Number(row["log_index"]);
  return {
    ...examineApproval(utf8(String(row["envelope"])), question),
    index,
    recordedAt: String(row["at"]),
    revoked: endOf(row),
    seenLater: laterThan(question.machineMs, index, clearance),
  };
}

function endOf(row: Row): RecordedApproval["revoked"] {
  return row["revoked_at"] === null ? undefined : { at: String(row["revoked_at"]), reason: String(row["revoked_reason"]) };
}

// A later time counts from where it was first seen: what was approved after that was approved under the clock of then.
function laterThan(machineMs: number, index: number, { latestAt, latestIndex }: Clearance): string | undefined {
  if (latestAt === undefined || latestIndex === undefined || latestIndex < index) return undefined;
  return (parseTime(latestAt) ?? Infinity) - machineMs > CLOCK_TOLERANCE_MS ? latestAt : undefined;
}

/** An envelope, what it says, and what is known of its signer. Where it stands in the log is the caller's to add. */
export type ExaminedApproval = Pick<RecordedApproval, "id" | "statement" | "finding" | "person" | "standings">;

/** Reads and verifies one approval as it was handed in, with the keys of now. */
export function examineApproval(envelope: Bytes, question: Examination): ExaminedApproval {
  const { store, crypto, tenant } = question;
  const id = digestOf(crypto.sha256, envelope);
  const opened = openApproval(envelope, store, crypto);
  if (!opened.ok) {
    const finding = findingOf(opened.fault, explainApprovalFault);
    return { id, statement: undefined, finding, person: undefined, standings: [] };
  }
  const { statement, person } = opened.value;
  const comment = statement.comment.slice(0, COMMENT_SHOWN_MAX);
  return {
    ...{ id, statement: { ...statement, comment }, finding: undefined, person },
    standings: standingsOf(statement, person, { ...question, tenant }),
  };
}

/**
 * Weighs an approval that is about to be recorded, as if it stood in the log already: on top of those that were given, and after
 * every refusal.
 */
export function weighCandidate(envelope: Bytes, facts: Facts, powers: CandidatePowers) {
  const { nowMs, authority, store, crypto } = powers;
  const question = { store, crypto, authority, nowMs, tenant: facts.tenant, policy: approvalPolicyOf(facts) };
  const place = { index: Number.MAX_SAFE_INTEGER, recordedAt: facts.at, revoked: undefined, seenLater: undefined };
  const approval: RecordedApproval = { ...examineApproval(envelope, question), ...place };
  const before = approvalsOf(facts);
  const given: Facts = { ...facts, approvals: { ...before, given: [approval, ...before.given] } };
  const weighed = weighApprovals(given).approvals.find((one) => one.approval === approval);
  assert(weighed !== undefined, "an approval was not weighed");
  return { approval, weighed, facts: given };
}

/** What a candidate is weighed with. */
export type CandidatePowers = Pick<ApprovalQuestion, "store" | "crypto" | "nowMs" | "authority">;

/** What an approval is examined with. */
export type Examination = Pick<ApprovalQuestion, "store" | "crypto" | "tenant" | "nowMs" | "policy" | "authority">;

/**
 * In which of the roles that the policy asks about a key stands: by the trust store, and by what the policies let such a person do.
 * Where it stands in none, one reason says why: the end of a role says more than that there never was one.
 */
function standingsOf({ keyId, act }: ApprovalStatement, person: string, question: Examination): RecordedApproval["standings"] {
  const { store, tenant, nowMs, policy, authority } = question;
  const asked = act === "break-glass" ? policy.breakGlass.roles : policy.require.map(({ role }) => role);
  const standings = asked.map((role) => {
    const gap = store.gapOf(keyId, role, { tenant, nowMs });
    return { role, finding: gap === undefined ? undefined : findingOf(gap, explainTrustFault) };
  });
  const held = standings.filter(({ finding }) => finding === undefined);
  if (held.length === 0) {
    const ended = standings.find(({ finding }) => finding?.code !== "trust/key-wrong-role") ?? standings[0];
    return ended === undefined ? [] : [ended];
  }
  const deed = act === "break-glass" ? "breakGlass" : "approve";
  const refusal = authority?.({ person, roles: held.map(({ role }) => role), deed, tenant });
  if (refusal === undefined) return held;
  const finding = { code: "guardian/policy-forbids", message: `${quote(person)} may not do that here: ${refusal}` };
  return held.map(({ role }) => ({ role, finding }));
}

/** Opens an approval as it was handed in, in its one encoding. */
export function openApproval(
  envelope: Bytes,
  store: TrustStore,
  crypto: Crypto,
): Result<SignedStatement<ApprovalStatement>, ApprovalFault> {
  return openSigned(envelope, parseApproval, { store, crypto });
}
