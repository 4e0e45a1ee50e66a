import { encodeCanaryName } from "#core";
import type { EngineFaultCode } from "#ports";
import type { AskedJob, GuestOutcome } from "./answer.ts";

/** Faults that are found before anything of the guest runs. */
const BEFORE_THE_RUN: ReadonlySet<EngineFaultCode> = new Set<EngineFaultCode>([
  "engine/unsupported-feature",
  "engine/unknown-import",
  "engine/no-entry",
  "engine/bad-argument",
]);

// A call costs its caller one of fuel (docs/formats/fuel.md). Three are the host's own: start section, `_initialize`, entry.
const CALLS_WITHOUT_FUEL_MAX = 3;

/** Calls that the guest hands no pointer. */
const WITHOUT_POINTERS: ReadonlySet<string> = new Set([
  ...["fd_advise", "fd_allocate", "fd_close", "fd_datasync", "fd_fdstat_set_flags", "fd_fdstat_set_rights", "fd_renumber"],
  ...["fd_filestat_set_size", "fd_filestat_set_times", "fd_sync", "proc_exit", "proc_raise", "sched_yield", "sock_shutdown"],
]);

/**
 * What in an outcome cannot be true beside the rest of it, or under the job that was asked for, though each field is in bounds by
 * itself; undefined when nothing is. A guest's own process may say it all the same.
 */
export function findContradiction(outcome: GuestOutcome, { capabilities, canaries = [] }: AskedJob): string | undefined {
  const { exitCode, fault, results, fuel, hostCalls, refusals, deniedPaths, observed, output } = outcome;
  const calls = observed?.calls ?? [];
  const written = outcome.stdout.length + outcome.stderr.length;
  if (hostCalls > 0 !== calls.length > 0) return "calls of no function";
  if (hostCalls > fuel + CALLS_WITHOUT_FUEL_MAX) return "more calls than fuel";
  if (written > 0 && !capabilities.includes("stdout")) return "output that was not granted";
  if (written > 0 && !calls.includes("fd_write")) return "output that was never written";
  if (deniedPaths.length > 0 && !calls.some((name) => name.startsWith("path_"))) return "a path that was never asked for";
  if (refusals.escapes > 0 && !calls.some((name) => name.startsWith("path_"))) return "an escape without a path";
  if (refusals.badPointers > 0 && calls.every((name) => WITHOUT_POINTERS.has(name)))
    return "a bad pointer in no call that takes one";
  if (fault?.code === "engine/canary" && !canaries.some((one) => encodeCanaryName(one) === fault.detail))
    return "a decoy that was not there";
  if (fault?.code === "engine/canary" && hostCalls === 0) return "a decoy that nothing touched";
  if (exitCode !== undefined && exitCode !== 0 && !calls.includes("proc_exit")) return "an exit that was never called";
  if (exitCode !== 0 && results.length > 0) return "results of a run that did not return";
  const ran = hostCalls > 0 || fuel > 0 || outcome.memoryBytes > 0 || output !== undefined;
  if (fault !== undefined && BEFORE_THE_RUN.has(fault.code) && ran) return "usage of a run that never began";
  return undefined;
}
