import type { Cursor } from "./cursor.ts";
import { addFunction, type ModuleDraft, typeOfFunction } from "./draft.ts";
import { FEATURE_BIT } from "./feature.ts";
import { checkCount, type WasmLimits } from "./limit.ts";
import type { ExternalKind, GlobalShape, MemoryShape, TableShape } from "./shape.ts";
import { readFunctionType, readReferenceType, readValueType } from "./value-type.ts";

const EXTERNAL_KINDS: readonly ExternalKind[] = ["function", "table", "memory", "global", "tag"];

const MEMORY_PAGES_MAX = 65_536; // core specification 3.2.5: 4 GiB

/** 5.5.4. */
export function readTypes(cursor: Cursor, draft: ModuleDraft, limits: WasmLimits, count: number): void {
  checkCount("types", count, limits.typesMax);
  for (let i = 0; i < count; i++) draft.types.push(readFunctionType(cursor, draft, limits.parametersMax));
}

/** 5.5.5. */
export function readImports(cursor: Cursor, draft: ModuleDraft, limits: WasmLimits, count: number): void {
  checkCount("imports", count, limits.importsMax);
  for (let i = 0; i < count; i++) {
    const module = cursor.name(limits.nameBytesMax);
    const name = cursor.name(limits.nameBytesMax);
    const offset = cursor.at;
    const kind = EXTERNAL_KINDS[cursor.u8()];
    let type = undefined;
    if (kind === "function") {
      addFunction(draft, readTypeIndex(cursor, draft));
      draft.importedFunctionCount++;
      type = typeOfFunction(draft, draft.functionCount - 1);
    } else if (kind === "table") draft.tables.push(readTableType(cursor, draft, true));
    else if (kind === "memory") addMemory(draft, readMemoryType(cursor, true), cursor, offset);
    else if (kind === "global") {
      const global = readGlobalType(cursor, draft, true);
      if (global.mutable) draft.features |= FEATURE_BIT["mutable-globals"];
      draft.globals.push(global);
    } else if (kind === "tag") type = readTag(cursor, draft);
    else cursor.malformed("unknown kind of import", offset);
    draft.imports.push({ module, name, kind, type });
  }
  checkCount("tables", draft.tables.length, limits.tablesMax);
}

/** 5.5.6. */
export function readFunctions(cursor: Cursor, draft: ModuleDraft, limits: WasmLimits, count: number): void {
  checkCount("functions", count + draft.functionCount, limits.functionsMax);
  for (let i = 0; i < count; i++) addFunction(draft, readTypeIndex(cursor, draft));
}

/** 5.5.7. */
export function readTables(cursor: Cursor, draft: ModuleDraft, limits: WasmLimits, count: number): void {
  checkCount("tables", count + draft.tables.length, limits.tablesMax);
  for (let i = 0; i < count; i++) {
    // 5.5.7: a table with an initial value begins with 0x40
    if (cursor.at < cursor.end && cursor.bytes[cursor.at] === 0x40) cursor.unsupported("function-references", cursor.at);
    draft.tables.push(readTableType(cursor, draft, false));
  }
  if (draft.tables.length > 1) draft.features |= FEATURE_BIT["reference-types"];
}

/** 5.5.8. */
export function readMemories(cursor: Cursor, draft: ModuleDraft, count: number): void {
  for (let i = 0; i < count; i++) {
    const offset = cursor.at;
    addMemory(draft, readMemoryType(cursor, false), cursor, offset);
  }
}

/** The tag section of the exception handling proposal. */
export function readTags(cursor: Cursor, draft: ModuleDraft, limits: WasmLimits, count: number): void {
  checkCount("tags", count + draft.tagCount, limits.tagsMax);
  for (let i = 0; i < count; i++) readTag(cursor, draft);
}

