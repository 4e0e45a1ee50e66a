/**
 * Runs every guest of a folder (`.wasm`, `.wat`, and what a `make.ts` in it makes) on one engine, and prints for each how it ended,
 * how long that took and how far it was from its wall budget plus 100 ms, the peak memory of the worker and of the sandbox process,
 * and whether the host is as it was: descriptors, files of a scratch folder, processes. It ends with `N passed, N failed`.
 *
 * A guest passes when it ends in a documented code (docs/formats/faults.md) or an exit within its wall budget plus 100 ms, as
 * `expected.json` or `make.ts` says where they say something, the host is unchanged, and an honest guest of another tenant runs on
 * the same engine afterwards.
 *
 *     node test/hostile.ts DIR [FILTER]
 */
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import wabt from "wabt";
import { type Digest, quote } from "../packages/nightcore/src/core/index.ts";
import { openV8Engine } from "../packages/nightcore/src/engine/v8/index.ts";
import { type Engine, type EngineJob, type EngineReport, explainEngineFault } from "../packages/nightcore/src/ports/index.ts";
import { REPOSITORY } from "../tools/repository.ts";
import type { MadeGuest } from "../vectors/hostile/make.ts";

const WALL_MS = 5_000;
const GRACE_MS = 100; // after the deadline, for SIGKILL and the report
const DUE_MS = WALL_MS + GRACE_MS;
const BUDGETS = { wallMs: WALL_MS, memoryBytes: 128 * 1_048_576, fuel: 20_000_000, outputBytes: 200_000 };
const SAMPLE_MS = 10;

const FEATURES = {
  bulk_memory: true,
  exceptions: true,
  multi_value: true,
  mutable_globals: true,
  reference_types: true,
  sat_float_to_int: true,
  sign_extension: true,
  simd: true,
  tail_call: true,
};

const HONEST = `(module (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 0) "\\08\\00\\00\\00\\04\\00\\00\\00fine")
  (func (export "_start") (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))`;

/** A guest of the folder. `ends` is empty where nothing but a documented end is asked for. */
export type HostileGuest = { readonly name: string; readonly make: () => Uint8Array; readonly ends: readonly string[] };

/** What came of one guest; no complaints mean that it passed. */
export type HostileEnd = {
  readonly name: string;
  readonly end: string;
  readonly wallMs: number;
  readonly workerBytes: number;
  readonly sandboxBytes: number;
  readonly complaints: readonly string[];
};

const assembler = await wabt();

function assemble(name: string, text: string): Uint8Array {
  const module = assembler.parseWat(name, text, FEATURES);
  try {
    return new Uint8Array(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}

/** The guests of a folder, by name. */
export async function readGuests(folder: string): Promise<readonly HostileGuest[]> {
  const names = readdirSync(folder).toSorted();
  const expected = names.includes("expected.json")
    ? (JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as Record<string, { exitCode?: number; fault?: string }>)
    : {};
  const endsOf = (name: string): readonly string[] => {
    const one = expected[name];
    return one === undefined ? [] : [one.fault ?? String(one.exitCode ?? 0)];
  };
  const kept = names
    .filter((name) => /\.wa(?:t|sm)$/.test(name))
    .map((file): HostileGuest => {
      const [path, name] = [join(folder, file), file.replace(/\.wa(?:t|sm)$/, "")];
      const make = () => (file.endsWith(".wat") ? assemble(file, readFileSync(path, "utf8")) : readFileSync(path));
      return { name, make, ends: endsOf(name) };
    });
  if (!names.includes("make.ts")) return kept;
  const made = (await import(pathToFileURL(resolve(folder, "make.ts")).href)) as { readonly MADE_GUESTS: readonly MadeGuest[] };
  return [...kept, ...made.MADE_GUESTS];
}

function jobOf(bytes: Uint8Array, tenant: string): EngineJob {
  const hello = { path: "hello.txt", bytes: new Uint8Array([104, 105]) };
  return {
    tenant,
    digest: createHash("sha256").update(bytes).digest("hex") as Digest,
    bytes,
    entry: undefined,
    numericArgs: [],
    argv: ["guest"],
    env: [],
    stdin: new Uint8Array(0),
    mounts: [{ guestPath: "/", files: [hello], folders: ["empty"], writable: true }],
    capabilities: ["stdout", "fs:read", "fs:write"],
    budgets: BUDGETS,
    seed: new Uint8Array(32),
  };
}

/** What must be as it was: descriptors of the worker, files around it, and how many processes it has. */
function readHost(scratch: string): string {
  const files = readdirSync(scratch, { recursive: true, encoding: "utf8" }).toSorted();
  const contents = files.map(
    (file) => `${file} ${statSync(join(scratch, file)).size} ${readFileSync(join(scratch, file), "latin1")}`,
  );
  return JSON.stringify({ kinds: readKinds(), contents, processes: childrenOf("self").length });
}

/** Open descriptors by what they lead to, without the numbers of sockets and pipes, which a new sandbox process changes. */
function readKinds(): readonly string[] {
  if (!existsSync("/proc/self/fd")) return [];
  const kinds = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(join("/proc/self/fd", fd)).replace(/\[\d+\]|\d+/g, "");
    } catch {
      return ""; // that of the listing itself
    }
  });
  return kinds.filter((kind) => kind !== "" && !kind.startsWith("/proc")).toSorted();
}

function childrenOf(pid: string): readonly string[] {
  try {
    const own = pid === "self" ? String(process.pid) : pid;
    return readFileSync(`/proc/${own}/task/${own}/children`, "utf8")
      .split(" ")
      .filter((one) => one !== "");
  } catch {
    return [];
  }
}

