import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeHostCallTrace, HOST_CALLS, type InputStream, NO_REFUSALS } from "#core";
import type { EngineFaultCode, EngineJob } from "#ports";
import { assemble, jobFor } from "../fixture.test.ts";
import { encodeNeedInput, encodeOutcome, encodeReady, type GuestOutcome } from "../wire/answer.ts";
import { encodePiece } from "../wire/piece.ts";
import { Pool } from "./pool.ts";
import type { Launch } from "./launch.ts";

// Sandboxes that are not what they should be: each is a real process that answers on its channel as it pleases.

const JOB = jobFor(assemble('(module (func (export "_start")))'), {
  budgets: { wallMs: 400, memoryBytes: 65_536, fuel: 100, outputBytes: 10 },
});

const OUTCOME: GuestOutcome = {
  exitCode: 0,
  fault: undefined,
  results: [],
  stdout: new Uint8Array(0),
  stderr: new Uint8Array(0),
  memoryBytes: 0,
  fuel: 0,
  hostCalls: 0,
  refusals: NO_REFUSALS,
  deniedPaths: [],
};

const hex = (frame: readonly Uint8Array[]): string => Buffer.concat(frame).toString("hex");
const READY = hex(encodeReady());
const FINE = hex(encodeOutcome(OUTCOME));

/** A process that says `first`, waits for a job, and then does what `then` says. */
function impostor(first: string, then: string): Launch {
  const script = `const fs = require("node:fs");
    const say = (hex) => fs.writeSync(3, Buffer.from(hex, "hex"));
    if (${JSON.stringify(first)} !== "") say(${JSON.stringify(first)});
    fs.readSync(3, Buffer.alloc(65536));
    ${then}`;
  return { command: process.execPath, args: ["-e", script], isolation: [] };
}

const STAY = "setInterval(() => {}, 1000);";

const ROWS: readonly (readonly [lie: string, launch: Launch, code: EngineFaultCode])[] = [
  ["answers with nonsense", impostor(READY, `say("05000000ffffffffff"); ${STAY}`), "engine/protocol"],
  ["announces four gigabytes", impostor(READY, `say("ffffffff"); ${STAY}`), "engine/protocol"],
  [
    "answers with more output than was granted",
    impostor(READY, `say("${hex(encodeOutcome({ ...OUTCOME, stdout: new Uint8Array(11) }))}"); ${STAY}`),
    "engine/protocol",
  ],
  ["answers twice", impostor(READY, `say("${FINE}${FINE}"); ${STAY}`), "engine/protocol"],
  ["answers `ready` again", impostor(READY, `say("${READY}"); ${STAY}`), "engine/protocol"],
  ["asks for a module that it was given", impostor(READY, `say("0100000002"); ${STAY}`), "engine/protocol"],
  ["floods the channel", impostor(READY, `for (;;) say("00".repeat(65536));`), "engine/protocol"],
  ["says nothing", impostor(READY, STAY), "engine/deadline"],
  ["says half of an answer", impostor(READY, `say("${FINE.slice(0, 20)}"); ${STAY}`), "engine/deadline"],
  ["ignores every signal that can be ignored", impostor(READY, `process.on("SIGTERM", () => {}); for (;;);`), "engine/deadline"],
  ["exits", impostor(READY, "process.exit(0)"), "engine/sandbox-died"],
  ["is killed", impostor(READY, 'process.kill(process.pid, "SIGSEGV")'), "engine/sandbox-died"],
  ["begins with an outcome", impostor(FINE, STAY), "engine/unavailable"],
  ["begins with nonsense", impostor("02000000ffff", STAY), "engine/unavailable"],
  ["never starts", { command: "/nonexistent/nightcore", args: [], isolation: [] }, "engine/unavailable"],
];

for (const [lie, launch, code] of ROWS) {
  test(`a sandbox that ${lie} is ${code}`, async () => {
    const pool = new Pool(launch, { slots: 1 });
    const end = await pool.run(JOB, undefined);
    assert.ok("fault" in end, JSON.stringify(end));
    assert.equal(end.fault.code, code, end.fault.detail);
    await pool.close();
  });
}

const PIECE = hex(encodePiece("stdout", new Uint8Array([1, 2])));
const WROTE = {
  hostCalls: 1,
  observed: { calls: ["fd_write"], openedPaths: [] },
  trace: encodeHostCallTrace({
    count: 1,
    digest: [1, 2],
    calls: [{ call: HOST_CALLS.indexOf("fd_write"), errno: 0, digest: 1 }],
    checkpoints: [],
  }),
};
const STDOUT = hex(encodeOutcome({ ...OUTCOME, ...WROTE, stdout: new Uint8Array([1, 2, 3]) }));

