import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type Bytes,
  CAPABILITIES,
  concatBytes,
  encodeHostCallTrace,
  HOST_CALLS,
  INPUT_PIECE_BYTES_MAX,
  type InputStream,
  type OutputEntry,
} from "#core";
import { jobFor } from "../fixture.test.ts";
import {
  type AskedJob,
  decodeAnswer,
  encodeNeedInput,
  encodeNeedModule,
  encodeOutcome,
  encodeReady,
  type GuestOutcome,
} from "./answer.ts";
import { FrameSplitter } from "./framing.ts";
import { decodeInput, decodeJob, encodeInput, encodeJob } from "./job.ts";
import { WireError, WireReader } from "./reader.ts";
import { WireWriter } from "./writer.ts";

const BUDGETS = { wallMs: 1_000, memoryBytes: 1 << 20, fuel: 1_000, outputBytes: 100 };

const OUTCOME: GuestOutcome = {
  exitCode: 0,
  fault: undefined,
  results: ["-1", "2.5", "NaN"],
  stdout: new Uint8Array([1, 2, 3]),
  stderr: new Uint8Array(0),
  memoryBytes: 65_536,
  fuel: 7,
  hostCalls: 3,
  refusals: { deniedCalls: 2, escapes: 1, badPointers: 1 },
  deniedPaths: ["/etc/passwd"],
  output: [
    { path: "a", bytes: new Uint8Array([9]) },
    { path: "b", bytes: undefined },
    { path: "b/ü", bytes: new Uint8Array(0) },
  ],
  observed: { calls: ["args_get", "fd_write", "path_open"], openedPaths: ["/sandbox/data.txt"] },
  trace: encodeHostCallTrace({
    count: 3,
    digest: [1, 2],
    calls: ["args_get", "path_open", "fd_write"].map((name, n) => ({ call: HOST_CALLS.indexOf(name), errno: n, digest: n })),
    checkpoints: [],
  }),
};

const NO_INPUT: InputStream = { read: () => Promise.resolve(new Uint8Array(0)), close: () => undefined };
const messageOf = (frame: readonly Bytes[]): Uint8Array => concatBytes(frame).subarray(4);
const WRITER: AskedJob = { budgets: BUDGETS, capabilities: ["stdout", "fs:write"] };
const decode = (message: Bytes, asked = WRITER) => decodeAnswer(new WireReader(message), asked);

test("an outcome survives the way", () => {
  assert.deepEqual(decode(messageOf(encodeOutcome(OUTCOME))), { kind: "outcome", outcome: OUTCOME });
  assert.deepEqual(decode(messageOf(encodeReady())), { kind: "ready" });
  assert.deepEqual(decode(messageOf(encodeNeedModule())), { kind: "need-module" });
  assert.deepEqual(decode(messageOf(encodeNeedInput())), { kind: "need-input" });
});

test("a job survives the way, with and without its module", () => {
  const job = jobFor(new Uint8Array(1_000).fill(9), {
    entry: "run",
    numericArgs: ["1", "-2"],
    argv: ["a", "ü"],
    env: ["A=1"],
    stdin: new Uint8Array(300).fill(4),
    capabilities: [...CAPABILITIES],
    mounts: [{ guestPath: "/x", files: [{ path: "a/b", bytes: new Uint8Array([5]) }], folders: ["c"], writable: true }],
    canaries: [
      { kind: "file", name: "/home/a", value: "v" },
      { kind: "host", name: "H", value: "h.internal" },
    ],
  });
  const { bytes, tenant, ...rest } = job;
  assert.equal(tenant, "test");
  assert.deepEqual(decodeJob(new WireReader(messageOf(encodeJob(job, { withBytes: true, sameTenant: true, streamed: true })))), {
    ...rest,
    bytes,
    sameTenant: true,
    streamed: true,
    inputComes: false,
  });
  assert.deepEqual(
    decodeJob(
      new WireReader(messageOf(encodeJob({ ...job, input: NO_INPUT }, { withBytes: false, sameTenant: false, streamed: false }))),
    ),
    {
      ...rest,
      bytes: undefined,
      sameTenant: false,
      streamed: false,
      inputComes: true,
    },
  );
});

