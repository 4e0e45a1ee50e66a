import {
  type AcknowledgementLevel,
  type BlockCause,
  type BlockTarget,
  type Assessment,
  type Budgets,
  type Capability,
  type Digest,
  isJsonObject,
  type Json,
  type Refusals,
  type RunId,
  type Unreached,
  type Usage,
} from "#core";
import type {
  ApprovalEvent,
  IncidentEvent,
  RejectionEvent,
  ReviewEvent,
  SubmissionEvent,
  WithdrawalEvent,
} from "./approval-events.ts";

/** What the log says, by predicate type. The version is part of the type; a new meaning gets a new one. */
export const EVENT_TYPES = {
  workspace: "urn:nightcore:workspace:v1",
  trust: "urn:nightcore:trust:v1",
  passage: "urn:nightcore:passage:v1",
  admission: "urn:nightcore:admission:v1",
  verification: "urn:nightcore:verification:v1",
  decision: "urn:nightcore:decision:v1",
  intent: "urn:nightcore:intent:v1",
  outcome: "urn:nightcore:outcome:v1",
  quarantine: "urn:nightcore:quarantine:v1",
  block: "urn:nightcore:block:v1",
  release: "urn:nightcore:release:v1",
  import: "urn:nightcore:import:v1",
  recovery: "urn:nightcore:recovery:v1",
  replay: "urn:nightcore:replay:v1",
  deletion: "urn:nightcore:deletion:v1",
  pruning: "urn:nightcore:pruning:v1",
  restoration: "urn:nightcore:restoration:v1",
  clock: "urn:nightcore:clock:v1",
  assessment: "urn:nightcore:assessment:v1",
  submission: "urn:nightcore:submission:v1",
  approval: "urn:nightcore:approval:v1",
  rejection: "urn:nightcore:rejection:v1",
  withdrawal: "urn:nightcore:withdrawal:v1",
  review: "urn:nightcore:review:v1",
  incident: "urn:nightcore:incident:v1",
  policy: "urn:nightcore:policy:v1",
  acknowledgement: "urn:nightcore:acknowledgement:v1",
} as const;
export type EventKind = keyof typeof EVENT_TYPES;

type Said = { readonly code: string; readonly message: string; readonly hint?: string };
type OfRun = { readonly run: RunId; readonly tenant: string; readonly at: string };

/** The first entry of a log: its name, its key, and the software that made it. */
export type WorkspaceEvent = {
  readonly at: string;
  readonly origin: string;
  readonly logKey: string;
  readonly software: string;
  /** The log that this one follows because that one cannot be gone on with: its last checkpoint that was at hand. */
  readonly predecessor?: Predecessor;
};
/** A log by its key, and a state of it by size, root and signed checkpoint. */
export type Predecessor = {
  readonly origin: string;
  readonly logKey: string;
  readonly size: number;
  readonly root: string;
  readonly checkpoint: string;
};
/** A key was trusted or revoked; `store` is the digest of the trust store that is in force from here on. */
export type TrustEvent = {
  readonly at: string;
  readonly change: "key-trusted" | "key-revoked";
  readonly record: Json;
  readonly store: Digest;
};
/**
 * The policies changed, or somebody said something about a change. `version` is the digest of the whole set of files. A version
 * is in force from `activated` until the next one is; `tried` and `trial-ended` are about deciding beside the one in force.
 */
