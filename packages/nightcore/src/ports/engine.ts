import type {
  Budgets,
  Bytes,
  Canary,
  Capability,
  Digest,
  Explanation,
  Fault,
  InputRead,
  InputStream,
  OutputEntry,
  Refusals,
  Result,
  Usage,
} from "#core";

/** One file that the guest can read, by its path under the mount: components joined by `/`, none of them `.` or `..`. */
export type MountedFile = { readonly path: string; readonly bytes: Bytes };

/**
 * A tree at an absolute guest path, captured before the run; empty folders are named in `folders`. Read-only, unless it is
 * `writable`: then changes go to memory that ends with the run.
 */
export type Mount = {
  readonly guestPath: string;
  readonly files: readonly MountedFile[];
  readonly folders: readonly string[];
  readonly writable?: boolean;
};

/** Everything that a run depends on. Two jobs with equal members have equal outcomes, wall time apart. */
export type EngineJob = {
  readonly tenant: string;
  readonly digest: Digest;
  readonly bytes: Bytes;
  /** The export to call. Undefined: `_start`. */
  readonly entry: string | undefined;
  /** Numbers for the parameters of an entry other than `_start`, in decimal; a parameter without one is 0. */
  readonly numericArgs: readonly string[];
  /** `argv` as WASI shows it, the program name first. */
  readonly argv: readonly string[];
  /** `NAME=value`. */
  readonly env: readonly string[];
  readonly stdin: Bytes;
  /** What comes behind `stdin` while the guest runs; absent when that is all. Read only when the guest waits for it, and then closed. */
  readonly input?: InputStream | undefined;
  readonly mounts: readonly Mount[];
  readonly capabilities: readonly Capability[];
  readonly budgets: Budgets;
  /** 32 bytes from which a guest without `random:real` draws. */
  readonly seed: Bytes;
  /** Decoys: variables, and files under `/home` for a guest with `fs:read`. Whoever touches one is ended. Absent: none. */
  readonly canaries?: readonly Canary[];
};

/** How a run ended when it did not end by itself. */
export type EngineFaultCode =
  | "engine/invalid-module"
  | "engine/unsupported-feature"
  | "engine/unknown-import"
  | "engine/no-entry"
  | "engine/bad-argument"
  | "engine/trap"
  | "engine/stack-overflow"
  | "engine/fuel-exhausted"
  | "engine/memory-exceeded"
  | "engine/output-exceeded"
  | "engine/canary"
  | "engine/input-exceeded"
  | "engine/input-failed"
  | "engine/deadline"
  | "engine/cancelled"
  | "engine/sandbox-died"
  | "engine/sandbox-out-of-memory"
  | "engine/protocol"
  | "engine/unavailable";

export type EngineFault = Fault & { readonly code: EngineFaultCode; readonly detail: string };

/** What came out of a run. A guest that calls `proc_exit(3)` completed, with exit code 3. */
export type EngineReport = {
  /** The guest's own exit code (32 bits unsigned), or undefined when a fault ended it. */
  readonly exitCode: number | undefined;
  readonly fault: EngineFault | undefined;
  /** Results of an entry that returns numbers, in decimal. */
  readonly results: readonly string[];
  readonly stdout: Bytes;
  readonly stderr: Bytes;
  readonly usage: Usage;
  /** Paths that the guest tried to open and was not granted, cut to a few: a hint for its author, not evidence. */
  readonly deniedPaths: readonly string[];
  /** What stands in `/out` at the end, under `fs:write`; absent when that is nothing. */
  readonly output?: readonly OutputEntry[];
  /** Calls that were refused; absent when none were. */
  readonly refusals?: Refusals;
  /** What the engine has read of `input`, also where a fault ended the run; absent when there was none. */
  readonly input?: InputRead;
  /** Absent where the engine does not watch, or the guest called nothing. */
  readonly observed?: GuestConduct;
  /** What the guest called, in order, as `HostCallTrace` is encoded; absent likewise. */
  readonly trace?: Bytes;
};

/** Which host functions a guest called, and which paths it opened, cut to a few: for people, not evidence. */
export type GuestConduct = { readonly calls: readonly string[]; readonly openedPaths: readonly string[] };

/** What the engine needs of an `AbortSignal`: the caller's wish that the run end now. */
export type Cancellation = {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
};

/** A stream that a guest prints to. */
export type PrintedStream = "stdout" | "stderr";

/**
 * Hears what a guest prints while it runs. The pieces of a stream, joined, are the beginning of what the report has of it; what a
 * guest printed before the engine killed it is in no report. Foreign bytes, never empty.
 */
export type Print = (stream: PrintedStream, bytes: Bytes) => void;

/** POWER: runs untrusted code. Never rejects for anything that a guest does. */
export type Engine = {
  readonly name: string;
  /** Name and version of what executes, for the record: two runs under equal versions are comparable. */
  readonly version: string;
  /** The layers between guest and host that are really in place. */
  readonly isolation: readonly string[];
  run(job: EngineJob, cancellation?: Cancellation, print?: Print): Promise<EngineReport>;
  close(): Promise<void>;
};

/**
 * How many guests run at once; and how many places beside theirs are kept ready, for the engines that have such, so that a slot is
 * free at once when its guest has to be killed. None unless it is asked for.
 */
export type EngineSize = { readonly slots: number; readonly spares?: number };

/** Opens an engine or says what is missing. */
export type OpenEngine = (options: EngineSize) => Promise<Result<Engine, EngineFault>>;

const SENTENCES: Readonly<Record<EngineFaultCode, readonly [message: string, hint?: string]>> = {
  "engine/invalid-module": ["the module does not validate"],
  "engine/unsupported-feature": ["the module uses a feature that cannot be metered", "compile it without that feature"],
  "engine/unknown-import": ["the module imports what this host does not offer", "only wasi_snapshot_preview1 is offered"],
  "engine/no-entry": [
    "the module has no entry point, so nothing ran",
    "name an exported function with --entry, or in the manifest",
  ],
  "engine/bad-argument": ["an argument does not fit"],
  "engine/trap": ["the guest trapped"],
  "engine/stack-overflow": ["the guest recursed too deeply"],
  "engine/fuel-exhausted": ["the guest used up its fuel", "raise its fuel in the manifest and sign again, if it needs more"],
  "engine/memory-exceeded": ["the module needs more memory than its budget"],
  "engine/input-exceeded": ["more input came than a run may read", "hand it in as files, or in several runs"],
  "engine/input-failed": ["the input could not be read to its end"],
  "engine/output-exceeded": ["the guest wrote more than its output budget"],
  "engine/canary": [
    "the guest touched a decoy and was ended",
    "its bytes are in quarantine; `nightcore quarantine list` names the block",
  ],
  "engine/deadline": [
    "the guest did not finish in time and was killed",
    "raise its time in the manifest and sign again, if it needs more",
  ],
  "engine/cancelled": ["the run was cancelled"],
  "engine/sandbox-died": ["the sandbox process died"],
  "engine/sandbox-out-of-memory": ["the sandbox process wanted more memory than the system lets it have, and was killed by it"],
  "engine/protocol": ["the sandbox process sent an answer that cannot be right, and was killed"],
  "engine/unavailable": ["the engine cannot be started", "run `nightcore verify-env`"],
};

export function explainEngineFault(fault: EngineFault): Explanation {
  const [sentence, hint] = SENTENCES[fault.code];
  const message = fault.detail === "" ? sentence : `${sentence}: ${fault.detail}`;
  return hint === undefined ? { message } : { message, hint };
}
