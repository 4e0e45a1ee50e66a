import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { NO_REFUSALS } from "#core";
import { openV8Engine } from "../engine.ts";
import { assemble, jobFor } from "../fixture.test.ts";
import { encodeOutcome, encodeReady, type GuestOutcome } from "../wire/answer.ts";
import { Assignment } from "./assignment.ts";
import type { Launch } from "./launch.ts";
import { Pool } from "./pool.ts";
import { SandboxProcess } from "./sandbox-process.ts";

const TINY = jobFor(assemble('(module (func (export "_start")))'));

const OUTCOME: GuestOutcome = {
  ...{ exitCode: 0, fault: undefined, results: [], stdout: new Uint8Array(0), stderr: new Uint8Array(0) },
  ...{ memoryBytes: 0, fuel: 0, hostCalls: 0, deniedPaths: [], refusals: NO_REFUSALS },
};
const hex = (frame: readonly Uint8Array[]): string => Buffer.concat(frame).toString("hex");
const READY = hex(encodeReady());
const FINE = hex(encodeOutcome(OUTCOME));

function scripted(script: string): Launch {
  const tools = `const fs = require("node:fs");
    const say = (hex) => fs.writeSync(3, Buffer.from(hex, "hex"));
    const listen = () => fs.readSync(3, Buffer.alloc(65536));
    const answer = () => { say("${READY}"); for (;;) { listen(); say("${FINE}"); } };
    const hang = () => { say("${READY}"); setInterval(() => {}, 1000); };`;
  return { command: process.execPath, args: ["-e", `${tools}\n${script}`], isolation: [] };
}

