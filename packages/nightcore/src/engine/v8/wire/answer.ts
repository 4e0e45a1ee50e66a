import {
  assert,
  type Bytes,
  checkOutputTree,
  escapeControls,
  HOST_CALLS,
  OUTPUT_BYTES_MAX,
  OUTPUT_ENTRIES_MAX,
  OUTPUT_PATH_BYTES_MAX,
  type OutputEntry,
  parseHostCallTrace,
  type Refusals,
  TRACE_BYTES_MAX,
  utf8,
} from "#core";
import type { EngineFaultCode, EngineJob, GuestConduct } from "#ports";
import { PAGE_BYTES } from "../web-assembly.ts";
import { findContradiction } from "./contradiction.ts";
import { decodePiece, PIECE, type Piece } from "./piece.ts";
import { WireError, type WireReader } from "./reader.ts";
import { WireWriter } from "./writer.ts";

/** What a sandbox says about a run. Wall time is not among it: the worker measures that itself. */
export type GuestOutcome = {
  readonly exitCode: number | undefined;
  readonly fault: { readonly code: EngineFaultCode; readonly detail: string } | undefined;
  readonly results: readonly string[];
  readonly stdout: Bytes;
  readonly stderr: Bytes;
  readonly memoryBytes: number;
  readonly fuel: number;
  readonly hostCalls: number;
  readonly refusals: Refusals;
  readonly deniedPaths: readonly string[];
  /** What it left in `/out`; absent when that is nothing. */
  readonly output?: readonly OutputEntry[];
  /** Absent when the guest called nothing. */
  readonly observed?: GuestConduct;
  /** The calls in order (`HostCallTrace`), absent likewise. */
  readonly trace?: Bytes;
};

/** Everything that a sandbox may say. */
export type SandboxAnswer =
  | { readonly kind: "ready" }
  | { readonly kind: "need-module" }
  | { readonly kind: "need-input" }
  | { readonly kind: "outcome"; readonly outcome: GuestOutcome };

const READY = 1;
const NEED_MODULE = 2;
const OUTCOME = 3;
const NEED_INPUT = PIECE + 1;
/** The faults that a sandbox may report; the others are the worker's own to find. Their order is the wire's. */
const FAULT_CODES = [
  "engine/invalid-module",
  "engine/unsupported-feature",
  "engine/unknown-import",
  "engine/no-entry",
  "engine/bad-argument",
  "engine/trap",
  "engine/stack-overflow",
  "engine/fuel-exhausted",
  "engine/memory-exceeded",
  "engine/output-exceeded",
  "engine/canary",
] as const satisfies readonly EngineFaultCode[];

const DETAIL_BYTES_MAX = 4_096; // LIMIT: a sentence; details are cut to it before they are sent
const RESULTS_MAX = 1_000; // LIMIT: V8's own for results
const RESULT_BYTES_MAX = 64; // LIMIT: the longest number in decimal
const DENIED_PATHS_MAX = 8; // LIMIT: a hint for an author
const PATH_BYTES_MAX = 1_024; // LIMIT: quoted and cut paths are far shorter
const OPENED_PATHS_MAX = 32; // LIMIT: the host's own
const HEADER_BYTES_MAX = 128 * 1024; // everything in an outcome but the outputs

const TREE_BYTES_MAX = OUTPUT_BYTES_MAX + OUTPUT_PATH_BYTES_MAX + OUTPUT_ENTRIES_MAX * 9; // and two lengths and a flag for each

/** What of a job bounds its answer. */
export type AskedJob = Pick<EngineJob, "budgets" | "capabilities" | "canaries">;

/** The longest frame that a run under these budgets can be answered with. */
export function answerBytesMax({ budgets, capabilities }: AskedJob): number {
  return budgets.outputBytes + HEADER_BYTES_MAX + (capabilities.includes("fs:write") ? TREE_BYTES_MAX : 0);
}

/** Said once, before the first job. */
export function encodeReady(): readonly Bytes[] {
  return encodeTag(READY);
}

/** Said when a job came without its module and the cache has forgotten it. */
export function encodeNeedModule(): readonly Bytes[] {
  return encodeTag(NEED_MODULE);
}

