import type {
  ApprovalEvent,
  IncidentEvent,
  RejectionEvent,
  ReviewEvent,
  SubmissionEvent,
  Submitter,
  WithdrawalEvent,
} from "./approval-events.ts";
import { approvalRecord, changeClearance, readClearance } from "./clearance.ts";
import type { AssessmentEvent } from "./events.ts";
import type { Row, Rows } from "./rows.ts";

/** Folds a submission: what was refused concerns no tenant. */
export function evolveSubmission(rows: Rows, event: SubmissionEvent, index: number): void {
  const { tenant, digest, submitter, finding } = event;
  rows.put("submissions", {
    id: event.id,
    file: event.file,
    container: event.container,
    tenant,
    digest,
    manifest: event.manifest,
    size_bytes: event.sizeBytes,
    uid: submitter.uid,
    account: submitter.account,
    claimed: JSON.stringify(submitter.claimed),
    code: finding?.code ?? null,
    message: finding?.message ?? null,
    at: event.at,
    log_index: index,
  });
  if (tenant === null || digest === null || finding !== null) return;
  changeClearance(rows, tenant, ({ submitted, owner }) => {
    const before = submitted.find((one) => one.digest === digest)?.persons ?? [];
    const persons = [...new Set([...before, ...personsOf(submitter)])];
    return {
      submitted: [...submitted.filter((one) => one.digest !== digest), { digest, persons }],
      owner: owner ?? submitter.uid,
    };
  });
}

/** A name that is only claimed excludes too: a claim can take power away, and gives none. */
function personsOf({ account, claimed }: Submitter): readonly string[] {
  return [account, claimed.submitter, claimed.agent].filter((name) => name !== null);
}

/** Folds an approval. The same consent handed in again changes nothing: one that was revoked stays revoked. */
export function evolveApproval(rows: Rows, event: ApprovalEvent, index: number): void {
  const { tenant, digest, id, act, finding } = event;
  const record = approvalRecord(event);
  if (rows.get("approvals", record) !== undefined) return;
  rows.put("approvals", {
    record,
    id,
    tenant,
    digest,
    manifest: event.manifest,
    signer: event.signer,
    act,
    key_id: event.keyId,
    person: event.person,
    expires: event.expires,
    envelope: event.envelope,
    code: finding?.code ?? null,
    message: finding?.message ?? null,
    complete: event.complete ? 1 : 0,
    at: event.at,
    log_index: index,
    revoked_at: null,
    revoked_by: null,
    revoked_reason: null,
    review_due: event.reviewDue,
    reviewed_at: null,
    reviewed_by: null,
    review_comment: null,
    candidates: JSON.stringify(event.candidates),
  });
  changeClearance(rows, tenant, ({ approvals, approved, complete, openReviews }) => ({
    approvals: [...approvals, { id, digest }],
    approved: finding === null ? [...approved.filter((one) => one !== digest), digest] : approved,
    complete: event.complete ? [...complete.filter((one) => one.digest !== digest), { id, digest }] : complete,
    openReviews: finding === null && event.reviewDue !== null ? [...openReviews, { id, digest }] : openReviews,
  }));
}

/** Folds a refusal. */
export function evolveRejection(rows: Rows, { tenant, digest, reason, by, at, candidates }: RejectionEvent, index: number): void {
  const name = by.person ?? by.account;
  rows.put("rejections", { log_index: index, tenant, digest, reason, by: name, at, candidates: JSON.stringify(candidates) });
  changeClearance(rows, tenant, ({ rejections }) => ({
    rejections: [...rejections.filter((one) => one.digest !== digest), { digest, index, at, by: name, reason }],
  }));
}

/** Folds the end of an approval; the first end stands. */
export function evolveWithdrawal(rows: Rows, event: WithdrawalEvent): void {
  const { at, by, reason } = event;
  endApproval(rows, approvalRecord(event), { revoked_at: at, revoked_by: by.person ?? by.account, revoked_reason: reason });
}

/** Ends what was approved of a module for a tenant when it is contained, where the policy says so. */
export function evolveContainment(rows: Rows, { tenant, digest, at, contain }: AssessmentEvent): void {
  if (contain?.revokeApprovals !== true) return;
  const end = { revoked_at: at, revoked_by: "containment", revoked_reason: contain.message };
  for (const approval of readClearance(rows, tenant)?.approvals ?? []) {
    if (approval.digest === digest) endApproval(rows, approvalRecord({ ...approval, tenant }), end);
  }
}

function endApproval(rows: Rows, record: string, end: Row): void {
  const approval = rows.get("approvals", record);
  if (approval === undefined || approval["revoked_at"] !== null) return;
  rows.put("approvals", { ...approval, ...end });
}

/** Folds a review: the item is closed for good. */
export function evolveReview(rows: Rows, event: ReviewEvent): void {
  const { tenant, id, digest, at, by, comment } = event;
  const approval = rows.get("approvals", approvalRecord(event));
  if (approval === undefined) return;
  rows.put("approvals", { ...approval, reviewed_at: at, reviewed_by: by.person ?? by.account, review_comment: comment });
  changeClearance(rows, tenant, ({ openReviews }) => ({
    openReviews: openReviews.filter((open) => open.id !== id || open.digest !== digest),
  }));
}

/** Folds an incident. */
export function evolveIncident(rows: Rows, { at, run, tenant, digest, code, message }: IncidentEvent, index: number): void {
  rows.put("incidents", { log_index: index, at, run, tenant, digest, code, message });
}

/** Remembers the latest time that a tenant was decided at, so that a clock that goes back is seen. */
export function noteDecisionTime(
  rows: Rows,
  { tenant, at }: { readonly tenant: string; readonly at: string },
  index: number,
): void {
  if (rows.get("clearances", tenant) === undefined) return;
  changeClearance(rows, tenant, ({ latestAt }) =>
    latestAt === undefined || at > latestAt ? { latestAt: at, latestIndex: index } : {},
  );
}