export type PolicyEvent = {
  readonly at: string;
  readonly change: "proposed" | "approved" | "rejected" | "activated" | "tried" | "trial-ended";
  readonly number: number;
  readonly version: Digest;
  readonly comment: string;
  /** Who signed the change, where somebody did, and what was signed. */
  readonly by?: { readonly keyId: string; readonly person: string; readonly envelope: Json };
  /** `proposed`: the earlier version with the same content, which this one goes back to. */
  readonly rollbackOf?: number;
  /** `proposed`: how many recorded decisions it would have made otherwise, of how many. */
  readonly effect?: { readonly decisions: number; readonly flips: number };
  /** `activated`: who had approved it; empty where nobody had to, or where nobody could. */
  readonly approvers?: readonly string[];
};
/** What the bytes were found to be. `digest` is null when there were none to read. */
export type AdmissionEvent = OfRun & {
  readonly digest: Digest | null;
  readonly sizeBytes: number | null;
  readonly admitted: boolean;
  readonly finding: Said | null;
  readonly shape: Json;
};
/** Whether the host trusts the signer of these bytes, under the trust store of that digest. */
export type VerificationEvent = OfRun & {
  readonly digest: Digest | null;
  readonly trusted: boolean;
  readonly keyId: string | null;
  readonly form: string | null;
  readonly manifestSigned: boolean;
  readonly finding: Said | null;
  readonly trustStore: Digest;
};
/** A verdict with the facts that it was made from, so that it can be made again. */
export type DecisionEvent = OfRun & {
  readonly digest: Digest | null;
  readonly mode: "run" | "proof";
  readonly verdict: "allow" | "hold" | "deny" | "quarantine";
  readonly reasons: readonly (Said & { readonly verdict: string; readonly policy?: string })[];
  readonly grant: Json;
  /** The score with its contributions, and the policies that permit. Absent in decisions of the first version. */
  readonly risk?: Json;
  readonly permits?: readonly string[];
  /**
   * SHA-256 of what the policies were asked. `answeredBy`: the entry of this log that has the answer, which was taken from there;
   * absent where Cedar was asked. Both are absent where no policy was asked, and in decisions from before they were told.
   */
  readonly question?: Digest;
  readonly answeredBy?: number;
  /** Whose approvals stand behind an allow; absent where none did, or in decisions from before there were any. */
  readonly consent?: { readonly persons: readonly string[]; readonly breakGlass: boolean };
  /** What a version on trial would have decided; its reasons only where the verdict is another. Absent while none is tried. */
  readonly trial?: {
    readonly number: number;
    readonly verdict: "allow" | "hold" | "deny" | "quarantine";
    readonly reasons?: readonly (Said & { readonly policy?: string })[];
  };
  readonly facts: Json;
  /** What the workspace waits for before it tells of this run. Absent: `durable`. */
  readonly acknowledgement?: AcknowledgementAsked;
  /** What decided: `nightcore-rules/1`, or the rules of now with the policy engine behind the sign `+`. */
  readonly engine: string;
};
/** Written and durable before the guest starts: with it, the run can be made again. */
export type IntentEvent = OfRun & {
  readonly digest: Digest;
  readonly entry: string;
  /** All three are `null` where they are a blob, which `arguments` names. */
  readonly numericArgs: readonly string[] | null;
  readonly argv: readonly string[] | null;
  readonly env: readonly string[] | null;
  readonly arguments?: { readonly digest: Digest; readonly bytes: number };
  /** `streamed`: more came while it ran, and the outcome says what. */
  readonly stdin: { readonly digest: Digest; readonly bytes: number; readonly streamed?: true };
  readonly mounts: readonly {
    readonly guestPath: string;
    readonly digest: Digest;
    readonly files: number;
    readonly bytes: number;
    /** The lines that the digest is of. `null`: they are a blob. Absent: an older version wrote it, and kept none. */
    readonly listing?: readonly string[] | null;
  }[];
  readonly capabilities: readonly Capability[];
  readonly budgets: Budgets;
  readonly seed: string;
  /** The decoys that were planted, by name (`file:/home/…`); what they hold follows from the seed. Absent: none. */
  readonly canaries?: readonly string[];
  readonly engine: string;
  readonly isolation: readonly string[];
};
type Step<E> = Omit<E, "run" | "tenant" | "at" | "digest">;
/** What came before a run, or instead of one, in one entry; `intent` is absent where nothing is to run. */
export type PassageEvent = OfRun & {
  readonly digest: Digest | null;
  readonly admission: Step<AdmissionEvent>;
  readonly verification: Step<VerificationEvent>;
  readonly decision: Step<DecisionEvent>;
  readonly intent?: Step<IntentEvent>;
};
/** An output tree: the digest of its manifest, and how many files with how many bytes together. */
export type OutputSaid = { readonly digest: Digest; readonly files: number; readonly bytes: number };
/** How a run ended. `usage` is null when nobody saw the end. */
export type OutcomeEvent = OfRun & {
  readonly digest: Digest;
  readonly status: "ran" | "failed";
  readonly exitCode: number | null;
  readonly fault: Said | null;
  readonly results: readonly string[];
  readonly stdout: { readonly digest: Digest; readonly bytes: number } | null;
  readonly stderr: { readonly digest: Digest; readonly bytes: number } | null;
  readonly usage: Usage | null;
  /** What it was given of a stream: the bytes, and the lengths of the pieces in which they came as a blob. Absent without a stream. */
  readonly stdin?: { readonly digest: Digest; readonly bytes: number; readonly pieces: Digest };
  /** Absent when the run left nothing. */
  readonly outputTree?: OutputSaid;
  /** What it called, in order, as a blob (docs/formats/replay.md). Absent when that is nothing, and in older entries. */
  readonly hostCallTrace?: { readonly digest: Digest; readonly bytes: number };
  /** Absent when it was refused nothing. */
  readonly refusals?: Refusals;
  /**
   * Which rules assessed it, beside the history that folding so many entries gives. Absent: nobody did, since a trial or an older
   * version made it, and it counts for no history.
   */
  readonly assessed?: { readonly rules: string; readonly entries: number };
};
/** What an outcome was found to be beside the history of its tenant. In the same append as the outcome, and only with findings. */
export type AssessmentEvent = OfRun & Assessment & { readonly digest: Digest; readonly rules: string };
/** These bytes are blocked from here on: the older form of a block, which is still read. */
export type QuarantineEvent = { readonly at: string; readonly digest: Digest; readonly reason: string };
/** From here on none of the targets runs, or is given to a run, until it is released. The id of each is `<index of this entry>.<place>`. */
export type BlockEvent = {
  readonly at: string;
  readonly targets: readonly BlockTarget[];
  readonly reason: string;
  readonly cause: BlockCause;
  /** The key of whoever caused it, who may not release it: the operator's, or the signer's of what ran. Null where nobody is known. */
  readonly causedBy: string | null;
  /** The run that led to it, if one did. */
  readonly run: RunId | null;
  /** The order of a kill switch that it records, or null. */
  readonly order: string | null;
};
/** A person asked for the end of blocks, all of one entry: counted and not enough yet, enough, or refused. */
export type ReleaseEvent = {
  readonly at: string;
  /** Index of the entry that put the blocks. */
  readonly entry: number;
  readonly blocks: readonly string[];
  readonly state: "consented" | "released" | "refused";
  /** Who signed the statement, as far as it verified. */
  readonly keyId: string | null;
  readonly person: string | null;
  readonly comment: string | null;
  /** The signed statement as it was handed in, cut where it is over 8 KiB. */
  readonly statement: string | null;
  readonly finding: Said | null;
};
/** One line of somebody else's history. `tenant` is null where the line is about no tenant. */
export type ImportedRecord = {
  readonly tenant: string | null;
  readonly digest: Digest | null;
  readonly sizeBytes: number | null;
  readonly verified: boolean | null;
  readonly status: string | null;
  readonly wallMs: number | null;
  readonly at: string;
};
/** History from another system, kept as what it is: somebody's file, with its digest. */
export type ImportEvent = {
  readonly at: string;
  readonly source: string;
  readonly sourceDigest: Digest;
  readonly form: string;
  readonly part: number;
  readonly records: readonly ImportedRecord[];
};
/** What opening the ledger after a crash had to mend, or `ledger fsck --repair` was told to. */
export type RecoveryEvent = {
  readonly at: string;
  readonly tornBytes: number;
  readonly rewrittenFiles: readonly string[];
  /** What a dead writer left unfinished, and a repair took away. Absent when there was nothing. */
  readonly removedFiles?: readonly string[];
  readonly interruptedRuns: number;
};
/** A run was made again from its record: whether it came out the same, under which engine, and where it first did not. */
export type ReplayEvent = OfRun & {
  readonly digest: Digest;
  readonly engine: string;
  readonly identical: boolean;
  readonly divergence: {
    readonly what: string;
    readonly recorded: string;
    readonly replayed: string;
    /** The first call that differs is behind `after` of them, and at the latest number `by`. Absent where that is unknown. */
    readonly hostCall?: {
      readonly after: number;
      readonly by: number;
      readonly recorded?: string;
      readonly replayed?: string;
    };
  } | null;
};

