import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { MEBIBYTE, jobFor } from "../fixture.test.ts";
import { type Launch, planLaunches, readMissingLimits } from "../pool/launch.ts";
import { Pool } from "../pool/pool.ts";
import { encodeReady } from "../wire/answer.ts";
import { ControlGroup, OWN_BYTES, PROCESSES_MAX, processBytesFor } from "./control-group.ts";
import { ControlGroups } from "./control-groups.ts";
import { findHierarchies, type Hierarchy } from "./hierarchy.ts";

// What the kernel does is tested where this machine lets groups be made; where it does not, that it says so. Files of version 2 are
// also written into a plain folder, which shows what is asked of the kernel, and not what it does.

const { found, missing } = findHierarchies();
const has = (controller: string): boolean => found.some((one) => one.controller === controller);

/** What a worker that is killed in the middle leaves, or another worker has. */
const groupsLeft = (): readonly string[] =>
  found.flatMap(({ folder }) => readdirSync(folder).filter((name) => name.includes(`-${process.pid}-`)));

/** A process that says that it is ready, waits for a job, and does what a script says, held to so many bytes of its own. */
function misbehaving(script: string, ownBytes: number): Launch {
  const ready = Buffer.concat(encodeReady()).toString("hex");
  const code = `const fs = require("node:fs"); fs.writeSync(3, Buffer.from("${ready}", "hex")); fs.readSync(3, Buffer.alloc(65536)); ${script}`;
  return { command: process.execPath, args: ["-e", code], isolation: [], groups: new ControlGroups(found, ownBytes) };
}

async function endOf(launch: Launch): Promise<string> {
  const pool = new Pool(launch, { slots: 1 });
  const budgets = { wallMs: 300_000, memoryBytes: 65_536, fuel: 1, outputBytes: 1 };
  try {
    const end = await pool.run(jobFor(new Uint8Array(0), { budgets }), undefined);
    return "fault" in end ? `${end.fault.code} ${end.fault.detail}` : "an outcome";
  } finally {
    await pool.close();
  }
}

const HOARD = "const all = []; for (let n = 0; n < 40; n++) all.push(Buffer.alloc(16 << 20, 1)); process.exit(7);";

test("memory beyond the limit is refused by the kernel, which ends the process, as a fault of its own; or the limit is missed", async () => {
  if (!has("memory")) return assert.notEqual(missing.find(({ controller }) => controller === "memory")?.detail ?? "", "");
  assert.match(await endOf(misbehaving(HOARD, 192 * MEBIBYTE)), /^engine\/sandbox-out-of-memory /);
  assert.match(
    await endOf(misbehaving(HOARD, 2048 * MEBIBYTE)),
    /^engine\/sandbox-died exit code 7/,
    "a control: it may have as much",
  );
  assert.deepEqual(groupsLeft(), []);
});

test("processes beyond the limit are not started; or the limit is missed", async () => {
  if (!has("pids")) return assert.notEqual(missing.find(({ controller }) => controller === "pids")?.detail ?? "", "");
  const spawning = `const { spawn } = require("node:child_process"); let n = 0, failed = 0, seen = 0;
    for (; n < 100; n++) { const one = spawn("/bin/sleep", ["60"]); one.on("error", () => failed++); if (one.pid) seen++; }
    setTimeout(() => process.exit(seen), 500);`;
  const said = await endOf(misbehaving(spawning, 2048 * MEBIBYTE));
  const started = Number(/exit code (\d+)$/.exec(said)?.[1]);
  assert.ok(started > 0 && started < PROCESSES_MAX, said);
  assert.deepEqual(groupsLeft(), [], "and those that were started have ended with the one that started them");
});

test("sandbox processes have their limits, each layer that is there is named, and nothing is left behind", async () => {
  const [launch] = planLaunches();
  assert.deepEqual(
    launch.isolation.filter((layer) => layer.startsWith("cgroup-")),
    found.map(({ controller }) => `cgroup-${controller}`),
  );
  assert.deepEqual(readMissingLimits(), missing);
  const ready = Promise.withResolvers<unknown>();
  const pool = new Pool({ ...launch, onStarted: ready.resolve }, { slots: 1 });
  try {
    assert.equal(await ready.promise, undefined);
    const [name] = groupsLeft();
    assert.equal(name !== undefined, found.length > 0);
    for (const { controller, version, folder } of found) {
      const read = (file: string): number => Number(readFileSync(join(folder, name ?? "", file), "utf8"));
      if (controller === "pids") assert.equal(read("pids.max"), PROCESSES_MAX);
      else assert.equal(read(version === 2 ? "memory.max" : "memory.limit_in_bytes"), OWN_BYTES);
      const members = readFileSync(join(folder, name ?? "", "cgroup.procs"), "utf8")
        .trim()
        .split("\n");
      assert.equal(members.length, launch.command.endsWith("bwrap") ? 2 : 1, "its processes are in it, each of them");
      for (const pid of members.map(Number).filter((one) => one > 0)) {
        const threads = readdirSync(`/proc/${pid}/task`);
        const tasks = readFileSync(join(folder, name ?? "", version === 1 ? "tasks" : "cgroup.threads"), "utf8").split("\n");
        for (const thread of threads) assert.ok(tasks.includes(thread), "and each of their threads");
      }
    }
  } finally {
    await pool.close();
  }
  assert.deepEqual(groupsLeft(), []);
});