test("a piece of input survives the way, and anything else is refused", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), fc.uint8Array({ minLength: 1, maxLength: 9 }), (piece, more) => {
      const message = messageOf(encodeInput(piece));
      assert.deepEqual(decodeInput(new WireReader(message)), piece);
      assert.throws(() => decodeInput(new WireReader(concatBytes([message, more]))), WireError);
      for (let cut = 0; cut < message.length; cut++)
        assert.throws(() => decodeInput(new WireReader(message.subarray(0, cut))), WireError);
    }),
    { numRuns: 20 },
  );
  const tooLong = messageOf(encodeInput(new Uint8Array(INPUT_PIECE_BYTES_MAX + 1)));
  assert.throws(() => decodeInput(new WireReader(tooLong)), WireError);
  const job = messageOf(encodeJob(jobFor(new Uint8Array(8)), { withBytes: true, sameTenant: true, streamed: false }));
  assert.throws(() => decodeInput(new WireReader(job)), WireError, "a job");
  assert.throws(() => decodeJob(new WireReader(messageOf(encodeInput(new Uint8Array(9))))), WireError, "no job");
  assert.throws(() => decodeAnswer(new WireReader(messageOf(encodeNeedInput())), undefined), WireError, "before any job");
});

test("answers that cannot be right are refused", () => {
  const fault = { code: "engine/trap", detail: "unreachable" } as const;
  const rows: readonly (readonly [lie: string, outcome: GuestOutcome])[] = [
    ["more fuel than there was", { ...OUTCOME, fuel: 1_001 }],
    ["half a unit of fuel", { ...OUTCOME, fuel: 0.5 }],
    ["negative fuel", { ...OUTCOME, fuel: -1 }],
    ["fuel that is no number", { ...OUTCOME, fuel: NaN }],
    ["negative zero", { ...OUTCOME, hostCalls: -0 }],
    ["more memory than the budget", { ...OUTCOME, memoryBytes: 2 << 20 }],
    ["half a page of memory", { ...OUTCOME, memoryBytes: 32_768 }],
    ["more output than the budget", { ...OUTCOME, stdout: new Uint8Array(101) }],
    ["more output in both streams together", { ...OUTCOME, stdout: new Uint8Array(60), stderr: new Uint8Array(60) }],
    ["a result that is text", { ...OUTCOME, results: ["1; DROP TABLE runs"] }],
    ["an endless result", { ...OUTCOME, results: ["1".repeat(100)] }],
    ["nine denied paths", { ...OUTCOME, deniedPaths: Array<string>(9).fill("/x") }],
    ["more refused calls than calls", { ...OUTCOME, refusals: { deniedCalls: 2, escapes: 0, badPointers: 2 } }],
    ["more escapes than refused calls", { ...OUTCOME, refusals: { deniedCalls: 1, escapes: 2, badPointers: 0 } }],
    ["half a refused call", { ...OUTCOME, refusals: { deniedCalls: 0.5, escapes: 0, badPointers: 0 } }],
    ["more functions than calls", { ...OUTCOME, hostCalls: 1 }],
    ["a function that there is not", { ...OUTCOME, observed: { calls: ["launch"], openedPaths: [] } }],
    ["a path that was never opened", { ...OUTCOME, observed: { calls: ["args_get"], openedPaths: ["/x"] } }],
    ["too many paths", { ...OUTCOME, observed: { calls: ["path_open"], openedPaths: Array<string>(33).fill("/x") } }],
    ["results of a run that failed", { ...OUTCOME, fault, exitCode: undefined }],
    [
      "exhausted with fuel left",
      { ...OUTCOME, results: [], exitCode: undefined, fault: { code: "engine/fuel-exhausted", detail: "" } },
    ],
  ];
  for (const [lie, outcome] of rows) assert.throws(() => decode(messageOf(encodeOutcome(outcome))), WireError, lie);
});

test("a fault that is the worker's to find is neither sent nor believed", () => {
  assert.throws(() => encodeOutcome({ ...OUTCOME, fault: { code: "engine/deadline", detail: "" } }), /bug/);
  const message = messageOf(encodeOutcome(OUTCOME)).slice();
  message[1] = 10;
  assert.throws(() => decode(message), WireError);
});

test("an outcome that nobody asked for is refused", () => {
  assert.throws(() => decodeAnswer(new WireReader(messageOf(encodeOutcome(OUTCOME))), undefined), WireError);
});

test("text of a sandbox cannot move a cursor or forge a line", () => {
  const lying = {
    ...OUTCOME,
    results: [],
    exitCode: undefined,
    fault: { code: "engine/trap", detail: "\u001b[2Jok\nVERIFIED" },
  } as const;
  const answer = decode(messageOf(encodeOutcome({ ...lying, deniedPaths: ["\u202Egpj.exe\r"] })));
  assert.ok(answer.kind === "outcome");
  assert.equal(answer.outcome.fault?.detail, "\\u{1b}[2Jok\\u{a}VERIFIED");
  assert.deepEqual(answer.outcome.deniedPaths, ["\\u{202e}gpj.exe\\u{d}"]);
});

