import { type Bytes, fail, ok, type Result } from "#core";
import type { EngineFault } from "#ports";
import { type DataShape, explainWasmFault, type ModuleShape, walkModule, type WasmFault, type WasmLimits } from "#wasm";
import { AddedTypes, type AssemblyPlan, assembleModule } from "./assemble.ts";
import { BodyWriter } from "./body.ts";
import { type MeterIndices, writeHelpers } from "./charge.ts";
import { Output } from "./output.ts";
import { Segments } from "./segment.ts";
import { capTables, TABLE_ENTRIES_MAX } from "./table-cap.ts";
import { PAGE_BYTES } from "../web-assembly.ts";

/** A module that counts its own fuel, bounds its own stack, and cannot outgrow its memory. */
export type MeteredModule = {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The module as it was before. */
  readonly shape: ModuleShape;
  /** The export that holds what is left of fuel and stack, a mutable i64 (frame.ts). The host sets it before anything runs. */
  readonly budgetExport: string;
  /** The export to call in place of the start section, which is taken out so that fuel and memory are there when it runs. */
  readonly startExport: string | undefined;
  /** The memory that the host hands in as `MEMORY_IMPORT`, with exactly these sizes, where the module had one of its own. */
  readonly memory: OwnMemory | undefined;
};

/** In pages. `dataPages` are those that instantiation writes; undefined where the module computes them. */
export type OwnMemory = {
  readonly pagesMin: number;
  readonly pagesMax: number;
  readonly dataPages: readonly number[] | undefined;
};

/** What a module is metered for. */
export type MeterOptions = {
  readonly memoryPagesMax: number;
  /**
   * Whether the budget is right after every trap. Without, it is right after everything else, `unreachable` and exhaustion included,
   * and costs a store less in every loop that touches memory; whoever then meets a trap runs the exact form again.
   */
  readonly exactAtTraps: boolean;
  readonly limits?: Partial<WasmLimits>;
  /** Fuel that is there before the host sets any, only for functions that outlive an instance which failed. */
  readonly fuelInitially?: number;
};

/**
 * Rewrites a module in one pass so that it meters itself (docs/formats/fuel.md): a charge for each segment, in front of each bulk
 * operation, and after each growth of memory; frames taken from a stack of a fixed size; its memory imported, with a maximum of at
 * most `memoryPagesMax`; the maxima of its tables cut. Globals, locals, types and functions are appended, so no index changes.
 */
export function meterModule(bytes: Bytes, options: MeterOptions): Result<MeteredModule, EngineFault> {
  const code = new Output(Math.ceil(bytes.length * 1.6));
  const segments = new Segments();
  const writer = new BodyWriter(code, options.exactAtTraps);
  let indices: MeterIndices | undefined;
  let addedTypes: AddedTypes | undefined;
  let usesHelpers = false;
  let usesGrow = false;
  const walked = walkModule(
    bytes,
    (reader, body) => {
      indices ??= indicesAfter(reader.spaces.functions, reader.spaces.globals);
      const types = (addedTypes ??= new AddedTypes(reader.spaces.types));
      segments.read(reader, body);
      usesHelpers ||= segments.usesHelpers;
      usesGrow ||= segments.usesGrow;
      writer.write({ source: bytes, body, segments, indices, blockTypeOf: (one) => types.blockTypeOf(one) });
    },
    options.limits,
  );
  if (!walked.ok) return fail(engineFaultOf(walked.fault));
  const shape = walked.value;
  if (usesGrow && shape.memories.length === 0) return refuse("engine/invalid-module", "`memory.grow` without a memory");
  const memory = shape.memories[0];
  if (memory !== undefined && memory.pagesMin > options.memoryPagesMax) {
    const needed = `it begins with ${memory.pagesMin} pages of 64 KiB, and its budget is ${options.memoryPagesMax}`;
    return refuse("engine/memory-exceeded", needed);
  }
  const tableMaxima = capTables(shape.tables);
  if (tableMaxima === undefined) {
    return refuse("engine/memory-exceeded", `its tables begin with more than ${TABLE_ENTRIES_MAX} entries`);
  }
  addedTypes ??= new AddedTypes(shape.types.length);
  if (usesHelpers && indices !== undefined) {
    writeHelpers(code, indices, memory !== undefined);
    addedTypes.indexOf(["i32"], ["i32"]);
  }
  const { fuelInitially = 0, memoryPagesMax } = options;
  const parts = { ...exportsFor(shape), memory: ownMemory(shape, memoryPagesMax) };
  const plan: AssemblyPlan = { bytes, shape, code, addedTypes, usesHelpers, tableMaxima, fuelInitially, ...parts };
  return ok({ bytes: assembleModule(plan), shape, ...parts });
}

function indicesAfter(functions: number, globals: number): MeterIndices {
  const helpers = { chargeBytes: functions, chargeEntries: functions + 1, grow: functions + 2 };
  return { budgetGlobal: globals, ...helpers };
}

function exportsFor(shape: ModuleShape): Pick<MeteredModule, "budgetExport" | "startExport"> {
  const names = new Set(shape.exports.map((one) => one.name));
  return {
    budgetExport: freeName("nightcore.budget", names),
    startExport: shape.startFunction === undefined ? undefined : freeName("nightcore.start", names),
  };
}

function ownMemory({ memories, data }: ModuleShape, memoryPagesMax: number): OwnMemory | undefined {
  const memory = memories[0];
  if (memory === undefined || memory.imported) return undefined;
  const { pagesMin } = memory;
  return { pagesMin, pagesMax: Math.min(memory.pagesMax ?? Infinity, memoryPagesMax), dataPages: dataPagesOf(data, pagesMin) };
}

/** The pages that hold a byte of these segments; one that reaches outside of the memory makes instantiation fail. */
function dataPagesOf(data: readonly DataShape[], pagesMin: number): readonly number[] | undefined {
  const pages = new Set<number>();
  for (const { offset, sizeBytes } of data) {
    if (offset === undefined) return undefined;
    const last = Math.min(Math.floor((offset + sizeBytes - 1) / PAGE_BYTES), pagesMin - 1);
    for (let page = Math.floor(offset / PAGE_BYTES); page <= last; page++) pages.add(page);
  }
  return [...pages];
}

/** The engine's word for what the reader found. */
export function engineFaultOf(fault: WasmFault): EngineFault {
  const detail = explainWasmFault(fault).message;
  return { code: fault.code === "wasm/unsupported" ? "engine/unsupported-feature" : "engine/invalid-module", detail };
}

function refuse(code: EngineFault["code"], detail: string): Result<never, EngineFault> {
  return fail({ code, detail });
}

/** A guest may export anything, our names too; ours then grow until they are free. */
function freeName(wanted: string, taken: ReadonlySet<string>): string {
  let name = wanted;
  for (let i = 1; taken.has(name); i++) name = `${wanted}.${i}`;
  return name;
}
