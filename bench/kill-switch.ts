/**
 * From typing `nightcore kill` until the guest has ended that runs in another process: the start of the command, the order on the
 * disk, its way to the running process, and the end of the sandbox process. The slowest of the rounds counts, and not the middle.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import wabt from "wabt";
import { buildLauncher, makeWorkspace } from "../tools/bench-workspace.ts";
import { makePromiseLine } from "../tools/promise.ts";

const ROUNDS = 10;
const WANTED_MS = 1_000;

// Prints a line, so that it is known to run, and never ends.
const SPINNER = `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 0) "\\08\\00\\00\\00\\08\\00\\00\\00running\\n")
  (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32))) (loop $on (br $on))))`;

async function assemble(): Promise<Uint8Array> {
  const module = (await wabt()).parseWat("spinner.wat", SPINNER);
  try {
    return new Uint8Array(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}

async function measure(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-bench-kill-"));
  try {
    const launcher = await buildLauncher(join(folder, "package"));
    const root = join(folder, "workspace");
    const wasm = await assemble();
    makeWorkspace({ launcher, folder: root, tenants: 0, module: wasm });
    const endMs: number[] = [];
    for (let round = 0; round < ROUNDS; round++) endMs.push(await killOne({ launcher, root, wasm, tenant: `spinner-${round}` }));
    const worst = Math.max(...endMs);
    process.stderr.write(`${endMs.map((ms) => ms.toFixed(0)).join(" ")} ms\n`);
    const both = { measured: Number(worst.toFixed(0)), against: WANTED_MS, peer: "one second" };
    process.stdout.write(`${JSON.stringify(makePromiseLine({ name: "kill-switch", unit: "ms", ...both, promise: "<= 1" }))}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type Round = { readonly launcher: string; readonly root: string; readonly wasm: Uint8Array; readonly tenant: string };

/** Time from the start of the command until the process of the run has told that its guest is dead, and has ended. */
async function killOne({ launcher, root, wasm, tenant }: Round): Promise<number> {
  const module = join(root, "modules", tenant);
  mkdirSync(module, { recursive: true });
  writeFileSync(join(module, "module.wasm"), wasm);
  writeFileSync(
    join(module, "manifest.json"),
    JSON.stringify({ permissions: ["stdout"], fuel_limit: 10_000_000_000, timeout_ms: 10_000 }),
  );
  const sign = ["sign", "--dir", join("modules", tenant), "--key", "keys/maintainers/admin1.key"];
  const signed = spawnSync(process.execPath, [launcher, ...sign], { cwd: root, encoding: "utf8" });
  if (signed.status !== 0) throw new Error(signed.stderr);
  const run = spawn(process.execPath, [launcher, "run", tenant, "--stream"], { cwd: root });
  let said = "";
  run.stderr.on("data", (data: Buffer) => (said += data.toString()));
  const ended = once(run, "exit");
  await Promise.race([once(run.stdout, "data"), ended]);
  const startedMs = performance.now();
  const kill = spawn(process.execPath, [launcher, "kill", "--tenant", tenant, "--reason", "a bench"], { cwd: root });
  const killed = once(kill, "exit");
  await ended;
  const ms = performance.now() - startedMs;
  const [code] = (await killed) as [number | null];
  if (code !== 0 || !said.includes("worker/killed")) throw new Error(`the run ended without the order (${code}): ${said}`);
  return ms;
}

if (process.argv.includes("--list")) process.stdout.write("kill-switch\n");
else await measure();
