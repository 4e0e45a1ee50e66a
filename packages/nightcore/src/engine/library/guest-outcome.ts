import type { Bytes, Digest, Explanation, OutputEntry, Usage } from "#core";
import { type EngineFault, type EngineReport, explainEngineFault, type GuestConduct } from "#ports";

/** Why a run did not end by itself: a stable code (docs/formats/faults.md), a sentence, and sometimes what to do about it. */
export type GuestFault = EngineFault & Explanation;

/** How a run ended. What stands in texts and bytes of it is the guest's, and as foreign as the guest. */
export type GuestOutcome = {
  /** The SHA-256 of the module that ran. */
  readonly digest: Digest;
  /** The guest's own exit code, 0 when it returned; undefined when a fault ended it. */
  readonly exitCode: number | undefined;
  readonly fault: GuestFault | undefined;
  /** What an entry other than `_start` returned, numbers in decimal. */
  readonly results: readonly string[];
  readonly stdout: Bytes;
  readonly stderr: Bytes;
  readonly usage: Usage;
  /** What stands in `/out` at the end, under `fs:write`, in order of paths; a folder has no bytes. */
  readonly output: readonly OutputEntry[];
  /** Paths that were asked for and not granted, cut to a few. */
  readonly deniedPaths: readonly string[];
  /** Which functions of WASI were called, and which paths opened, cut to a few. */
  readonly observed: GuestConduct;
};

const EMPTY = new Uint8Array(0);

/** What the engine reported, with its fault in words. */
export function outcomeOf(report: EngineReport, digest: Digest): GuestOutcome {
  const { fault, output = [], observed = { calls: [], openedPaths: [] } } = report;
  const { exitCode, results, stdout, stderr, usage, deniedPaths } = report;
  const said = fault === undefined ? undefined : { ...fault, ...explainEngineFault(fault) };
  return { digest, exitCode, fault: said, results, stdout, stderr, usage, output, deniedPaths, observed };
}

/** The outcome of what was refused before an engine was asked. */
export function refusedOutcome(fault: EngineFault, digest: Digest): GuestOutcome {
  const usage = { wallMs: 0, memoryBytes: 0, fuel: 0, outputBytes: 0, hostCalls: 0 };
  const nothing = { results: [], stdout: EMPTY, stderr: EMPTY, usage, deniedPaths: [] };
  return outcomeOf({ ...nothing, exitCode: undefined, fault }, digest);
}
