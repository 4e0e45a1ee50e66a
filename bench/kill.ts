/**
 * From a deadline until the slot serves again: one slot, a guest that never ends, and a second job that waits behind it. What is
 * measured is the time from the first one's deadline until the second has run, in a spare process that was started before. Told
 * beside it: what a process that waits costs in memory.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import wabt from "wabt";
import type { Digest } from "../packages/nightcore/src/core/index.ts";
import { openV8Engine } from "../packages/nightcore/src/engine/v8/index.ts";
import type { EngineJob } from "../packages/nightcore/src/ports/index.ts";
import { medianOf } from "../tools/bench-workspace.ts";
import { makePromiseLine } from "../tools/promise.ts";

const ROUNDS = 15;
const DEADLINE_MS = 500; // as long as another spare takes to start while the guest has a core to itself
const WANTED_MS = 50;
const FUEL = 1e13;

const assembler = await wabt();

function jobFor(text: string, wallMs: number): EngineJob {
  const module = assembler.parseWat("guest.wat", text);
  const bytes = new Uint8Array(module.toBinary({}).buffer);
  module.destroy();
  return {
    ...{ tenant: "kill", digest: createHash("sha256").update(bytes).digest("hex") as Digest, bytes, entry: undefined },
    ...{ numericArgs: [], argv: ["guest"], env: [], stdin: new Uint8Array(0), mounts: [], capabilities: [] },
    budgets: { wallMs, memoryBytes: 1024 * 1024, fuel: FUEL, outputBytes: 1024 },
    seed: new Uint8Array(32),
  };
}

/** Children and theirs, as the kernel lists them. */
function descendantsOf(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
  return [...children, ...children.flatMap((child) => descendantsOf(child))];
}

/** Memory that is a process's own: what would come back to the system if it ended. */
function privateBytesOf(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const sizes = [...rollup.matchAll(/^Private_(?:Clean|Dirty): +([0-9]+) kB$/gm)].map((match) => Number(match[1]) * 1024);
  return sizes.reduce((sum, one) => sum + one, 0);
}

async function tellIdleMemory(): Promise<void> {
  const opened = await openV8Engine({ slots: 1 });
  if (!opened.ok) throw new Error(opened.fault.detail);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const bytes = descendantsOf(process.pid).reduce((sum, pid) => sum + privateBytesOf(pid), 0);
  await opened.value.close();
  const both = { measured: Number((bytes / 2 ** 20).toFixed(1)), against: 1, peer: "one MiB; with the wrapper around it" };
  process.stdout.write(`${JSON.stringify(makePromiseLine({ name: "idle-process", unit: "MiB", ...both, promise: "none" }))}\n`);
}

async function measure(): Promise<void> {
  const opened = await openV8Engine({ slots: 1, spares: 1 });
  if (!opened.ok) throw new Error(opened.fault.detail);
  const engine = opened.value;
  const spin = jobFor('(module (func (export "_start") (loop $on (br $on))))', DEADLINE_MS);
  const tiny = jobFor('(module (func (export "_start")))', 10_000);
  const freeMs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const warm = await engine.run(tiny); // the slot is ready, so that the deadline counts from now
    const startedMs = performance.now();
    const [killed, next] = await Promise.all([engine.run(spin), engine.run(tiny)]);
    freeMs.push(performance.now() - startedMs - DEADLINE_MS);
    if (warm.fault !== undefined || next.fault !== undefined || killed.fault?.code !== "engine/deadline")
      throw new Error(`the guests ended as ${killed.fault?.code ?? "completed"} and ${next.fault?.code ?? "completed"}`);
  }
  await engine.close();
  const both = { measured: Number(medianOf(freeMs).toFixed(1)), against: WANTED_MS, peer: "a limit of 50 ms" };
  process.stdout.write(`${JSON.stringify(makePromiseLine({ name: "kill-to-free", unit: "ms", ...both, promise: "<= 1" }))}\n`);
}

if (process.argv.includes("--list")) process.stdout.write("kill-to-free\n");
else {
  await tellIdleMemory();
  await measure();
}
