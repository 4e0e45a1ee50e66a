import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { type Bytes, type Capability, concatBytes, encodeHostCallTrace, HOST_CALLS, utf8 } from "#core";
import { answerBytesMax, type AskedJob, decodeAnswer, type GuestOutcome } from "./answer.ts";
import { FrameSplitter } from "./framing.ts";
import { WireError, WireReader } from "./reader.ts";
import { WireWriter } from "./writer.ts";

// The sandbox's side of the protocol, spoken by a liar who knows it: every field is written as raw as the wire allows.

/** How many answers are tried: more in a longer campaign (CONTRIBUTING.md). */
const RUNS = Number(process.env["NIGHTCORE_FUZZ_RUNS"] ?? 3_000);

const BUDGETS = { wallMs: 1_000, memoryBytes: 1 << 20, fuel: 1_000, outputBytes: 100 };

/** The fields of an outcome as they lie on the wire, before anybody has asked whether they can be right. */
type Raw = {
  readonly fault: number;
  readonly exitCode: number;
  readonly detail: Bytes;
  readonly results: readonly Bytes[];
  readonly stdout: Bytes;
  readonly stderr: Bytes;
  readonly memoryBytes: number;
  readonly fuel: number;
  readonly hostCalls: number;
  readonly refusals: readonly [deniedCalls: number, escapes: number, badPointers: number];
  readonly denied: readonly Bytes[];
  readonly calls: number;
  readonly opened: readonly Bytes[];
  readonly trace: Bytes;
  readonly tree: readonly { readonly path: Bytes; readonly bytes: Bytes | undefined }[];
  /** Added to every count, so that it announces what does not follow. */
  readonly countsOff: number;
};

function encodeRaw(raw: Raw): Uint8Array {
  const writer = new WireWriter();
  const all = (texts: readonly Bytes[]): void => {
    writer.u32(texts.length + raw.countsOff);
    for (const text of texts) writer.bytes(text);
  };
  writer.u8(3);
  writer.u8(raw.fault);
  if (raw.fault === 255) writer.u32(raw.exitCode);
  else writer.bytes(raw.detail);
  all(raw.results);
  writer.bytes(raw.stdout);
  writer.bytes(raw.stderr);
  writer.integer(raw.memoryBytes);
  writer.integer(raw.fuel);
  writer.integer(raw.hostCalls);
  for (const refused of raw.refusals) writer.integer(refused);
  all(raw.denied);
  writer.integer(raw.calls);
  all(raw.opened);
  writer.bytes(raw.trace);
  writer.u32(raw.tree.length + raw.countsOff);
  for (const { path, bytes } of raw.tree) {
    writer.bytes(path);
    writer.flag(bytes !== undefined);
    if (bytes !== undefined) writer.bytes(bytes);
  }
  return concatBytes(writer.frame()).subarray(4);
}

const bitOf = (name: string): number => 2 ** HOST_CALLS.indexOf(name);

/** A trace of some calls of one function. */
function traceOf(name: string, count: number): Uint8Array<ArrayBuffer> {
  const calls = Array.from({ length: count }, (_, n) => ({ call: HOST_CALLS.indexOf(name), errno: 0, digest: n }));
  return encodeHostCallTrace({ count, digest: [1, 2], calls, checkpoints: [] });
}

/** What an honest sandbox may say of a run that returned, left a file, and had a path refused. */
const HONEST: Raw = {
  fault: 255,
  exitCode: 0,
  detail: new Uint8Array(0),
  results: [utf8("-1"), utf8("2.5")],
  stdout: new Uint8Array(60),
  stderr: new Uint8Array(40),
  memoryBytes: 1 << 20,
  fuel: 1_000,
  hostCalls: 9,
  refusals: [5, 3, 2],
  denied: [utf8("/etc/passwd")],
  calls: bitOf("fd_write") + bitOf("path_open"),
  opened: [utf8("/out/a")],
  trace: traceOf("fd_write", 9),
  tree: [{ path: utf8("a"), bytes: new Uint8Array([1]) }],
  countsOff: 0,
};
const ASKED: AskedJob = { budgets: BUDGETS, capabilities: ["stdout", "fs:write"] };
const CANARY_FAULT = 10;
const FAILED = { results: [], tree: [] } as const;
const UNUSED = {
  ...FAILED,
  ...{
    stdout: new Uint8Array(0),
    stderr: new Uint8Array(0),
    memoryBytes: 0,
    fuel: 0,
    hostCalls: 0,
    refusals: [0, 0, 0] as const,
    denied: [],
    calls: 0,
    opened: [],
    trace: new Uint8Array(0),
  },
};
const SILENT = { stdout: new Uint8Array(0), stderr: new Uint8Array(0), denied: [], opened: [], tree: [] } as const;
const NOT_UTF8 = new Uint8Array([0xff, 0xfe]);