const PIECE_ROWS: readonly (readonly [lie: string, says: string, detail: string])[] = [
  ["takes back what its guest printed", `${PIECE}${FINE}`, "its stdout is not what it said before"],
  [
    "changes what its guest printed",
    `${hex(encodePiece("stdout", new Uint8Array([9])))}${STDOUT}`,
    "its stdout is not what it said before",
  ],
  [
    "moves it to the other stream",
    `${hex(encodePiece("stderr", new Uint8Array([1])))}${STDOUT}`,
    "its stderr is not what it said before",
  ],
  ["sends nothing, again and again", hex(encodePiece("stdout", new Uint8Array(0))), "a piece of nothing"],
  ["floods with pieces", PIECE.repeat(6), "more pieces than output"],
  ["sends a piece longer than the budget", hex(encodePiece("stdout", new Uint8Array(11))), ""],
  ["sends a piece behind its outcome", `${STDOUT}${PIECE}`, "more than one answer"],
  ["asks for the module behind a piece", `${PIECE}0100000002`, "unexpected `need-module`"],
];

for (const [lie, says, detail] of PIECE_ROWS) {
  test(`a sandbox that ${lie} is engine/protocol`, async () => {
    const pool = new Pool(impostor(READY, `say("${says}"); ${STAY}`), { slots: 1 });
    const end = await pool.run(JOB, undefined, () => undefined);
    assert.ok("fault" in end, JSON.stringify(end));
    assert.equal(end.fault.code, "engine/protocol");
    if (detail !== "") assert.equal(end.fault.detail, detail);
    await pool.close();
  });
}

test("a piece that nobody asked for is engine/protocol, and one that somebody did is passed on", async () => {
  const launch = impostor(READY, `say("${PIECE}${STDOUT}"); ${STAY}`);
  const [deaf, hearing] = [new Pool(launch, { slots: 1 }), new Pool(launch, { slots: 1 })];
  const unasked = await deaf.run(JOB, undefined);
  assert.ok("fault" in unasked && unasked.fault.detail === "a piece that was not asked for");
  const heard: unknown[] = [];
  const asked = await hearing.run(JOB, undefined, (stream, bytes) => heard.push([stream, ...bytes]));
  assert.ok("outcome" in asked);
  assert.deepEqual(heard, [["stdout", 1, 2]]);
  await Promise.all([deaf.close(), hearing.close()]);
});

const WANT = hex(encodeNeedInput());
const NEVER: InputStream = { read: () => new Promise(() => undefined), close: () => undefined };
const NOTHING: InputStream = { read: () => Promise.resolve(new Uint8Array(0)), close: () => undefined };

const INPUT_ROWS: readonly (readonly [lie: string, then: string, job: Partial<EngineJob>, detail: string])[] = [
  ["asks for input that there is not", `say("${WANT}");`, {}, "it asked for input that there is not"],
  [
    "asks for input that was not granted",
    `say("${WANT}");`,
    { input: NEVER, capabilities: [] },
    "it asked for input that was not granted",
  ],
  ["asks for two pieces at once", `say("${WANT}${WANT}");`, { input: NEVER }, "it did not wait for its input"],
  [
    "answers while it waits for input",
    `say("${WANT}"); setTimeout(() => say("${FINE}"), 20);`,
    { input: NEVER },
    "it did not wait for its input",
  ],
  [
    "asks for input behind the end",
    `say("${WANT}"); fs.readSync(3, Buffer.alloc(100)); say("${WANT}");`,
    { input: NOTHING },
    "it asked for input behind the end",
  ],
];

for (const [lie, then, over, detail] of INPUT_ROWS) {
  test(`a sandbox that ${lie} is engine/protocol`, async () => {
    const pool = new Pool(impostor(READY, `${then} ${STAY}`), { slots: 1 });
    const end = await pool.run(
      { ...JOB, capabilities: ["stdin"], budgets: { ...JOB.budgets, wallMs: 60_000 }, ...over },
      undefined,
    );
    assert.ok("fault" in end, JSON.stringify(end));
    assert.deepEqual([end.fault.code, end.fault.detail], ["engine/protocol", detail]);
    await pool.close();
  });
}

test("a sandbox that speaks before it is asked does not answer the next job", async () => {
  const pool = new Pool(impostor(READY, `say("${FINE}"); setTimeout(() => say("${FINE}"), 50); ${STAY}`), { slots: 1 });
  const first = await pool.run(JOB, undefined);
  assert.ok("outcome" in first);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const second = await pool.run(JOB, undefined);
  assert.ok("outcome" in second || second.fault.code === "engine/protocol");
  await pool.close();
});

test("closing a pool ends its processes and whoever waits", async () => {
  const pool = new Pool(impostor(READY, STAY), { slots: 1 });
  const runs = [pool.run(JOB, undefined), pool.run(JOB, undefined)];
  await pool.close();
  for (const end of await Promise.all(runs)) assert.ok("fault" in end);
  const late = await pool.run(JOB, undefined);
  assert.ok("fault" in late && late.fault.code === "engine/unavailable");
});