test("a limit follows the largest job: guest, module and all that it is shown, and never falls", () => {
  const budgets = { wallMs: 1, memoryBytes: MEBIBYTE, fuel: 1, outputBytes: 10 };
  const files = [{ path: "a", bytes: new Uint8Array(5) }];
  const job = jobFor(new Uint8Array(100), {
    budgets,
    stdin: new Uint8Array(3),
    mounts: [{ guestPath: "/", files, folders: [] }],
  });
  assert.equal(processBytesFor(job), OWN_BYTES + MEBIBYTE + 3_200 + 4 * 18);
  const folder = mkdtempSync(join(tmpdir(), "nightcore-groups-"));
  try {
    for (const version of [1, 2] as const) {
      const group = new ControlGroup([{ controller: "memory", version, folder: join(folder, String(version)) }]);
      group.create(1_000);
      const read = (): readonly string[] =>
        ["memory.max", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.swap.max"]
          .map((name) => join(folder, String(version), name))
          .map((path) => (existsSync(path) ? readFileSync(path, "utf8") : "-"));
      const row = (bytes: string) => (version === 2 ? [bytes, "-", "-", "0"] : ["-", bytes, bytes, "-"]);
      assert.deepEqual(read(), row("1000"));
      group.raise(999);
      assert.deepEqual(read(), row("1000"));
      group.raise(1_001);
      assert.deepEqual(read(), row("1001"));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a group that cannot be made cannot be joined, and what would run in it does not run", async () => {
  const nowhere: Hierarchy = { controller: "memory", version: 2, folder: "/nonexistent/group" };
  const group = new ControlGroup([nowhere]);
  group.create(1_000);
  const [command, args] = group.wrap("/bin/echo", ["ran"]);
  const child = spawn(command, args, { env: {}, stdio: ["ignore", "pipe", "ignore"] });
  let printed = "";
  child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.deepEqual([code, printed], [126, ""]);
  await group.remove();
});

test("a process enters each of its groups once, by itself", () => {
  const group = new ControlGroup([
    { controller: "memory", version: 1, folder: "/one" },
    { controller: "pids", version: 2, folder: "/two" },
  ]);
  assert.deepEqual(group.wrap("/bin/echo", ["ran"])[1].slice(-5), ["/one/tasks", "/two/cgroup.procs", "--", "/bin/echo", "ran"]);
  const both = (["memory", "pids"] as const).map((controller) => ({ controller, version: 2, folder: "/two" }) as const);
  assert.deepEqual(new ControlGroup(both).wrap("/bin/echo", [])[1].slice(-3), ["/two/cgroup.procs", "--", "/bin/echo"]);
});

test("what a worker left that is no more is swept away, and nothing else", () => {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-groups-"));
  try {
    const groups = new ControlGroups([{ controller: "memory", version: 2, folder }]);
    const [name = ""] = readdirSync(folder).length === 0 ? madeBy(groups, folder) : [];
    const prefix = /^nightcore-\d+-/.exec(name)?.[0] ?? assert.fail(name);
    rmSync(folder, { recursive: true });
    const dead = `${prefix}999999999-1`;
    const kept = [`${prefix}${process.pid}-77`, "nightcore-1-999999999-1", "other", `${prefix}x-1`];
    for (const one of [dead, ...kept]) mkdirSync(join(folder, one), { recursive: true });
    madeBy(new ControlGroups([{ controller: "memory", version: 2, folder }]), folder);
    const left = readdirSync(folder);
    assert.ok(!left.includes(dead));
    for (const one of kept) assert.ok(left.includes(one), one);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

function madeBy(groups: ControlGroups, folder: string): readonly string[] {
  groups.make();
  return readdirSync(folder).filter((name) => name.startsWith("nightcore-"));
}
