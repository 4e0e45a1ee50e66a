/**
 * Runs a folder of WASI preview 1 cases through the engine, in its sandbox process, and prints one line for each case and then
 * `N passed, N failed`. The folder has an `index.json`: a list of cases with `wasm`, `args`, `env`, `root` (a folder that is
 * copied into memory and preopened, writable, as `guestRoot`; null for none), `stdin`, and what must come out: `exit_code`,
 * `stdout`, `stderr` (null: not checked). Our own vectors add `capabilities` and `writable`, and may be text (`.wat`).
 *
 *     node test/conformance/wasi.ts DIR [FILTER]
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import wabt from "wabt";
import {
  CAPABILITIES,
  type Capability,
  type Digest,
  isJsonObject,
  type Json,
  parseJson,
  utf8,
} from "../../packages/nightcore/src/core/index.ts";
import { openV8Engine } from "../../packages/nightcore/src/engine/v8/index.ts";
import { type EngineJob, type EngineReport, explainEngineFault, type Mount } from "../../packages/nightcore/src/ports/index.ts";

const assembler = await wabt();

const INDEX_BYTES_MAX = 16 * 1024 * 1024;

export type WasiCase = {
  readonly name: string;
  readonly wasm: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly root: string | undefined;
  readonly guestRoot: string;
  readonly stdin: string;
  readonly exitCode: number;
  readonly stdout: string | undefined;
  readonly stderr: string | undefined;
  readonly capabilities: readonly Capability[];
  readonly writable: boolean;
};

/** The cases that a folder's `index.json` lists. Throws for an index that is not in this form. */
export function readCases(folder: string): readonly WasiCase[] {
  const index = parseJson(readFileSync(join(folder, "index.json")), INDEX_BYTES_MAX);
  if (!index.ok || !Array.isArray(index.value)) throw new Error(`no list of cases in ${join(folder, "index.json")}`);
  return (index.value as readonly Json[]).map(readCase);
}

function readCase(json: Json): WasiCase {
  if (!isJsonObject(json)) throw new Error("a case is no object");
  const text = (key: string): string | undefined => (typeof json[key] === "string" ? json[key] : undefined);
  const { args, env, exit_code: exitCode, capabilities } = json;
  const wasm = text("wasm");
  if (wasm === undefined) throw new Error("a case without `wasm`");
  return {
    name: text("name") ?? wasm,
    wasm,
    args: Array.isArray(args) ? (args as readonly Json[]).map(String) : [],
    env: isJsonObject(env ?? null)
      ? Object.entries(env as Record<string, Json>).map(
          ([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
        )
      : [],
    root: text("root"),
    guestRoot: text("guestRoot") ?? "/",
    stdin: text("stdin") ?? "",
    exitCode: typeof exitCode === "number" ? exitCode : 0,
    stdout: text("stdout"),
    stderr: text("stderr"),
    capabilities: Array.isArray(capabilities)
      ? CAPABILITIES.filter((one) => capabilities.includes(one))
      : CAPABILITIES.filter((one) => one !== "fs:write"),
    writable: json["writable"] !== false,
  };
}

/** A real folder as a mount, without the `*.cleanup` that earlier runs of other hosts may have left. */
export function captureFolder(root: string, guestPath: string, writable: boolean): Mount {
  const files: { path: string; bytes: Uint8Array }[] = [];
  const folders: string[] = [];
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const guest = relative(root, path).replaceAll("\\", "/");
    if (/\.cleanup(?:\/|$)/.test(guest)) continue;
    if (entry.isDirectory()) folders.push(guest);
    else if (entry.isFile()) files.push({ path: guest, bytes: readFileSync(path) });
  }
  return { guestPath, files, folders, writable };
}

function readModule(path: string): Uint8Array {
  if (!path.endsWith(".wat")) return readFileSync(path);
  const module = assembler.parseWat(path, readFileSync(path, "utf8"), { bulk_memory: true });
  return module.toBinary({}).buffer;
}

/** The job that a case describes. */
export function jobOf(folder: string, one: WasiCase): EngineJob {
  const bytes = readModule(join(folder, one.wasm));
  return {
    tenant: "conformance",
    digest: createHash("sha256").update(bytes).digest("hex") as Digest,
    bytes,
    entry: undefined,
    numericArgs: [],
    argv: [basename(one.wasm), ...one.args],
    env: one.env,
    stdin: utf8(one.stdin),
    mounts: one.root === undefined ? [] : [captureFolder(join(folder, one.root), one.guestRoot, one.writable)],
    capabilities: one.capabilities,
    budgets: { wallMs: 20_000, memoryBytes: 256 * 1024 * 1024, fuel: 20_000_000_000, outputBytes: 4 * 1024 * 1024 },
    seed: new Uint8Array(32),
  };
}

/** What a report says against a case, in words; undefined when it passes. */
export function differenceOf(one: WasiCase, report: EngineReport): string | undefined {
  const stderr = Buffer.from(report.stderr).toString();
  if (report.fault !== undefined) return `${explainEngineFault(report.fault).message} ${stderr.slice(0, 300)}`;
  if (report.exitCode !== one.exitCode) return `exit code ${report.exitCode}, expected ${one.exitCode} ${stderr.slice(0, 300)}`;
  if (one.stdout !== undefined && Buffer.from(report.stdout).toString() !== one.stdout) return "stdout differs";
  if (one.stderr !== undefined && stderr !== one.stderr) return "stderr differs";
  return undefined;
}

/** Runs every case of a folder and returns how many passed and failed, telling of each through `say`. */
export async function runCases(
  folder: string,
  options: { readonly filter?: string; readonly say: (line: string) => void },
): Promise<{ readonly passed: number; readonly failed: number }> {
  const opened = await openV8Engine({ slots: 1 });
  if (!opened.ok) throw new Error(explainEngineFault(opened.fault).message);
  let passed = 0;
  let failed = 0;
  for (const one of readCases(folder)) {
    if (options.filter !== undefined && !one.name.includes(options.filter)) continue;
    const difference = differenceOf(one, await opened.value.run(jobOf(folder, one)));
    if (difference === undefined) passed++;
    else failed++;
    options.say(difference === undefined ? `ok   ${one.name}` : `FAIL ${one.name}: ${difference.replace(/\s+/g, " ").trim()}`);
  }
  await opened.value.close();
  options.say(`${passed} passed, ${failed} failed`);
  return { passed, failed };
}

if (import.meta.main) {
  const [folder, filter] = process.argv.slice(2);
  if (folder === undefined) {
    console.error("usage: node test/conformance/wasi.ts DIR [FILTER]");
    process.exitCode = 2;
  } else {
    const { failed } = await runCases(folder, { ...(filter === undefined ? {} : { filter }), say: (line) => console.log(line) });
    process.exitCode = failed === 0 ? 0 : 1;
  }
}