/** 5.5.10. Names are unique (3.4.14); prototype names are names like all others. */
export function readExports(cursor: Cursor, draft: ModuleDraft, limits: WasmLimits, count: number): void {
  checkCount("exports", count, limits.exportsMax);
  const names = new Set<string>();
  for (let i = 0; i < count; i++) {
    const offset = cursor.at;
    const name = cursor.name(limits.nameBytesMax);
    if (names.has(name)) cursor.malformed("two exports have the same name", offset);
    names.add(name);
    const kind = EXTERNAL_KINDS[cursor.u8()];
    const index = cursor.u32();
    if (kind === undefined) return cursor.malformed("unknown kind of export", offset);
    if (index >= spaceOf(draft, kind)) cursor.malformed(`there is no ${kind} ${index}`, offset);
    if (kind === "global" && draft.globals[index]?.mutable === true) draft.features |= FEATURE_BIT["mutable-globals"];
    draft.exports.push({ name, kind, index, type: kind === "function" ? typeOfFunction(draft, index) : undefined });
  }
}

function spaceOf(draft: ModuleDraft, kind: ExternalKind): number {
  switch (kind) {
    case "function":
      return draft.functionCount;
    case "table":
      return draft.tables.length;
    case "memory":
      return draft.memories.length;
    case "global":
      return draft.globals.length;
    case "tag":
      return draft.tagCount;
  }
}

function readTypeIndex(cursor: Cursor, draft: ModuleDraft): number {
  const offset = cursor.at;
  const index = cursor.u32();
  if (index >= draft.types.length) cursor.malformed(`there is no type ${index}`, offset);
  return index;
}

function readTag(cursor: Cursor, draft: ModuleDraft): (typeof draft.types)[number] | undefined {
  if (cursor.u8() !== 0) cursor.malformed("unknown attribute of a tag", cursor.at - 1);
  const index = readTypeIndex(cursor, draft);
  draft.tagCount++;
  draft.features |= FEATURE_BIT.exceptions;
  return draft.types[index];
}

/** 5.3.12: flags 0 and 1 are 1.0; bit 1 shares, bit 2 takes 64-bit addresses, bit 3 changes the page size. */
function readLimits(cursor: Cursor, countMax: number): { readonly min: number; readonly max: number | undefined } {
  const offset = cursor.at;
  const flags = cursor.u8();
  if (flags >= 0x10) cursor.malformed("unknown flags of limits", offset);
  if ((flags & 8) !== 0) cursor.unsupported("custom-page-sizes", offset);
  if ((flags & 4) !== 0) cursor.unsupported("memory64", offset);
  if ((flags & 2) !== 0) cursor.unsupported("threads", offset);
  const min = cursor.u32();
  const max = (flags & 1) === 0 ? undefined : cursor.u32();
  if (min > countMax || (max !== undefined && (max > countMax || max < min)))
    cursor.malformed("limits that cannot be met", offset);
  return { min, max };
}

function readMemoryType(cursor: Cursor, imported: boolean): MemoryShape {
  const { min, max } = readLimits(cursor, MEMORY_PAGES_MAX);
  return { pagesMin: min, pagesMax: max, imported };
}

function addMemory(draft: ModuleDraft, memory: MemoryShape, cursor: Cursor, offset: number): void {
  if (draft.memories.length === 1) cursor.unsupported("multi-memory", offset);
  draft.memories.push(memory);
}

function readTableType(cursor: Cursor, draft: ModuleDraft, imported: boolean): TableShape {
  const element = readReferenceType(cursor, draft);
  const { min, max } = readLimits(cursor, 0xffff_ffff);
  return { element, entriesMin: min, entriesMax: max, imported };
}

/** 5.3.14, for imports and for the global section. */
export function readGlobalType(cursor: Cursor, draft: ModuleDraft, imported: boolean): GlobalShape {
  const type = readValueType(cursor, draft);
  if (type === "funcref") draft.features |= FEATURE_BIT["reference-types"];
  const offset = cursor.at;
  const mutable = cursor.u8();
  if ((mutable & 2) !== 0 && mutable < 4) cursor.unsupported("threads", offset);
  if (mutable > 1) cursor.malformed("unknown mutability", offset);
  return { type, mutable: mutable === 1, imported };
}