/** The process that runs guests: the last one under the worker, behind a wrapper or not. */
function findSandbox(): string | undefined {
  let pid = childrenOf("self").at(-1);
  for (let next = pid; next !== undefined; next = childrenOf(next).at(-1)) pid = next;
  return pid;
}

/** The peak of a process since it was last forgotten, in bytes; 0 where /proc does not tell. proc(5): VmHWM, clear_refs. */
function readPeak(pid: string): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function forgetPeak(pid: string): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, "5");
  } catch {
    // not ours to clear, or gone: its peak is that of its life
  }
}

function endOf({ fault, exitCode }: EngineReport): string {
  return fault?.code ?? String(exitCode ?? "nothing");
}

async function measure(engine: Engine, job: EngineJob): Promise<Omit<HostileEnd, "name" | "complaints">> {
  const sandbox = findSandbox() ?? "none";
  forgetPeak("self");
  forgetPeak(sandbox);
  let sandboxBytes = readPeak(sandbox); // one that is killed at once is not seen again
  const sampler = setInterval(() => (sandboxBytes = Math.max(sandboxBytes, readPeak(sandbox))), SAMPLE_MS);
  const startedMs = performance.now();
  const report = await engine.run(job);
  const wallMs = performance.now() - startedMs;
  clearInterval(sampler);
  sandboxBytes = Math.max(sandboxBytes, readPeak(sandbox));
  return { end: endOf(report), wallMs, workerBytes: readPeak("self"), sandboxBytes };
}

/** The codes in which a run may end and the engine is still there for the next one. */
export function readDocumentedEnds(): ReadonlySet<string> {
  const page = readFileSync(join(REPOSITORY, "docs", "formats", "faults.md"), "utf8");
  const codes = [...page.matchAll(/^\| `(engine\/[a-z-]+)` \|/gm)].map(([, code]) => code as string);
  return new Set(codes.filter((code) => code !== "engine/unavailable"));
}

/** What is wrong with how a guest ended; empty when nothing is. */
export function judgeEnd({ end, wallMs }: Pick<HostileEnd, "end" | "wallMs">, ends: readonly string[]): readonly string[] {
  const complaints: string[] = [];
  if (ends.length > 0 && !ends.includes(end)) complaints.push(`expected ${ends.join(" or ")}`);
  if (!/^\d+$/.test(end) && !readDocumentedEnds().has(end)) complaints.push(`${end} is not an end that a guest may come to`);
  if (wallMs > DUE_MS) complaints.push("too late");
  return complaints;
}

/** Runs one guest, and an honest one of another tenant after it. */
async function tryGuest(engine: Engine, guest: HostileGuest, scratch: string): Promise<HostileEnd> {
  const honest = jobOf(assemble("honest.wat", HONEST), "next");
  await engine.run(honest); // the process is up, so that its start is nobody's time
  const job = jobOf(guest.make(), "hostile");
  const before = readHost(scratch);
  const measured = await measure(engine, job);
  const after = await engine.run(honest);
  const complaints = [...judgeEnd(measured, guest.ends)];
  if (readHost(scratch) !== before) complaints.push(`the host is not as it was: ${before} and ${readHost(scratch)}`);
  if (Buffer.from(after.stdout).toString() !== "fine") complaints.push(`the next tenant's honest guest: ${endOf(after)}`);
  return { name: guest.name, ...measured, complaints };
}

/** Runs the guests of a folder, telling of each through `say`. */
export async function runHostile(
  folder: string,
  options: { readonly filter?: string | undefined; readonly say: (line: string) => void },
): Promise<readonly HostileEnd[]> {
  const opened = await openV8Engine({ slots: 1 });
  if (!opened.ok) throw new Error(explainEngineFault(opened.fault).message);
  const engine = opened.value;
  const scratch = mkdtempSync(join(tmpdir(), "nightcore-hostile-"));
  writeFileSync(join(scratch, "secret.txt"), "as it was");
  const ended: HostileEnd[] = [];
  try {
    options.say(`isolation: ${engine.isolation.join(", ")}`);
    for (const guest of await readGuests(folder)) {
      if (options.filter !== undefined && !guest.name.includes(options.filter)) continue;
      const end = await tryGuest(engine, guest, scratch);
      ended.push(end);
      options.say(encodeEnd(end));
    }
  } finally {
    await engine.close();
    rmSync(scratch, { recursive: true, force: true });
  }
  const failed = ended.filter(({ complaints }) => complaints.length > 0).length;
  options.say(`${ended.length - failed} passed, ${failed} failed`);
  return ended;
}

function encodeEnd({ name, end, wallMs, workerBytes, sandboxBytes, complaints }: HostileEnd): string {
  const size = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MiB`.padStart(9);
  const mark = complaints.length === 0 ? "ok  " : "FAIL";
  const due = `${Math.abs(DUE_MS - wallMs)
    .toFixed(0)
    .padStart(6)} ms ${wallMs > DUE_MS ? "late " : "early"}`;
  const told = `${mark} ${name.padEnd(42)} ${end.padEnd(28)} ${wallMs.toFixed(0).padStart(6)} ms ${due}`;
  const host = complaints.length === 0 ? "host as it was" : complaints.join("; ");
  return `${told}  worker ${size(workerBytes)}  sandbox ${size(sandboxBytes)}  ${host}`;
}

if (import.meta.main) {
  const [folder, filter] = process.argv.slice(2);
  if (folder === undefined || statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    if (folder !== undefined) process.stderr.write(`there is no folder ${quote(folder)}\n`);
    process.stderr.write("usage: node test/hostile.ts DIR [FILTER]\n");
    process.exitCode = 2;
  } else {
    const ended = await runHostile(folder, { filter, say: (line) => process.stdout.write(`${line}\n`) });
    process.exitCode = ended.every(({ complaints }) => complaints.length === 0) ? 0 : 1;
  }
}
