import type { Assessment, Bytes, Budgets, Capability, Digest, InputStream, KeyId, RunId, Usage } from "#core";
import type { Finding, Reason, Verdict } from "#guardian";
import type { GuestConduct } from "#ports";
import type { OutputSaid } from "#state";

/** How a run stands at its end. `verified` means decided and allowed in proof mode, and not executed. */
export type RunStatus = "ran" | "failed" | "denied" | "held" | "quarantined" | "verified";

/** Everything there is to say about one passage through the pipeline; each member is in the log as well. */
export type RunRecord = {
  readonly run: RunId;
  readonly tenant: string;
  readonly path: string;
  readonly mode: "run" | "proof";
  readonly status: RunStatus;
  readonly verdict: Verdict;
  readonly reasons: readonly Reason[];
  /** Who broke the glass so that it may run, and what for; undefined where nobody had to. */
  readonly breakGlass?: { readonly person: string; readonly comment: string } | undefined;
  readonly digest: Digest | undefined;
  readonly sizeBytes: number | undefined;
  readonly signature: {
    readonly trusted: boolean;
    readonly keyId: KeyId | undefined;
    readonly keyName: string | undefined;
    readonly manifestSigned: boolean;
  };
  readonly entry: string;
  readonly capabilities: readonly Capability[];
  readonly budgets: Budgets | undefined;
  readonly backend: string;
  readonly isolation: readonly string[];
  readonly startedAt: string;
  readonly finishedAt: string;
  /** From reading the files to the durable outcome. */
  readonly wholeMs: number;
  readonly fault: Finding | undefined;
  readonly exitCode: number | undefined;
  readonly results: readonly string[];
  readonly stdout: Bytes;
  readonly stderr: Bytes;
  /** What it left in `/out`, by the digest of its manifest. */
  readonly outputTree: OutputSaid | undefined;
  readonly usage: Usage | undefined;
  readonly deniedPaths: readonly string[];
  /** What the engine saw the guest do; undefined where nothing ran. */
  readonly observed: GuestConduct | undefined;
  /** What it was found to be beside its history; undefined where nothing ran, and for a trial. */
  readonly assessment: Assessment | undefined;
  /** It ran without `fs:read` and asked for its folders, although it has a sandbox folder. */
  readonly sandboxUnseen: boolean;
  /** Indexes of this run's entries in the log. */
  readonly indexes: readonly number[];
};

/** What the caller asks of one run. */
export type RunRequest = {
  readonly mode: "run" | "proof";
  readonly entry: string | undefined;
  /** For `_start`: `argv` after the program name. For any other entry: its parameters, as decimal numbers. */
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly stdin: Bytes;
  /** What comes behind it while the guest runs. What it will be is not known when the run is decided. */
  readonly input?: InputStream;
  /** Capabilities that the operator grants beyond the manifest, for this run; the policy still has to allow them. */
  readonly operatorGrants: readonly Capability[];
  /** Runs with less than was granted, and with a seed that the caller knows: how an observation finds out what is needed. */
  readonly trial?: Trial;
};

/** What one run of an observation gets: never more than what was granted. */
export type Trial = {
  readonly capabilities: readonly Capability[];
  readonly seed: Bytes;
  /** Undefined: as granted. */
  readonly budgets: Budgets | undefined;
};
