import type { Result } from "#core";
import type { EngineFault } from "#ports";
import type { ModuleShape } from "#wasm";
import { type WasmExports, type WasmGlobal, WebAssembly } from "../web-assembly.ts";
import { checkImports, importsFor } from "../wasi/host.ts";
import { type Ending, WasiContext } from "../wasi/context.ts";
import type { GuestOutcome } from "../wire/answer.ts";
import type { SandboxJob } from "../wire/job.ts";
import { encodeResults, type EntryPlan, planEntry } from "./entry.ts";
import type { CompiledModule } from "./module-cache.ts";

const EMPTY = new Uint8Array(0);

/** The outcome of a job that was refused before anything ran. */
export function refusedOutcome(fault: EngineFault): GuestOutcome {
  const usage = { memoryBytes: 0, fuel: 0, hostCalls: 0 };
  return { exitCode: undefined, fault, results: [], stdout: EMPTY, stderr: EMPTY, ...usage, deniedPaths: [] };
}

/** What stands between a module and its run: imports that the host offers, and an entry that fits. */
export function planGuest(shape: ModuleShape, job: SandboxJob): Result<EntryPlan, EngineFault> {
  const imports = checkImports(shape.imports);
  return imports.ok ? planEntry(shape, job.entry, job.numericArgs) : imports;
}

/**
 * Runs one guest in a fresh instance with fresh memory, and says how it ended. The start section of the module, which the meter
 * has turned into an export, runs first of all, with fuel and memory in place.
 */
export function runGuest(compiled: CompiledModule, job: SandboxJob, plan: EntryPlan): GuestOutcome {
  const { metered } = compiled;
  const context = new WasiContext({ ...job, tenant: "" });
  let exports: WasmExports | undefined;
  let results: readonly string[] = [];
  let thrown: unknown = undefined;
  let completed = false;
  try {
    exports = new WebAssembly.Instance(compiled.module, importsFor(context, metered.shape.imports)).exports;
    (exports[metered.fuelExport] as WasmGlobal).value = BigInt(job.budgets.fuel);
    const memory = exports["memory"];
    context.bindMemory(memory instanceof WebAssembly.Memory ? memory : undefined);
    if (metered.startExport !== undefined) call(exports, metered.startExport, []);
    if (plan.initialize) call(exports, "_initialize", []);
    results = encodeResults(plan.type, call(exports, plan.name, plan.parameters));
    completed = true;
  } catch (error) {
    thrown = error;
  }
  const fuelLeft = exports === undefined ? BigInt(job.budgets.fuel) : BigInt((exports[metered.fuelExport] as WasmGlobal).value);
  const ended = endingOf(context.ending, completed, fuelLeft, thrown);
  const memory = metered.memoryExport === undefined ? undefined : exports?.[metered.memoryExport];
  return {
    ...ended,
    results: ended.fault === undefined && context.ending === undefined ? results : [],
    stdout: context.output.stdout.written,
    stderr: context.output.stderr.written,
    memoryBytes: memory instanceof WebAssembly.Memory ? memory.buffer.byteLength : 0,
    fuel: job.budgets.fuel - Number(fuelLeft < 0n ? 0n : fuelLeft),
    hostCalls: context.callCount,
    deniedPaths: context.deniedPaths,
  };
}

function call(exports: WasmExports, name: string, parameters: readonly (number | bigint)[]): unknown {
  return (exports[name] as (...all: readonly (number | bigint)[]) => unknown)(...parameters);
}

type Ended = Pick<GuestOutcome, "exitCode" | "fault">;

/** What the host ended comes first, then fuel, then what V8 threw. Anything else is a bug, and ends the process. */
function endingOf(ending: Ending | undefined, completed: boolean, fuelLeft: bigint, thrown: unknown): Ended {
  if (ending?.kind === "bug") throw ending.error;
  if (ending?.kind === "exit") return { exitCode: ending.code, fault: undefined };
  if (ending?.kind === "fault") return faulted(ending.code, ending.detail);
  if (fuelLeft < 0n) return faulted("engine/fuel-exhausted", "");
  if (completed) return { exitCode: 0, fault: undefined };
  if (thrown instanceof WebAssembly.RuntimeError) return faulted("engine/trap", plainMessage(thrown));
  if (thrown instanceof RangeError) {
    if (thrown.message.includes("call stack")) return faulted("engine/stack-overflow", "");
    return faulted("engine/memory-exceeded", plainMessage(thrown)); // V8 could not reserve what the module declares
  }
  if (thrown instanceof WebAssembly.Exception) return faulted("engine/trap", "an exception was not caught");
  throw thrown;
}

function faulted(code: EngineFault["code"], detail: string): Ended {
  return { exitCode: undefined, fault: { code, detail } };
}

/** V8's message without the name of the function of the interface that it came through. */
function plainMessage(error: Error): string {
  return error.message.replace(/^WebAssembly\.[A-Za-z]+\(\): (?:Import #\d+ )?/, "");
}
