import { type Bytes, utf8 } from "#core";
import { type BodyShape, type ModuleShape, SECTION, type ValueType } from "#wasm";
import { encodeBudget } from "./frame.ts";
import { Output } from "./output.ts";

/** The module and the field that a rewritten module imports its own memory from. */
export const MEMORY_IMPORT = { module: "nightcore", name: "memory" } as const;

/** Everything that the sections of a rewritten module are written from. */
export type AssemblyPlan = {
  readonly bytes: Bytes;
  readonly shape: ModuleShape;
  readonly code: Output;
  readonly addedTypes: AddedTypes;
  readonly usesHelpers: boolean;
  readonly memory: { readonly pagesMin: number; readonly pagesMax: number } | undefined;
  readonly tableMaxima: readonly number[];
  readonly budgetExport: string;
  readonly startExport: string | undefined;
  readonly fuelInitially: number;
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

const VALUE_TYPE_BYTE: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
  funcref: 0x70,
  externref: 0x6f,
  exnref: 0x69,
};

/** Types that the meter needs and appends: of its helpers, and of blocks that return several values. */
export class AddedTypes {
  readonly #first: number;
  readonly #indices = new Map<string, number>();
  readonly encoded: (readonly number[])[] = [];

  constructor(typeCount: number) {
    this.#first = typeCount;
  }

  /** The index of a type, which is added when it is not there yet. */
  indexOf(params: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${params.join(" ")} -> ${results.join(" ")}`;
    let index = this.#indices.get(key);
    if (index === undefined) {
      index = this.#first + this.encoded.length;
      this.#indices.set(key, index);
      const list = (types: readonly ValueType[]): readonly number[] => [
        ...leb128(types.length),
        ...types.map((type) => VALUE_TYPE_BYTE[type]),
      ];
      this.encoded.push([0x60, ...list(params), ...list(results)]);
    }
    return index;
  }

  /** The block type (5.4.1) of the results of a function. */
  blockTypeOf({ type: { results } }: BodyShape): readonly number[] {
    const [only] = results;
    if (only === undefined) return [0x40];
    return results.length === 1 ? [VALUE_TYPE_BYTE[only]] : leb128(this.indexOf([], results), 0x40);
  }
}

/** A number as LEB128; with `end` 0x40 as a signed one. */
function leb128(value: number, end = 0x80): readonly number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= end; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}

/** Writes the whole module: what was there, section by section, with what the meter adds behind it. */
export function assembleModule(plan: AssemblyPlan): Uint8Array<ArrayBuffer> {
  const output = new Output(plan.bytes.length + plan.code.length + 256);
  output.all(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
  for (const id of SECTION_ORDER) writeSection(output, plan, id);
  return output.written;
}

function writeSection(output: Output, plan: AssemblyPlan, id: number): void {
  const section = plan.shape.sections.find((one) => one.id === id);
  const added = addedItems(plan, id);
  if (section === undefined && added === 0) return;
  if (id === SECTION.memory && plan.memory !== undefined) return; // it is imported now
  output.u8(id);
  const start = output.reserveSize();
  const count = section?.count ?? 0;
  if (id === SECTION.table) writeTables(output, plan);
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

function addedItems(plan: AssemblyPlan, id: number): number {
  switch (id) {
    case SECTION.type:
      return plan.addedTypes.encoded.length;
    case SECTION.import:
      return plan.memory === undefined ? 0 : 1;
    case SECTION.global:
      return 1;
    case SECTION.export:
      return plan.startExport === undefined ? 1 : 2;
    case SECTION.function:
    case SECTION.code:
      return plan.usesHelpers ? 3 : 0;
    default:
      return 0;
  }
}

function writeAdded(output: Output, plan: AssemblyPlan, id: number): void {
  switch (id) {
    case SECTION.type:
      for (const type of plan.addedTypes.encoded) output.all(...type);
      return;
    case SECTION.import:
      return writeMemoryImport(output, plan);
    case SECTION.global:
      output.all(0x7e, 0x01, 0x42); // mutable i64, constant
      output.s64(encodeBudget(plan.fuelInitially));
      output.u8(0x0b);
      return;
    case SECTION.export:
      return writeExports(output, plan);
    case SECTION.function:
      if (plan.usesHelpers) for (let i = 0; i < 3; i++) output.u32(plan.addedTypes.indexOf(["i32"], ["i32"]));
      return;
    default:
  }
}

function writeExports(output: Output, { shape, budgetExport, startExport }: AssemblyPlan): void {
  const write = (name: string, kind: number, index: number): void => {
    output.text(utf8(name));
    output.u8(kind);
    output.u32(index);
  };
  write(budgetExport, 3, shape.globals.length);
  if (startExport !== undefined && shape.startFunction !== undefined) write(startExport, 0, shape.startFunction);
}

/** There is at most one memory, so its index stays what it was. */
function writeMemoryImport(output: Output, { memory }: AssemblyPlan): void {
  if (memory === undefined) return;
  output.text(utf8(MEMORY_IMPORT.module));
  output.text(utf8(MEMORY_IMPORT.name));
  output.all(0x02, 0x01);
  output.u32(memory.pagesMin);
  output.u32(memory.pagesMax);
}

function writeTables(output: Output, plan: AssemblyPlan): void {
  const own = plan.shape.tables.filter((table) => !table.imported);
  output.u32(own.length);
  plan.shape.tables.forEach((table, i) => {
    if (table.imported) return;
    output.all(VALUE_TYPE_BYTE[table.element], 0x01);
    output.u32(table.entriesMin);
    output.u32(plan.tableMaxima[i] ?? table.entriesMin);
  });
}
