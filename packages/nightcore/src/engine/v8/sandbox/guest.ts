import { NO_REFUSALS } from "#core";
import type { EngineFault } from "#ports";
import { MEMORY_IMPORT } from "../meter/assemble.ts";
import { decodeBudget, encodeBudget } from "../meter/frame.ts";
import { type WasmExports, type WasmGlobal, type WasmMemory, WebAssembly } from "../web-assembly.ts";
import type { AskInput, TellWritten } from "../wasi/stdio.ts";
import { type Ending, WasiContext } from "../wasi/context.ts";
import type { GuestOutcome } from "../wire/answer.ts";
import type { SandboxJob } from "../wire/job.ts";
import { encodeResults, type EntryPlan } from "./entry.ts";
import type { MemoryKeeper } from "./memory.ts";
import type { CompiledModule } from "./module-cache.ts";

const EMPTY = new Uint8Array(0);

/** An outcome, and whether its fuel may be wrong, so that the exact form of the module must be asked. */
export type GuestEnd = GuestOutcome & { readonly repeat: boolean };

/** What a guest runs with: memory that is kept between runs, who hears what it prints while it runs, and who has more input. */
export type GuestHost = {
  readonly memories: MemoryKeeper;
  readonly tell: TellWritten | undefined;
  readonly ask: AskInput | undefined;
};

/** The outcome of a job that was refused before anything ran. */
export function refusedOutcome(fault: EngineFault): GuestEnd {
  const usage = { memoryBytes: 0, fuel: 0, hostCalls: 0, refusals: NO_REFUSALS };
  return { exitCode: undefined, fault, results: [], stdout: EMPTY, stderr: EMPTY, ...usage, deniedPaths: [], repeat: false };
}

/**
 * Runs one guest in a fresh instance with zeroed memory, and says how it ended. The start section of the module, which the meter
 * has turned into an export, runs first of all, with fuel and memory in place.
 */
export function runGuest(
  compiled: CompiledModule,
  job: SandboxJob,
  plan: EntryPlan,
  { memories, tell, ask }: GuestHost,
): GuestEnd {
  const { metered } = compiled;
  const context = new WasiContext({ ...job, tenant: "" }, { tell, ask });
  let memory: WasmMemory | undefined;
  let exports: WasmExports | undefined;
  let results: readonly string[] = [];
  let thrown: unknown = undefined;
  let completed = false;
  try {
    memory = metered.memory === undefined ? undefined : memories.take(metered.memory, job.sameTenant);
    const { module, host } = compiled;
    const imports = memory === undefined ? host.imports : host.importsWith(memory, MEMORY_IMPORT);
    const made = new WebAssembly.Instance(module, imports).exports;
    exports = made;
    (made[metered.budgetExport] as WasmGlobal).value = encodeBudget(job.budgets.fuel);
    const exported = made["memory"];
    context.bindMemory(exported instanceof WebAssembly.Memory ? exported : undefined);
    memories.watch();
    results = host.serve(context, () => {
      if (metered.startExport !== undefined) call(made, metered.startExport, []);
      if (plan.initialize) call(made, "_initialize", []);
      return encodeResults(plan.type, call(made, plan.name, plan.parameters));
    });
    completed = true;
  } catch (error) {
    thrown = error;
  }
  const left = exports === undefined ? encodeBudget(job.budgets.fuel) : (exports[metered.budgetExport] as WasmGlobal).value;
  const { fuelUsed, end } = decodeBudget(BigInt(left), job.budgets.fuel);
  const raw = endingOf(context.ending, { completed, usedUp: end, thrown });
  const output = context.collectOutput();
  const trace = context.calls.encode();
  const tooMuch = output === undefined && raw.fault === undefined;
  const ended = tooMuch ? faulted("engine/output-exceeded", "it left more files or bytes in /out than an output may have") : raw;
  return {
    ...ended,
    ...(output === undefined || output.length === 0 ? {} : { output }),
    ...(trace === undefined ? {} : { trace }),
    results: ended.fault === undefined && context.ending === undefined ? results : [],
    stdout: context.output.stdout.written,
    stderr: context.output.stderr.written,
    memoryBytes: memory === undefined ? 0 : memory.buffer.byteLength,
    fuel: fuelUsed,
    hostCalls: context.calls.count,
    refusals: context.refusals,
    deniedPaths: context.deniedPaths,
    observed: context.observed,
    repeat: !compiled.exactAtTraps && context.ending === undefined && isSuddenTrap(thrown),
  };
}

/** A trap in front of which the fast form has not written its fuel down. It has for `unreachable`. */
function isSuddenTrap(thrown: unknown): boolean {
  return thrown instanceof WebAssembly.RuntimeError && plainMessage(thrown) !== "unreachable";
}

function call(exports: WasmExports, name: string, parameters: readonly (number | bigint)[]): unknown {
  return (exports[name] as (...all: readonly (number | bigint)[]) => unknown)(...parameters);
}

type Ended = Pick<GuestOutcome, "exitCode" | "fault">;

type End = {
  readonly completed: boolean;
  readonly usedUp: "fuel" | "stack" | undefined;
  readonly thrown: unknown;
};

/** What the host ended comes first, then fuel, then the stack, then what V8 threw. Anything else is a bug, and ends the process. */
function endingOf(ending: Ending | undefined, { completed, usedUp, thrown }: End): Ended {
  if (ending?.kind === "bug") throw ending.error;
  if (ending?.kind === "exit") return { exitCode: ending.code, fault: undefined };
  if (ending?.kind === "fault") return faulted(ending.code, ending.detail);
  if (usedUp === "fuel") return faulted("engine/fuel-exhausted", "");
  if (usedUp === "stack") return faulted("engine/stack-overflow", "");
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
