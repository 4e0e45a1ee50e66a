import { type Bytes, fail, ok, type Result } from "#core";
import { Cursor } from "./cursor.ts";
import { readExports, readFunctions, readImports, readMemories, readTables, readTags, readTypes } from "./declaration.ts";
import { type BodyVisitor, readBodies, readData, readElements, readGlobals } from "./definition.ts";
import { emptyDraft, type ModuleDraft, typeOfFunction } from "./draft.ts";
import { type WasmFault, WasmRefusal } from "./fault.ts";
import { FEATURE_BIT, featureNames } from "./feature.ts";
import { checkHeader } from "./header.ts";
import { InstructionReader } from "./instruction.ts";
import { checkCount, DEFAULT_WASM_LIMITS, type WasmLimits } from "./limit.ts";
import type { ModuleShape } from "./shape.ts";
import type { FunctionType } from "./value-type.ts";

/** Section ids (core specification 5.5.2; 13 from the exception proposal). */
export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const;

/** The order in which sections may come, by id (5.5.16). */
const RANK: readonly number[] = [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 11, 6];

/**
 * Reads a whole module in the binary format (core specification, chapter 5), every instruction included, or says what is wrong
 * with it first. Never throws, never recurses, and uses time and memory in proportion to the input.
 */
export function parseModule(bytes: Bytes, limits?: Partial<WasmLimits>): Result<ModuleShape, WasmFault> {
  return walkModule(bytes, undefined, limits);
}

/** {@link parseModule} that shows each function body to `visit` on the way. What `visit` throws passes through. */
export function walkModule(
  bytes: Bytes,
  visit: BodyVisitor | undefined,
  limits?: Partial<WasmLimits>,
): Result<ModuleShape, WasmFault> {
  try {
    return ok(readModule(bytes, visit, { ...DEFAULT_WASM_LIMITS, ...limits }));
  } catch (error) {
    if (error instanceof WasmRefusal) return fail(error.fault);
    throw error;
  }
}

function readModule(bytes: Uint8Array, visit: BodyVisitor | undefined, limits: WasmLimits): ModuleShape {
  checkHeader(bytes, limits.bytesMax);
  const draft = emptyDraft();
  const spaces = { types: 0, functions: 0, globals: 0, tables: 0, memories: 0, tags: 0, elements: 0, data: -1 };
  const { branchTargetsMax, nestingMax, blockValuesMax } = limits;
  const reader = new InstructionReader(bytes, { spaces, signatures: draft, branchTargetsMax, nestingMax, blockValuesMax });
  const file = new Cursor(bytes, 8, bytes.length);
  let rank = 0;
  let customCount = 0;
  let dataSeen = false;
  while (file.at < bytes.length) {
    const idOffset = file.at;
    const id = file.u8();
    const size = readSectionSize(file);
    const section = new Cursor(bytes, file.at, file.at + size);
    file.at += size;
    if (id === SECTION.custom) {
      checkCount("custom sections", ++customCount, limits.customSectionsMax);
      const name = section.name(limits.nameBytesMax);
      draft.sections.push({ id, name, offset: section.end - size, sizeBytes: size, count: 0, itemsOffset: section.at });
      continue;
    }
    const sectionRank = RANK[id];
    if (sectionRank === undefined) {
      if (id === 14) section.unsupported("stringref", idOffset);
      return section.malformed(`unknown section ${id}`, idOffset);
    }
    if (sectionRank <= rank) section.malformed(`section ${id} is repeated or out of order`, idOffset);
    rank = sectionRank;
    readSection({ id, size, section, draft, limits, reader, visit });
    if (id === SECTION.data) dataSeen = true;
    if (section.at !== section.end) section.malformed("the section is longer than its contents");
  }
  finishSections(draft, file, dataSeen);
  return shapeOf(bytes, draft, draft.features | reader.features);
}

/** A size that leads outside of the file is a truncation; inside a section nothing is. */
function readSectionSize(file: Cursor): number {
  let size: number;
  try {
    size = file.u32();
  } catch (error) {
    if (file.at >= file.end) throw new WasmRefusal({ code: "wasm/truncated", offset: file.end });
    throw error;
  }
  if (size > file.end - file.at) throw new WasmRefusal({ code: "wasm/truncated", offset: file.end });
  return size;
}

type SectionTask = {
  readonly id: number;
  readonly size: number;
  readonly section: Cursor;
  readonly draft: ModuleDraft;
  readonly limits: WasmLimits;
  readonly reader: InstructionReader;
  readonly visit: BodyVisitor | undefined;
};

function readSection(task: SectionTask): void {
  const { id, size, section, draft, limits, reader, visit } = task;
  const offset = section.at;
  const count = section.u32();
  draft.sections.push({ id, name: "", offset, sizeBytes: size, count, itemsOffset: section.at });
  switch (id) {
    case SECTION.type:
      readTypes(section, draft, limits, count);
      break;
    case SECTION.import:
      readImports(section, draft, limits, count);
      break;
    case SECTION.function:
      readFunctions(section, draft, limits, count);
      break;
    case SECTION.table:
      readTables(section, draft, limits, count);
      break;
    case SECTION.memory:
      readMemories(section, draft, count);
      break;
    case SECTION.tag:
      readTags(section, draft, limits, count);
      break;
    case SECTION.global:
      readGlobals(section, draft, limits, reader, count);
      break;
    case SECTION.export:
      readExports(section, draft, limits, count);
      break;
    case SECTION.start:
      if (count >= draft.functionCount) section.malformed(`there is no function ${count}`, offset);
      // The one type rule that is checked here (3.4.13): the meter takes this section out, so V8 will not see it.
      if (!takesNothing(typeOfFunction(draft, count)))
        section.malformed("the start function must take and return nothing", offset);
      draft.startFunction = count;
      break;
    case SECTION.element:
      readElements(section, draft, limits, reader, count);
      break;
    case SECTION.dataCount:
      draft.features |= FEATURE_BIT["bulk-memory"];
      draft.dataCount = count;
      break;
    case SECTION.code:
      readBodies(section, draft, limits, reader, visit, count);
      break;
    default:
      readData(section, draft, limits, reader, count);
  }
  syncSpaces(reader, draft);
}

function takesNothing(type: FunctionType): boolean {
  return type.params.length === 0 && type.results.length === 0;
}

function syncSpaces(reader: InstructionReader, draft: ModuleDraft): void {
  reader.spaces.types = draft.types.length;
  reader.spaces.functions = draft.functionCount;
  reader.spaces.globals = draft.globals.length;
  reader.spaces.tables = draft.tables.length;
  reader.spaces.memories = draft.memories.length;
  reader.spaces.tags = draft.tagCount;
  reader.spaces.data = draft.dataCount;
}

function finishSections(draft: ModuleDraft, file: Cursor, dataSeen: boolean): void {
  const hasCode = draft.sections.some((section) => section.id === SECTION.code);
  if (!hasCode && draft.functionCount !== draft.importedFunctionCount) file.malformed("functions without bodies");
  if (draft.dataCount > 0 && !dataSeen) file.malformed("the data count section and the data section differ");
}

function shapeOf(bytes: Uint8Array, draft: ModuleDraft, features: number): ModuleShape {
  return {
    sizeBytes: bytes.length,
    types: draft.types,
    imports: draft.imports,
    exports: draft.exports,
    memories: draft.memories,
    tables: draft.tables,
    globals: draft.globals,
    data: draft.data,
    functionCount: draft.functionCount,
    importedFunctionCount: draft.importedFunctionCount,
    startFunction: draft.startFunction,
    sections: draft.sections,
    features: featureNames(features),
  };
}