/** Blobs that are deleted under a retention policy. Written before the first of them goes; their digests stay in the log. */
export type DeletionEvent = {
  readonly at: string;
  /** The policy, in words and figures: which class of blobs, and how old. */
  readonly policy: { readonly inputsDays: number; readonly outputsDays: number };
  readonly blobs: readonly Digest[];
};

/** Entries below `minimumIndex` are taken out of the published folder into an archive. Durable before the first file goes. */
export type PruningEvent = {
  readonly at: string;
  /** A multiple of 256: a whole number of bundles lies below it. */
  readonly minimumIndex: number;
  /** The root of the tree of the first `minimumIndex` entries, in hexadecimal. */
  readonly root: string;
  readonly policy: { readonly logDays: number };
  /** Where the archive lay then, as it was named: an absolute path, or one relative to the workspace. */
  readonly archive: string;
  readonly by: { readonly account: string };
};

/** The level that a workspace waits for, and what becomes of what does not reach it. */
export type AcknowledgementAsked = { readonly level: AcknowledgementLevel; readonly unreached: Unreached };
/** Entries `from` to `to` (excluded) did not reach the level that was asked for in time; under `fail_closed` nobody was told. */
export type AcknowledgementEvent = {
  readonly at: string;
  readonly asked: AcknowledgementLevel;
  readonly reached: AcknowledgementLevel;
  readonly unreached: Unreached;
  readonly from: number;
  readonly to: number;
  readonly reasons: readonly Said[];
};
/** The machine's clock was found behind the log: times go on from the latest entry's until it has caught up. */
export type ClockEvent = {
  /** The time of the latest entry. */
  readonly at: string;
  /** What the clock said, and how far that was behind. */
  readonly clock: string;
  readonly behindMs: number;
};
/** Why a log goes on from a backup as the newest state that there is. */
export type NewestShown =
  /** These witnesses had cosigned the log before, and cosigned this state now: they have seen nothing newer. */
  | { readonly by: "witnesses"; readonly names: readonly string[] }
  /** The checkpoint that others are shown is the one of the backup. */
  | { readonly by: "checkpoint"; readonly from: string }
  /** The operator says so, in these words. */
  | { readonly by: "statement"; readonly text: string };