const accepts = (raw: Raw, asked = ASKED): boolean => read(encodeRaw(raw), asked) !== undefined;

/** The outcome that is believed, or undefined when the answer is refused. Anything thrown but a refusal fails the test. */
function read(message: Bytes, asked: AskedJob): GuestOutcome | undefined {
  try {
    const answer = decodeAnswer(new WireReader(message), asked);
    return answer.kind === "outcome" ? answer.outcome : undefined;
  } catch (error) {
    assert.ok(error instanceof WireError, String(error));
    return undefined;
  }
}

test("a control: what an honest sandbox says is believed", () => {
  assert.ok(accepts(HONEST));
  for (let fault = 0; fault < 10; fault++) assert.ok(accepts({ ...HONEST, ...UNUSED, fault }) === (fault !== 7), String(fault));
  assert.ok(accepts({ ...HONEST, ...FAILED, fault: 7 }), "exhausted with all of its fuel used");
  const canaries = [{ kind: "environment", name: "SECRET", value: "v" }] as const;
  const touched = { ...HONEST, ...FAILED, fault: CANARY_FAULT, detail: utf8("environment:SECRET") };
  assert.ok(accepts(touched, { ...ASKED, canaries }), "a decoy that was there");
  assert.ok(!accepts({ ...touched, detail: utf8("environment:OTHER") }, { ...ASKED, canaries }), "and no other");
  assert.ok(!accepts({ ...touched, ...UNUSED }, { ...ASKED, canaries }), "that nothing can have touched");
  assert.ok(
    accepts({ ...HONEST, ...UNUSED, hostCalls: 3, calls: bitOf("sched_yield"), trace: traceOf("sched_yield", 3) }),
    "entries that are the host's own",
  );
});

const LIES: readonly (readonly [lie: string, raw: Partial<Raw>, capabilities?: readonly Capability[]])[] = [
  ["an unknown fault", { fault: 10 }],
  ["a fault that is the worker's to find", { fault: 254 }],
  ["an exit that was never called", { exitCode: 1, results: [] }],
  ["a decoy that was not there", { ...FAILED, fault: CANARY_FAULT, detail: utf8("environment:SECRET") }],
  ["a result beside an exit", { exitCode: 1, calls: HONEST.calls + bitOf("proc_exit") }],
  ["a result beside a fault", { fault: 5 }],
  ["fuel left after it was exhausted", { ...FAILED, fault: 7, fuel: 999 }],
  ["usage of a run that never began", { ...FAILED, fault: 2 }],
  ["a detail that is not UTF-8", { ...FAILED, fault: 5, detail: NOT_UTF8 }],
  ["an endless detail", { ...FAILED, fault: 5, detail: new Uint8Array(4_097) }],
  ["a result that is not UTF-8", { results: [NOT_UTF8] }],
  ["a result that is a command", { results: [utf8("$(id)")] }],
  ["a thousand results and one", { results: Array<Bytes>(1_001).fill(utf8("1")) }],
  ["output over the budget", { stdout: new Uint8Array(101), stderr: new Uint8Array(0) }],
  ["output over the budget in both streams", { stderr: new Uint8Array(41) }],
  ["output that was not granted", {}, ["fs:write"]],
  ["output that was never written", { calls: bitOf("path_open") }],
  ["memory over the budget", { memoryBytes: (1 << 20) + 65_536 }],
  ["a part of a page", { memoryBytes: 1 }],
  ["fuel over the budget", { fuel: 1_001 }],
  ["fuel that is infinite", { fuel: Infinity }],
  ["more calls than fuel pays for", { fuel: 5 }],
  ["calls past counting", { hostCalls: Number.MAX_SAFE_INTEGER }],
  ["calls of no function", { ...SILENT, calls: 0, refusals: [0, 0, 0] }],
  ["more functions than calls", { hostCalls: 1, refusals: [0, 0, 0], trace: traceOf("fd_write", 1) }],
  ["more refused calls than calls", { refusals: [10, 0, 0] }],
  ["calls refused for both reasons", { refusals: [5, 0, 5] }],
  ["escapes that were not refused", { refusals: [2, 3, 0] }],
  ["refusals past counting", { refusals: [Infinity, 0, 0] }],
  ["fewer refusals than none", { refusals: [0, 0, -1] }],
  ["an escape without a path", { calls: bitOf("fd_write"), opened: [], denied: [], refusals: [1, 1, 0] }],
  ["a bad pointer in no call that takes one", { calls: bitOf("fd_close"), ...SILENT, refusals: [0, 0, 1] }],
  ["calls without a trace", { trace: new Uint8Array(0) }],
  ["a trace of other calls than it counted", { trace: traceOf("fd_write", 8) }],
  ["a trace of what it never called", { trace: traceOf("fd_read", 9) }],
  ["a trace that is cut off", { trace: traceOf("fd_write", 9).subarray(0, -1) }],
  ["a trace of nothing", { ...UNUSED, fault: 5, trace: traceOf("fd_write", 1) }],
  ["an endless trace", { trace: new Uint8Array(10_000) }],
  ["functions that there are not", { calls: 2 ** HOST_CALLS.length, hostCalls: 100 }],
  ["nine refused paths", { denied: Array<Bytes>(9).fill(utf8("/x")) }],
  ["a refused path that was never asked for", { calls: bitOf("fd_write"), opened: [], refusals: [0, 0, 0] }],
  ["an opened path that was never opened", { calls: bitOf("fd_write"), denied: [] }],
  ["a path that is not UTF-8", { opened: [NOT_UTF8] }],
  ["files where it may not write", {}, ["stdout"]],
  ["a file outside", { tree: [{ path: utf8("../a"), bytes: new Uint8Array(1) }] }],
  ["counts of what does not follow", { countsOff: 1 }],
  ["counts of four billion", { countsOff: 0xffff_fff0 }],
];

