import { type Bytes, fail, ok, type Result, utf8 } from "#core";
import type { EngineFault } from "#ports";
import { explainWasmFault, type ModuleShape, SECTION, walkModule, type WasmFault, type WasmLimits } from "#wasm";
import { type MeterIndices, writeBody, writeHelpers } from "./body.ts";
import { Output } from "./output.ts";
import { Segments } from "./segment.ts";
import { capTables, TABLE_ENTRIES_MAX } from "./table-cap.ts";

/** A module that counts its own fuel and cannot outgrow its memory. */
export type MeteredModule = {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The module as it was before. */
  readonly shape: ModuleShape;
  /** The export that holds the fuel left, a mutable i64; below zero once it is used up. The host sets it before anything runs. */
  readonly fuelExport: string;
  /** The export to call in place of the start section, which is taken out so that fuel and memory are there when it runs. */
  readonly startExport: string | undefined;
  /** The export by which the host measures the memory; the guest may export it under other names or not at all. */
  readonly memoryExport: string | undefined;
};

/** The order of sections in the file (core specification 5.5.16), without custom ones: their offsets would be wrong. */
const SECTION_ORDER = [
  SECTION.type,
  SECTION.import,
  SECTION.function,
  SECTION.table,
  SECTION.memory,
  SECTION.tag,
  SECTION.global,
  SECTION.export,
  SECTION.element,
  SECTION.dataCount,
  SECTION.code,
  SECTION.data,
] as const;

/**
 * Rewrites a module in one pass so that it meters itself (docs/formats/fuel.md): a charge at each straight-line segment, in
 * front of each bulk operation, and after each growth of memory; the maximum of its memory cut to `memoryPagesMax`, those of
 * its tables to a fixed cap. Global, locals, type and functions are appended, so no index changes.
 */
export function meterModule(
  bytes: Bytes,
  options: { readonly memoryPagesMax: number; readonly limits?: Partial<WasmLimits> },
): Result<MeteredModule, EngineFault> {
  const code = new Output(Math.ceil(bytes.length * 1.6));
  const segments = new Segments();
  let indices: MeterIndices | undefined;
  let usesHelpers = false;
  let usesGrow = false;
  const walked = walkModule(
    bytes,
    (reader, body) => {
      const functions = reader.spaces.functions;
      indices ??= {
        fuelGlobal: reader.spaces.globals,
        chargeBytes: functions,
        chargeEntries: functions + 1,
        grow: functions + 2,
      };
      segments.read(reader, body.codeOffset);
      usesHelpers ||= segments.usesHelpers;
      usesGrow ||= segments.usesGrow;
      writeBody(code, bytes, body, segments, indices);
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
  if (usesHelpers && indices !== undefined) writeHelpers(code, indices, memory !== undefined);
  const names = new Set(shape.exports.map((one) => one.name));
  const fuelExport = freeName("nightcore.fuel", names);
  const startExport = shape.startFunction === undefined ? undefined : freeName("nightcore.start", names);
  const memoryExport = memory === undefined ? undefined : freeName("nightcore.memory", names);
  const exports = { fuelExport, startExport, memoryExport };
  const plan: Plan = { bytes, shape, code, usesHelpers, tableMaxima, ...exports, memoryPagesMax: options.memoryPagesMax };
  return ok({ bytes: assemble(plan), shape, ...exports });
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

type Plan = {
  readonly bytes: Bytes;
  readonly shape: ModuleShape;
  readonly code: Output;
  readonly usesHelpers: boolean;
  readonly tableMaxima: readonly number[];
  readonly fuelExport: string;
  readonly startExport: string | undefined;
  readonly memoryExport: string | undefined;
  readonly memoryPagesMax: number;
};

function assemble(plan: Plan): Uint8Array<ArrayBuffer> {
  const output = new Output(plan.bytes.length + plan.code.length + 256);
  output.all(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
  for (const id of SECTION_ORDER) writeSection(output, plan, id);
  return output.written;
}

function writeSection(output: Output, plan: Plan, id: number): void {
  const section = plan.shape.sections.find((one) => one.id === id);
  const added = addedItems(plan, id);
  if (section === undefined && added === 0) return;
  output.u8(id);
  const start = output.reserveSize();
  const count = section?.count ?? 0;
  if (id === SECTION.table) writeTables(output, plan);
  else if (id === SECTION.memory) writeMemory(output, plan);
  else if (id === SECTION.code) {
    output.u32(count + added);
    output.copy(plan.code.written, 0, plan.code.length);
  } else {
    output.u32(count + added);
    if (section !== undefined) output.copy(plan.bytes, section.itemsOffset, section.offset + section.sizeBytes);
    writeAdded(output, plan, id);
  }
  output.patchSize(start);
}

function addedItems(plan: Plan, id: number): number {
  if (id === SECTION.global) return 1;
  if (id === SECTION.export) return 1 + (plan.startExport === undefined ? 0 : 1) + (plan.memoryExport === undefined ? 0 : 1);
  if (!plan.usesHelpers) return 0;
  if (id === SECTION.type) return 1;
  return id === SECTION.function || id === SECTION.code ? 3 : 0;
}

function writeAdded(output: Output, plan: Plan, id: number): void {
  const { shape } = plan;
  if (id === SECTION.global) output.all(0x7e, 0x01, 0x42, 0x00, 0x0b); // mutable i64, 0
  if (id === SECTION.export) {
    output.text(utf8(plan.fuelExport));
    output.u8(0x03);
    output.u32(shape.globals.length);
    if (plan.startExport !== undefined && shape.startFunction !== undefined) {
      output.text(utf8(plan.startExport));
      output.u8(0x00);
      output.u32(shape.startFunction);
    }
    if (plan.memoryExport !== undefined) {
      output.text(utf8(plan.memoryExport));
      output.all(0x02, 0x00);
    }
  }
  if (!plan.usesHelpers) return;
  if (id === SECTION.type) output.all(0x60, 0x01, 0x7f, 0x01, 0x7f); // (i32) -> (i32)
  if (id === SECTION.function) for (let i = 0; i < 3; i++) output.u32(shape.types.length);
}

const REFERENCE_TYPE_BYTE = { funcref: 0x70, externref: 0x6f, exnref: 0x69 } as const;

function writeTables(output: Output, plan: Plan): void {
  const own = plan.shape.tables.filter((table) => !table.imported);
  output.u32(own.length);
  plan.shape.tables.forEach((table, i) => {
    if (table.imported) return;
    output.all(REFERENCE_TYPE_BYTE[table.element], 0x01);
    output.u32(table.entriesMin);
    output.u32(plan.tableMaxima[i] ?? table.entriesMin);
  });
}

function writeMemory(output: Output, plan: Plan): void {
  const own = plan.shape.memories.filter((memory) => !memory.imported);
  output.u32(own.length);
  for (const memory of own) {
    output.u8(0x01);
    output.u32(memory.pagesMin);
    output.u32(Math.min(memory.pagesMax ?? Infinity, plan.memoryPagesMax));
  }
}