test("the place of a process that is killed is taken by one that was started before", async () => {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-spare-"));
  // The first never answers, the second does, and what starts after the kill is never ready.
  const inFolder = (name: string): string => JSON.stringify(join(folder, name));
  const script = `if (fs.existsSync(${inFolder("killed")})) setInterval(() => {}, 1000);
    else try { fs.mkdirSync(${inFolder("first")}); hang(); } catch { answer(); }`;
  const spareIsThere = Promise.withResolvers<void>();
  let started = 0;
  const onStarted = (): void => {
    if (++started === 2) spareIsThere.resolve();
  };
  const pool = new Pool({ ...scripted(script), onStarted }, { slots: 1, spares: 1 });
  try {
    const abort = new AbortController();
    const stuck = pool.run(TINY, abort.signal);
    const next = pool.run(TINY, undefined);
    await spareIsThere.promise;
    writeFileSync(join(folder, "killed"), "");
    abort.abort();
    const end = await stuck;
    assert.ok("fault" in end && end.fault.code === "engine/cancelled");
    assert.ok("outcome" in (await next));
    assert.ok(existsSync(join(folder, "first")), "a control: the first was there");
  } finally {
    await pool.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

test("no job waits behind another of three milliseconds while a slot is free", async () => {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-slots-"));
  // Each process tells its number as the fuel that its guests used.
  const script = `const answers = ${JSON.stringify([1, 2].map((fuel) => hex(encodeOutcome({ ...OUTCOME, fuel }))))};
    let mine = 0;
    try { fs.mkdirSync(${JSON.stringify(join(folder, "first"))}); } catch { mine = 1; }
    say("${READY}");
    const nobody = new Int32Array(new SharedArrayBuffer(4));
    for (;;) { listen(); Atomics.wait(nobody, 0, 0, 3); say(answers[mine]); }`;
  const bothAreThere = Promise.withResolvers<void>();
  let started = 0;
  const onStarted = (): void => {
    if (++started === 2) bothAreThere.resolve();
  };
  const pool = new Pool({ ...scripted(script), onStarted }, { slots: 2 });
  try {
    await bothAreThere.promise;
    for (let round = 0; round < 10; round++) {
      const ends = await Promise.all([pool.run(TINY, undefined), pool.run(TINY, undefined)]);
      const processes = ends.map((end) => ("outcome" in end ? end.outcome.fuel : end.fault.code));
      assert.deepEqual(new Set(processes), new Set([1, 2]));
    }
  } finally {
    await pool.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

test("jobs behind one that never ends are all run, and none of them is killed for it", async () => {
  const opened = await openV8Engine({ slots: 2, spares: 1 });
  assert.ok(opened.ok);
  const spin = assemble('(module (func (export "_start") (loop $on (br $on))))');
  const budgets = { ...TINY.budgets, fuel: Number.MAX_SAFE_INTEGER, wallMs: 150 };
  const spinning = jobFor(spin, { budgets });
  const patient = { ...TINY, budgets: { ...TINY.budgets, wallMs: 60_000 } };
  try {
    for (let i = 0; i < 20; i++) await opened.value.run(patient); // so that more of them may follow at once
    await opened.value.run(spinning);
    const jobs = Array.from({ length: 60 }, (_, i) => (i % 20 === 7 ? spinning : patient));
    const reports = await Promise.all(jobs.map((job) => opened.value.run(job)));
    for (const [i, { fault }] of reports.entries()) assert.equal(fault?.code, i % 20 === 7 ? "engine/deadline" : undefined);
  } finally {
    await opened.value.close();
  }
});

type Handling = { readonly says: number; readonly killAfter?: number; readonly callOff?: number };

/** Gives three jobs at once to a process that says some outcomes when it has them, and tells what became of each. */
async function giveThree({ says, killAfter, callOff }: Handling): Promise<readonly string[]> {
  const job = { ...TINY, budgets: { ...TINY.budgets, wallMs: 1_500 } };
  const assignments = Array.from({ length: 3 }, () => new Assignment(job, undefined));
  const returned = new Set<Assignment>();
  const over = Promise.withResolvers<void>();
  let outcomes = 0;
  const launch = scripted(`say("${READY}"); listen(); say("${FINE.repeat(says)}"); setInterval(() => {}, 1000);`);
  const sandbox: SandboxProcess = new SandboxProcess(launch, {
    onOutcome: () => {
      if (++outcomes === killAfter) sandbox.kill({ code: "engine/sandbox-died", detail: "replaced" });
      if (outcomes === 3) over.resolve();
    },
    onReturned: (all) => all.forEach((one) => returned.add(one)),
    onSlow: () => undefined,
    onDead: over.resolve,
  });
  sandbox.hold(true);
  assert.equal(await sandbox.ready, undefined);
  for (const one of assignments) sandbox.give(one);
  const calledOff = callOff === undefined ? undefined : assignments[callOff];
  if (calledOff !== undefined) {
    calledOff.cancelled = true;
    calledOff.settle({ fault: { code: "engine/cancelled", detail: "" }, wallMs: 0 });
  }
  await over.promise;
  sandbox.kill({ code: "engine/cancelled", detail: "" });
  await sandbox.exited;
  const tell = async (one: Assignment): Promise<string> => {
    if (!one.settled) return returned.has(one) ? "returned" : "lost";
    const end = await one.ended;
    return "outcome" in end ? "outcome" : end.fault.code;
  };
  return Promise.all(assignments.map(tell));
}

const ROWS: readonly (readonly [name: string, handling: Handling, ends: readonly string[]])[] = [
  ["answers all at once", { says: 3 }, ["outcome", "outcome", "outcome"]],
  ["never answers the second", { says: 1 }, ["outcome", "engine/deadline", "returned"]],
  ["is killed after the first", { says: 1, killAfter: 1 }, ["outcome", "engine/sandbox-died", "returned"]],
  ["comes to one that was called off", { says: 1, callOff: 1 }, ["outcome", "engine/cancelled", "returned"]],
  ["answers more often than it was asked", { says: 4 }, ["outcome", "outcome", "engine/protocol"]],
];

for (const [name, handling, ends] of ROWS) {
  test(`of three jobs of a process that ${name}, each ends once`, async () => {
    assert.deepEqual(await giveThree(handling), ends);
  });
}

test("a process that is on its way out can be held and let go any number of times", async () => {
  const warnings: Error[] = [];
  const heed = (warning: Error): void => void warnings.push(warning);
  process.on("warning", heed);
  const nothing = { onOutcome: () => undefined, onReturned: () => undefined, onSlow: () => undefined, onDead: () => undefined };
  const sandbox = new SandboxProcess(scripted("hang()"), nothing);
  sandbox.hold(true);
  assert.equal(await sandbox.ready, undefined);
  sandbox.kill({ code: "engine/cancelled", detail: "" });
  for (let n = 0; n < 20; n++) sandbox.hold(n % 2 === 0);
  sandbox.hold(true);
  await sandbox.exited;
  process.off("warning", heed);
  assert.deepEqual(warnings, [], "no listener is left behind each time");
});