test("arbitrary and mutated answers are refused or read, and nothing else", () => {
  const genuine = messageOf(encodeOutcome(OUTCOME));
  const attempt = (message: Bytes): void => {
    try {
      decode(message);
    } catch (error) {
      assert.ok(error instanceof WireError);
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), attempt), { numRuns: 2_000 });
  fc.assert(
    fc.property(fc.nat(genuine.length - 1), fc.nat(255), fc.nat(genuine.length), (at, byte, length) => {
      const message = genuine.slice();
      message[at] = byte;
      attempt(message);
      attempt(message.subarray(0, length));
    }),
    { numRuns: 2_000 },
  );
});

test("frames come out as they went in, however the bytes are cut", () => {
  const frames = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 5 });
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 50 }), (messages, cuts) => {
      const stream = concatBytes(messages.flatMap((message) => [new Uint8Array([message.length, 0, 0, 0]), message]));
      const splitter = new FrameSplitter();
      const out: Bytes[] = [];
      for (let at = 0, i = 0; at < stream.length; i++) {
        const size = cuts[i % cuts.length] ?? 1;
        out.push(...(splitter.push(stream.subarray(at, at + size), 50) ?? []).map((one) => one.slice()));
        at += size;
      }
      assert.deepEqual(out, messages);
      assert.equal(splitter.pending, 0);
    }),
  );
});

test("a frame over the bound is refused at its length, before it is there", () => {
  assert.equal(new FrameSplitter().push(new Uint8Array([0xff, 0xff, 0xff, 0x7f]), 1_000), undefined);
});

const file = (path: string): OutputEntry => ({ path, bytes: new Uint8Array([1]) });
const folder = (path: string): OutputEntry => ({ path, bytes: undefined });

const LIES: readonly (readonly [attack: string, output: readonly OutputEntry[]])[] = [
  ["a path that leads out", [file("../escape")]],
  ["a path that leads out from below", [folder("a"), file("a/../../escape")]],
  ["a component that is a dot", [folder("."), file("./a")]],
  ["an absolute path", [file("/etc/passwd")]],
  ["no path at all", [file("")]],
  ["an end in a slash", [folder("a/")]],
  ["a NUL in a name", [file("a\0b")]],
  ["a file twice", [file("a"), file("a")]],
  ["paths out of order", [file("b"), file("a")]],
  ["a file under a file", [file("a"), file("a/b")]],
  ["a file under nothing", [file("a/b")]],
  ["a path longer than any", [file("a".repeat(4097))]],
];

for (const [attack, output] of LIES) {
  test(`an output tree is not believed: ${attack}`, () => {
    assert.throws(() => decode(messageOf(encodeOutcome({ ...OUTCOME, output }))), WireError);
  });
}

test("a guest that may not write has left nothing, whatever its sandbox says", () => {
  const asked: AskedJob = { budgets: BUDGETS, capabilities: ["stdout"] };
  assert.throws(() => decode(messageOf(encodeOutcome(OUTCOME)), asked), WireError);
});

test("a tree of more entries than an output may have is refused before it is read", () => {
  const output = Array.from({ length: 10_001 }, (_, n) => file(String(n).padStart(5, "0")));
  assert.throws(() => decode(messageOf(encodeOutcome({ ...OUTCOME, output }))), WireError);
});

test("fields of any length come back in their order, wherever a buffer of the writer ends", () => {
  const field = fc.oneof(
    fc.record({ kind: fc.constant("u8" as const), value: fc.nat(255) }),
    fc.record({ kind: fc.constant("u32" as const), value: fc.nat(0xffff_ffff) }),
    fc.record({ kind: fc.constant("integer" as const), value: fc.maxSafeNat() }),
    fc.record({ kind: fc.constant("bytes" as const), value: fc.uint8Array({ maxLength: 600 }) }),
  );
  fc.assert(
    fc.property(fc.array(field, { minLength: 150, maxLength: 200 }), (fields) => {
      const writer = new WireWriter();
      for (const one of fields) {
        if (one.kind === "bytes") writer.bytes(one.value);
        else writer[one.kind](one.value);
      }
      const reader = new WireReader(messageOf(writer.frame()));
      for (const one of fields) {
        if (one.kind === "bytes") assert.deepEqual(Buffer.from(reader.bytes(600)), Buffer.from(one.value));
        else assert.equal(one.kind === "integer" ? reader.integer(one.value) : reader[one.kind](), one.value);
      }
      reader.end();
    }),
  );
});