/** Said when the guest has read all the input that came, and wants more. The next message is that. */
export function encodeNeedInput(): readonly Bytes[] {
  return encodeTag(NEED_INPUT);
}

function encodeTag(tag: number): readonly Bytes[] {
  const writer = new WireWriter();
  writer.u8(tag);
  return writer.frame();
}

/**
 * `u8 3 | u8 fault, or 255 for none | u32 exit code, or text detail | texts results | bytes stdout, stderr | integers | texts denied |
 * integer of a bit for each function of preview 1 that was called | texts opened | bytes trace | u32 count of entries of the output: text path,
 * flag file, bytes if it is one`.
 */
export function encodeOutcome(outcome: GuestOutcome): readonly Bytes[] {
  const writer = new WireWriter();
  writer.u8(OUTCOME);
  const fault = outcome.fault;
  if (fault === undefined) {
    writer.u8(255);
    writer.u32(outcome.exitCode ?? 0);
  } else {
    const code = (FAULT_CODES as readonly string[]).indexOf(fault.code);
    assert(code >= 0, `a sandbox does not report ${fault.code}`); // or 255 would say that nothing is wrong
    writer.u8(code);
    writer.text(fault.detail.slice(0, DETAIL_BYTES_MAX / 4));
  }
  writer.texts(outcome.results);
  writer.bytes(outcome.stdout);
  writer.bytes(outcome.stderr);
  writer.integer(outcome.memoryBytes);
  writer.integer(outcome.fuel);
  writer.integer(outcome.hostCalls);
  writer.integer(outcome.refusals.deniedCalls);
  writer.integer(outcome.refusals.escapes);
  writer.integer(outcome.refusals.badPointers);
  writer.texts(outcome.deniedPaths);
  // 46 bits: a number holds 53 exactly.
  writer.integer((outcome.observed?.calls ?? []).reduce((bits, name) => bits + 2 ** HOST_CALLS.indexOf(name), 0));
  writer.texts(outcome.observed?.openedPaths ?? []);
  writer.bytes(outcome.trace ?? new Uint8Array(0));
  writer.u32(outcome.output?.length ?? 0);
  for (const { path, bytes } of outcome.output ?? []) {
    writer.text(path);
    writer.flag(bytes !== undefined);
    if (bytes !== undefined) writer.bytes(bytes);
  }
  return writer.frame();
}

/**
 * Reads an answer as hostile: every field is checked for its form, against the run's budgets and against the others, and text is
 * made safe to show. Throws a WireError for the first that cannot be right.
 */
export function decodeAnswer(reader: WireReader, asked: AskedJob | undefined): SandboxAnswer | Piece {
  const tag = reader.u8(NEED_INPUT);
  if (tag === READY || tag === NEED_MODULE) {
    reader.end();
    return { kind: tag === READY ? "ready" : "need-module" };
  }
  if (tag === NEED_INPUT && asked !== undefined) {
    reader.end();
    return { kind: "need-input" };
  }
  if (tag === PIECE && asked !== undefined) return decodePiece(reader, asked.budgets.outputBytes);
  if (tag !== OUTCOME || asked === undefined) throw new WireError("an answer that was not asked for");
  const { budgets } = asked;
  const code = reader.u8();
  const faultCode = FAULT_CODES[code];
  if (code !== 255 && faultCode === undefined) throw new WireError("an unknown fault");
  const exitCode = faultCode === undefined ? reader.u32() : undefined;
  const fault = faultCode === undefined ? undefined : { code: faultCode, detail: escapeControls(reader.text(DETAIL_BYTES_MAX)) };
  const results = reader.texts(RESULTS_MAX, RESULT_BYTES_MAX);
  for (const result of results)
    if (!/^(?:-?[0-9][0-9a-zA-Z.+-]*|NaN|-?Infinity)$/.test(result)) throw new WireError("a result is no number");
  if (fault !== undefined && results.length > 0) throw new WireError("results of a run that failed");
  const stdout = reader.bytes(budgets.outputBytes);
  const stderr = reader.bytes(budgets.outputBytes - stdout.length);
  const memoryBytes = reader.integer(budgets.memoryBytes);
  if (memoryBytes % PAGE_BYTES !== 0) throw new WireError("memory comes in pages");
  const fuel = reader.integer(budgets.fuel);
  if (fault?.code === "engine/fuel-exhausted" && fuel !== budgets.fuel) throw new WireError("fuel is left");
  const hostCalls = reader.integer(Number.MAX_SAFE_INTEGER);
  const refusals = decodeRefusals(reader, hostCalls);
  const deniedPaths = reader.texts(DENIED_PATHS_MAX, PATH_BYTES_MAX).map((path) => escapeControls(path));
  const observed = decodeConduct(reader, hostCalls);
  const trace = decodeTrace(reader, hostCalls, observed);
  const tree = decodeTree(reader, asked.capabilities.includes("fs:write"));
  reader.end();
  const output = { stdout: stdout.slice(), stderr: stderr.slice() };
  const outcome = {
    exitCode,
    fault,
    results,
    ...output,
    memoryBytes,
    fuel,
    hostCalls,
    refusals,
    deniedPaths,
    ...(tree.length === 0 ? {} : { output: tree }),
  };
  const whole = observed === undefined || trace === undefined ? outcome : { ...outcome, observed, trace };
  const contradiction = findContradiction(whole, asked);
  if (contradiction !== undefined) throw new WireError(contradiction);
  return { kind: "outcome", outcome: whole };
}