for (const [lie, raw, capabilities = ASKED.capabilities] of LIES) {
  test(`a sandbox that says ${lie} is not believed`, () => {
    assert.ok(!accepts({ ...HONEST, ...raw }, { ...ASKED, capabilities }));
  });
}

/** What holds for every outcome that is believed, written apart from what checks it. */
function assertPossible(outcome: GuestOutcome, { budgets, capabilities }: AskedJob): void {
  const { deniedCalls, escapes, badPointers } = outcome.refusals;
  const counts = [outcome.memoryBytes, outcome.fuel, outcome.hostCalls, deniedCalls, escapes, badPointers];
  assert.ok(deniedCalls + badPointers <= outcome.hostCalls && escapes <= deniedCalls);
  assert.ok(counts.every((count) => Number.isSafeInteger(count) && count >= 0));
  assert.ok(outcome.memoryBytes <= budgets.memoryBytes && outcome.fuel <= budgets.fuel);
  assert.ok(outcome.hostCalls <= budgets.fuel + 3);
  assert.ok(outcome.stdout.length + outcome.stderr.length <= (capabilities.includes("stdout") ? budgets.outputBytes : 0));
  assert.equal(outcome.exitCode === undefined, outcome.fault !== undefined);
  assert.ok(outcome.results.length === 0 || outcome.exitCode === 0);
  assert.ok(capabilities.includes("fs:write") || outcome.output === undefined);
  const texts = [
    outcome.fault?.detail ?? "",
    ...outcome.results,
    ...outcome.deniedPaths,
    ...(outcome.observed?.openedPaths ?? []),
  ];
  for (const text of texts) assert.ok(text.isWellFormed() && !/\p{Cc}/u.test(text));
}

const few = (bytesMax: number) => fc.array(text(bytesMax), { maxLength: 3 });
const text = (bytesMax: number) =>
  fc.oneof(fc.string({ maxLength: bytesMax }).map(utf8), fc.uint8Array({ maxLength: bytesMax }), fc.constant(utf8("a")));
const count = (max: number) =>
  fc.oneof(fc.nat(max), fc.constantFrom(0, max, max + 1, -1, -0, 0.5, NaN, Infinity, 2 ** 53), fc.double());
