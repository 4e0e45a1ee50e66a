import {
  type Budgets,
  type Bytes,
  CAPABILITIES,
  type Capability,
  digestOf,
  fail,
  ok,
  quote,
  type Result,
  type Sha256,
  utf8,
} from "#core";
import { iterateInput } from "./iterated-input.ts";
import type { Cancellation, EngineFault, EngineJob, Mount, Print } from "#ports";

/** What a run gets where it names no budget of its own: the limits of Night Core's base policy. */
export const DEFAULT_BUDGETS: Budgets = {
  wallMs: 10_000,
  memoryBytes: 256 * 1024 * 1024,
  fuel: 10_000_000_000,
  outputBytes: 1024 * 1024,
};

/** Files that a guest with `fs:read` finds under an absolute path, read-only, by their paths below it: `a.txt`, `sub/b.txt`. */
export type GuestMount = {
  readonly path: string;
  readonly files: Readonly<Record<string, Bytes | string>>;
  /** Folders without files; those that have some are made by themselves. */
  readonly folders?: readonly string[] | undefined;
};

/** One run. Everything but the module may be left out; texts are UTF-8. Two equal runs have equal outcomes, wall time apart. */
export type GuestRun = {
  /** A WebAssembly core module in binary form. Copied before the call returns. */
  readonly module: Bytes;
  /** The exported function to call. Default: `_start`. */
  readonly entry?: string | undefined;
  /** For `_start`: `argv` after the program name. For any other entry: its parameters, numbers in decimal. */
  readonly args?: readonly string[] | undefined;
  /** The program name, `argv[0]`. Default: `guest`. */
  readonly name?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Needs the capability `stdin`. What is iterated is asked for when the guest waits for it, and not before; a `Readable` will do. */
  readonly stdin?: Bytes | string | AsyncIterable<Bytes | string> | undefined;
  /** Need the capability `fs:read`. */
  readonly mounts?: readonly GuestMount[] | undefined;
  /** What the guest may touch outside of its memory. Default: `stdout` alone. */
  readonly capabilities?: readonly Capability[] | undefined;
  /** Each that is left out is that of {@link DEFAULT_BUDGETS}. */
  readonly budgets?: Partial<Budgets> | undefined;
  /** 32 bytes that a guest without `random:real` draws from. Default: zeros, so that equal runs are equal. */
  readonly seed?: Bytes | undefined;
  /** Whose module it is: only runs of one tenant are given the same memory again, zeroed. Default: `guest`. */
  readonly tenant?: string | undefined;
  /** Ends the run: an `AbortSignal`. */
  readonly signal?: Cancellation | undefined;
  /** Hears what the guest prints, as it prints it. What it throws ends the run and is thrown by it. */
  readonly print?: Print | undefined;
};

/** The job that a run asks the engine for, all of its bytes copied; `engine/bad-argument` for what cannot be meant. */
export function jobOf(run: GuestRun, sha256: Sha256): Result<EngineJob, EngineFault> {
  const { entry, name = "guest", args = [], env = {}, tenant = "guest", mounts = [], capabilities = ["stdout"] } = run;
  const problem =
    capabilities.map(checkCapability).find((one) => one !== undefined) ??
    checkGrants(run, capabilities) ??
    mounts.map(checkMount).find((one) => one !== undefined) ??
    Object.keys(env)
      .filter((one) => one === "" || one.includes("="))
      .map((one) => `${quote(one)} is no name of a variable`)[0];
  if (problem !== undefined) return fail({ code: "engine/bad-argument", detail: problem });
  // INVARIANT: what is hashed is what is sent, whatever the caller does with their buffer in the meantime.
  const bytes = run.module.slice();
  const command = entry === undefined || entry === "_start";
  return ok({
    tenant,
    digest: digestOf(sha256, bytes),
    bytes,
    entry: command ? undefined : entry,
    numericArgs: command ? [] : args,
    argv: [name, ...(command ? args : [])],
    env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
    ...inputOf(run.stdin ?? ""),
    mounts: mounts.map(captureMount),
    capabilities: CAPABILITIES.filter((one) => capabilities.includes(one)),
    budgets: { ...DEFAULT_BUDGETS, ...definedOf(run.budgets ?? {}) },
    seed: run.seed?.slice() ?? new Uint8Array(32),
  });
}

function checkCapability(name: string): string | undefined {
  if (CAPABILITIES.some((one) => one === name)) return undefined;
  return `there is no capability ${quote(name)}, only ${CAPABILITIES.join(", ")}`;
}

// What is handed in and cannot be seen is a mistake, which a guest without input would hide.
function checkGrants({ stdin, mounts = [] }: GuestRun, capabilities: readonly Capability[]): string | undefined {
  if (stdin !== undefined && !capabilities.includes("stdin")) return "there is an input, and not the capability `stdin`";
  if (mounts.length > 0 && !capabilities.includes("fs:read")) return "there are mounts, and not the capability `fs:read`";
  return undefined;
}

function checkMount({ path, files, folders = [] }: GuestMount): string | undefined {
  if (!path.startsWith("/") || path.includes("\0")) return `the mount ${quote(path)} is at no absolute path`;
  const below = new Set(Object.keys(files));
  const bad = [...below, ...folders].find((one) => one.split("/").some(leadsElsewhere));
  if (bad !== undefined) return `${quote(bad)} is no path below a mount`;
  const parents = [...folders, ...[...below].flatMap(parentsOf), ...folders.flatMap(parentsOf)];
  const both = parents.find((one) => below.has(one));
  return both === undefined ? undefined : `${quote(both)} is a file and a folder`;
}

function leadsElsewhere(component: string): boolean {
  return component === "" || component === "." || component === ".." || component.includes("\0");
}

function parentsOf(path: string): readonly string[] {
  const components = path.split("/");
  return components.slice(1).map((_, n) => components.slice(0, n + 1).join("/"));
}

function captureMount({ path, files, folders = [] }: GuestMount): Mount {
  const captured = Object.entries(files).map(([name, content]) => ({ path: name, bytes: bytesOf(content) }));
  return { guestPath: path, files: captured, folders };
}

function inputOf(stdin: NonNullable<GuestRun["stdin"]>): Pick<EngineJob, "stdin" | "input"> {
  const whole = typeof stdin === "string" || stdin instanceof Uint8Array;
  return whole ? { stdin: bytesOf(stdin) } : { stdin: new Uint8Array(), input: iterateInput(stdin) };
}

function bytesOf(content: Bytes | string): Bytes {
  return typeof content === "string" ? utf8(content) : content.slice();
}

function definedOf(budgets: Partial<Budgets>): Partial<Budgets> {
  return Object.fromEntries(Object.entries(budgets).filter(([, value]) => value !== undefined));
}
