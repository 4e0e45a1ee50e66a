import type { Digest, RunId } from "#core";

type Said = { readonly code: string; readonly message: string; readonly hint?: string };

/** Who submitted: the account that the file belonged to, and what the submission claims about itself, which nobody checked. */
export type Submitter = {
  readonly uid: number;
  readonly account: string;
  readonly claimed: { readonly submitter: string | null; readonly agent: string | null; readonly note: string | null };
};

/** A file of the inbox was taken in for a tenant, or refused with a finding. Written before anything of it is visible. */
export type SubmissionEvent = {
  readonly at: string;
  /** The digest of the file's name, content and place: the same file is the same submission, however often it is looked at. */
  readonly id: Digest;
  readonly origin: "agent-inbox";
  readonly file: string;
  readonly container: Digest | null;
  readonly tenant: string | null;
  readonly digest: Digest | null;
  readonly manifest: Digest | null;
  readonly sizeBytes: number | null;
  readonly submitter: Submitter;
  readonly finding: Said | null;
};

/**
 * A person's signed consent, whole, as it was handed in. `finding` says why it did not hold when it was recorded; every
 * decision weighs it again.
 */
export type ApprovalEvent = {
  readonly at: string;
  /** The digest of the envelope, which has one encoding. */
  readonly id: Digest;
  readonly tenant: string;
  /** The bytes that it was recorded for; what was signed may say others. */
  readonly digest: Digest;
  readonly manifest: Digest | null;
  /** Who had signed the module then. */
  readonly signer: string | null;
  readonly act: "approval" | "break-glass";
  readonly keyId: string | null;
  readonly person: string | null;
  readonly expires: string | null;
  readonly envelope: string;
  readonly finding: Said | null;
  /** Whether the requirement was met with it. */
  readonly complete: boolean;
  /** Of a break-glass: until when another person has to look at it. */
  readonly reviewDue: string | null;
  /** Persons who could have approved at that moment, 64 at most: in the roles that are asked for, and neither submitter nor signer. */
  readonly candidates: readonly string[];
};

/** Who did something about an approval: an account of this machine, and with a signature the person of a key. */
export type Actor = {
  readonly account: string;
  readonly keyId: string | null;
  readonly person: string | null;
  readonly envelope: string | null;
};

/** A person refused these bytes for this tenant; approvals from before count no longer. */
export type RejectionEvent = {
  readonly at: string;
  readonly tenant: string;
  readonly digest: Digest;
  readonly reason: string;
  readonly by: Actor;
  /** Persons who could have approved at that moment, 64 at most. */
  readonly candidates: readonly string[];
};
/** An approval was taken back. */
export type WithdrawalEvent = {
  readonly at: string;
  readonly tenant: string;
  readonly digest: Digest;
  readonly id: Digest;
  readonly reason: string;
  readonly by: Actor;
};
/** Another person looked at a use of break-glass. */
export type ReviewEvent = {
  readonly at: string;
  readonly tenant: string;
  readonly digest: Digest;
  readonly id: Digest;
  readonly comment: string;
  readonly by: Actor;
};
/** Something that somebody has to look into: beside the decision that refused it. */
export type IncidentEvent = {
  readonly at: string;
  readonly run: RunId | null;
  readonly tenant: string | null;
  readonly digest: Digest | null;
  readonly code: string;
  readonly message: string;
};