const LYING = fc.record({
  fault: fc.oneof(fc.constant(255), fc.nat(11)),
  exitCode: fc.constantFrom(0, 1, 0xffff_ffff),
  detail: text(20),
  results: few(5),
  stdout: fc.uint8Array({ maxLength: 110 }),
  stderr: fc.uint8Array({ maxLength: 110 }),
  memoryBytes: fc.oneof(
    fc.nat(17).map((pages) => pages * 65_536),
    count(1 << 20),
  ),
  fuel: count(1_000),
  hostCalls: count(1_003),
  refusals: fc.oneof(
    { weight: 2, arbitrary: fc.tuple(fc.nat(1), fc.nat(1), fc.nat(1)) },
    { weight: 1, arbitrary: fc.tuple(count(9), count(9), count(9)) },
  ),
  denied: few(10),
  calls: fc.oneof(fc.constant(HONEST.calls), count(2 ** 46)),
  opened: few(10),
  trace: fc.oneof(
    fc.constant(HONEST.trace),
    fc.nat(20).map((n) => traceOf("fd_write", n)),
    fc.uint8Array({ maxLength: 40 }),
  ),
  tree: fc.array(fc.record({ path: text(5), bytes: fc.option(fc.uint8Array({ maxLength: 3 }), { nil: undefined }) }), {
    maxLength: 3,
  }),
  countsOff: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(0xffff_fff0) }),
});
/** What is not lied about is as HONEST has it: who lies in every field is caught at the first. */
const LIED_ABOUT = fc.subarray(Object.keys(HONEST) as (keyof Raw)[], { maxLength: 5 });
const GRANTED = fc.subarray(["stdout", "fs:write", "fs:read"] as Capability[]);

test("whatever is said in whichever fields, what is believed is possible", () => {
  let believed = 0;
  fc.assert(
    fc.property(LYING, LIED_ABOUT, GRANTED, (lies, fields, capabilities) => {
      const asked: AskedJob = { budgets: BUDGETS, capabilities };
      const told = Object.fromEntries(fields.map((field) => [field, lies[field]]));
      const outcome = read(encodeRaw({ ...HONEST, ...told }), asked);
      if (outcome === undefined) return;
      believed++;
      assertPossible(outcome, asked);
    }),
    { numRuns: RUNS },
  );
  assert.ok(believed > 0, "a control: some of it is the truth");
});

test("an honest answer with bytes changed, cut off or added is refused, or possible", () => {
  const genuine = encodeRaw(HONEST);
  const change = fc.tuple(fc.nat(genuine.length - 1), fc.nat(255));
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 4 }),
      fc.nat(genuine.length),
      fc.uint8Array({ maxLength: 9 }),
      (changes, cut, more) => {
        const message = genuine.slice();
        for (const [at, byte] of changes) message[at] = byte;
        const outcome = read(message, ASKED);
        if (outcome !== undefined) assertPossible(outcome, ASKED);
        if (cut < genuine.length) assert.equal(read(genuine.subarray(0, cut), ASKED), undefined, "it ends early");
        if (more.length > 0) assert.equal(read(concatBytes([genuine, more]), ASKED), undefined, "it goes on");
      },
    ),
    { numRuns: RUNS },
  );
});

test("an answer cut into two at any byte, and into single bytes, is the same answer", () => {
  const message = encodeRaw(HONEST);
  const head = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, message.length, true);
  const frame = concatBytes([head, message]);
  const bound = answerBytesMax(ASKED);
  const whole = new FrameSplitter();
  assert.deepEqual(Array.from(frame, (byte) => whole.push(new Uint8Array([byte]), bound)).at(-1), [message]);
  for (let cut = 1; cut < frame.length; cut++) {
    const splitter = new FrameSplitter();
    assert.deepEqual(splitter.push(frame.subarray(0, cut), bound), []);
    assert.deepEqual(splitter.push(frame.subarray(cut), bound), [message]);
    assert.equal(splitter.pending, 0);
  }
});

test("an answer that trickles in byte by byte costs the worker its length, not its chunks", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const held = (): number => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const [bytes, splitter] = [500_000, new FrameSplitter()];
  const before = held();
  splitter.push(new Uint8Array([0, 0, 0, 1]), 1 << 24);
  for (let i = 0; i < bytes; i++) splitter.push(new Uint8Array(1), 1 << 24);
  assert.equal(splitter.pending, bytes + 4);
  assert.ok(held() - before < 8 * bytes, `${held() - before} bytes`);
});