/** How many of the calls the sandbox says that it refused: never more than there were. */
function decodeRefusals(reader: WireReader, hostCalls: number): Refusals {
  const deniedCalls = reader.integer(hostCalls);
  const escapes = reader.integer(deniedCalls);
  const badPointers = reader.integer(hostCalls - deniedCalls);
  return { deniedCalls, escapes, badPointers };
}

/** What the sandbox says that the guest left: a tree in its one order and within the limits, and nothing where it may not write. */
function decodeTree(reader: WireReader, writable: boolean): readonly OutputEntry[] {
  const entries: OutputEntry[] = [];
  let [bytesLeft, pathBytesLeft] = [OUTPUT_BYTES_MAX, OUTPUT_PATH_BYTES_MAX];
  for (let left = reader.u32(writable ? OUTPUT_ENTRIES_MAX : 0); left > 0; left--) {
    const path = reader.text(pathBytesLeft);
    pathBytesLeft -= utf8(path).length;
    const bytes = reader.flag() ? reader.bytes(bytesLeft).slice() : undefined;
    bytesLeft -= bytes?.length ?? 0;
    entries.push({ path, bytes });
  }
  const lie = checkOutputTree(entries.map(({ path, bytes }) => ({ path, folder: bytes === undefined })));
  if (lie !== undefined) throw new WireError(lie);
  return entries;
}

/** What the sandbox says that the guest called and opened: never more functions than there were calls, no path without an opening. */
function decodeConduct(reader: WireReader, hostCalls: number): GuestConduct | undefined {
  const bits = reader.integer(2 ** HOST_CALLS.length - 1);
  const [low, high] = [bits >>> 0, Math.floor(bits / 2 ** 32)]; // what shifts work on has 32 bits
  const calls = HOST_CALLS.filter((_, n) => ((n < 32 ? low >>> n : high >>> (n - 32)) & 1) === 1);
  if (calls.length > hostCalls) throw new WireError("more functions than calls");
  const openedPaths = reader.texts(OPENED_PATHS_MAX, PATH_BYTES_MAX).map((path) => escapeControls(path));
  if (openedPaths.length > 0 && !calls.includes("path_open")) throw new WireError("a path that was never opened");
  return calls.length === 0 ? undefined : { calls, openedPaths };
}

/** What the sandbox says of the calls in order: as many as there were, of functions that were called, in the one encoding. */
function decodeTrace(reader: WireReader, hostCalls: number, observed: GuestConduct | undefined): Bytes | undefined {
  const bytes = reader.bytes(TRACE_BYTES_MAX);
  if (bytes.length === 0 && hostCalls === 0) return undefined;
  const trace = parseHostCallTrace(bytes);
  if (trace === undefined || trace.count !== hostCalls) throw new WireError("calls without a trace of theirs");
  for (const call of new Set(trace.calls.map(({ call: number }) => number)))
    if (observed?.calls.includes(HOST_CALLS[call] ?? "") !== true) throw new WireError("a trace of what was never called");
  return bytes.slice();
}