/** The log was restored from a backup and goes on. The first entry after the backup's. */
export type RestorationEvent = {
  readonly at: string;
  /** Entries in the backup, and when it was restored. */
  readonly size: number;
  readonly restoredAt: string;
  readonly newest: readonly NewestShown[];
};

/** Any entry of the log, by its kind. */
export type Event =
  | ({ readonly kind: "workspace" } & WorkspaceEvent)
  | ({ readonly kind: "trust" } & TrustEvent)
  | ({ readonly kind: "passage" } & PassageEvent)
  | ({ readonly kind: "admission" } & AdmissionEvent)
  | ({ readonly kind: "verification" } & VerificationEvent)
  | ({ readonly kind: "decision" } & DecisionEvent)
  | ({ readonly kind: "intent" } & IntentEvent)
  | ({ readonly kind: "outcome" } & OutcomeEvent)
  | ({ readonly kind: "quarantine" } & QuarantineEvent)
  | ({ readonly kind: "block" } & BlockEvent)
  | ({ readonly kind: "release" } & ReleaseEvent)
  | ({ readonly kind: "import" } & ImportEvent)
  | ({ readonly kind: "recovery" } & RecoveryEvent)
  | ({ readonly kind: "replay" } & ReplayEvent)
  | ({ readonly kind: "deletion" } & DeletionEvent)
  | ({ readonly kind: "pruning" } & PruningEvent)
  | ({ readonly kind: "restoration" } & RestorationEvent)
  | ({ readonly kind: "clock" } & ClockEvent)
  | ({ readonly kind: "assessment" } & AssessmentEvent)
  | ({ readonly kind: "submission" } & SubmissionEvent)
  | ({ readonly kind: "approval" } & ApprovalEvent)
  | ({ readonly kind: "rejection" } & RejectionEvent)
  | ({ readonly kind: "withdrawal" } & WithdrawalEvent)
  | ({ readonly kind: "review" } & ReviewEvent)
  | ({ readonly kind: "incident" } & IncidentEvent)
  | ({ readonly kind: "policy" } & PolicyEvent)
  | ({ readonly kind: "acknowledgement" } & AcknowledgementEvent);

const KINDS: ReadonlyMap<string, EventKind> = new Map(
  Object.entries(EVENT_TYPES).map(([kind, type]) => [type, kind as EventKind]),
);

/**
 * Reads an event from a statement of our own log. The signature over it has been checked before, so the predicate is
 * what this software wrote; undefined for a predicate type that this version does not know, which the fold passes over.
 */
export function readEvent(predicateType: string, predicate: Json): Event | undefined {
  const kind = KINDS.get(predicateType);
  if (kind === undefined || !isJsonObject(predicate)) return undefined;
  return { kind, ...predicate } as unknown as Event;
}
