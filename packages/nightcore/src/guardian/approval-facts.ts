import type { Digest, KeyId } from "#core";
import type { ApprovalStatement } from "./approval.ts";
import type { Facts, Finding } from "./facts.ts";

/** One approval that the log holds for a tenant and its present bytes, with what is known of its signer now. */
export type RecordedApproval = {
  /** The digest of what was signed: however it is wrapped, one consent is one approval. */
  readonly id: Digest;
  /** Where it stands in the log. */
  readonly index: number;
  readonly recordedAt: string;
  /** What it says, its comment cut short. Undefined where it could not be read. */
  readonly statement: ApprovalStatement | undefined;
  /** Why nothing that it says counts: it cannot be read, or the key that it names did not sign it. */
  readonly finding: Finding | undefined;
  /** Who holds the key, by the trust store of now. */
  readonly person: string | undefined;
  /** The roles that the policy asks about and the key stands in now; where there is none, one of them and why not. */
  readonly standings: readonly { readonly role: string; readonly finding: Finding | undefined }[];
  readonly revoked: { readonly at: string; readonly reason: string } | undefined;
  /** A time later than now that the log has seen since: the clock went back. */
  readonly seenLater: string | undefined;
};

/** A use of break-glass that another person has to look at. */
export type OpenReview = { readonly id: Digest; readonly person: string; readonly due: string };

/** Everything recorded that speaks for or against running what needs a person's approval. */
export type ApprovalFacts = {
  /** The name of this log: an approval is made for one. */
  readonly log: string;
  /** For the present bytes, the newest first, at most 16. */
  readonly given: readonly RecordedApproval[];
  readonly submitters: readonly string[];
  readonly signerPerson: string | undefined;
  /** The last refusal of these bytes: what was given before it counts no longer. */
  readonly rejected: { readonly index: number; readonly at: string; readonly by: string; readonly reason: string } | undefined;
  /** Whether these bytes came in through the inbox for this tenant; undefined when nothing ever did. */
  readonly submitted: boolean | undefined;
  /** The bytes last approved for this tenant, where they are not the present ones. */
  readonly otherApproved: Digest | undefined;
  readonly openReviews: readonly OpenReview[];
};

/** What is known of a tenant that nobody ever approved anything for. */
export const NO_APPROVALS: ApprovalFacts = {
  log: "",
  given: [],
  submitters: [],
  signerPerson: undefined,
  rejected: undefined,
  submitted: undefined,
  otherApproved: undefined,
  openReviews: [],
};

/** The approvals of facts; in records from before there were any, they are an empty list. */
export function approvalsOf({ approvals }: Facts): ApprovalFacts {
  return Array.isArray(approvals) ? NO_APPROVALS : approvals;
}

/** The version of the policy that an approval is bound to. */
export function policyVersionOf({ policy, policyVersion }: Facts): Digest | undefined {
  // Decisions from before there were versions name the tenant's own policy.
  return policyVersion?.digest ?? (policy.state === "read" ? policy.digest : undefined);
}

/** The key that signed the module, which never approves it. */
export function signerKeyOf({ signature }: Facts): KeyId | undefined {
  return signature.trusted ? signature.keyId : undefined;
}
