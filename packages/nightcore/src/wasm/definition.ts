import { skipConstantExpression } from "./constant-expression.ts";
import { Cursor } from "./cursor.ts";
import { type ModuleDraft, typeOfFunction } from "./draft.ts";
import { FEATURE_BIT } from "./feature.ts";
import type { InstructionReader } from "./instruction.ts";
import { checkCount, type WasmLimits } from "./limit.ts";
import { OP } from "./opcode.ts";
import { readGlobalType } from "./declaration.ts";
import { type FunctionType, readReferenceType, readValueType, type ValueType } from "./value-type.ts";

/** One function body as it lies in the file (5.5.13). */
export type BodyShape = {
  readonly functionIndex: number;
  /** Functions up to this index are imported. */
  readonly importedFunctionCount: number;
  readonly type: FunctionType;
  /** Parameters and declared locals. */
  readonly localCount: number;
  /** The same in units of 64 bits: a v128 counts as two. */
  readonly localSlots: number;
  /** Groups of equal locals, and where the first of them is declared. */
  readonly localGroupCount: number;
  readonly localGroupsOffset: number;
  readonly codeOffset: number;
  readonly endOffset: number;
};

/** What `walkModule` calls for each body. The reader stands before the first instruction; what is left of the body is read on. */
export type BodyVisitor = (reader: InstructionReader, body: BodyShape) => void;

/** 5.5.9. */
export function readGlobals(
  cursor: Cursor,
  draft: ModuleDraft,
  limits: WasmLimits,
  reader: InstructionReader,
  count: number,
): void {
  checkCount("globals", count + draft.globals.length, limits.globalsMax);
  for (let i = 0; i < count; i++) {
    const global = readGlobalType(cursor, draft, false);
    reader.spaces.globals = draft.globals.length; // an initial value names globals before its own
    cursor.at = skipConstantExpression(reader, cursor.at, cursor.end);
    draft.globals.push(global);
  }
  reader.spaces.globals = draft.globals.length;
}

/** 5.5.12: bit 0 passive or declarative, bit 1 an explicit table or declarative, bit 2 expressions in place of indices. */
export function readElements(
  cursor: Cursor,
  draft: ModuleDraft,
  limits: WasmLimits,
  reader: InstructionReader,
  count: number,
): void {
  checkCount("element segments", count, limits.elementSegmentsMax);
  for (let i = 0; i < count; i++) {
    const offset = cursor.at;
    const flags = cursor.u32();
    if (flags > 7) cursor.malformed("unknown flags of an element segment", offset);
    if ((flags & 1) !== 0) draft.features |= FEATURE_BIT["bulk-memory"];
    if (flags !== 0) draft.features |= FEATURE_BIT["reference-types"];
    if ((flags & 1) === 0) {
      const table = (flags & 2) === 0 ? 0 : cursor.u32();
      if (table >= draft.tables.length) cursor.malformed(`there is no table ${table}`, offset);
      cursor.at = skipConstantExpression(reader, cursor.at, cursor.end);
    }
    if ((flags & 3) !== 0) {
      if ((flags & 4) !== 0) readReferenceType(cursor, draft);
      else if (cursor.u8() !== 0) cursor.malformed("unknown kind of element", cursor.at - 1);
    }
    const length = cursor.u32();
    for (let j = 0; j < length; j++) {
      if ((flags & 4) !== 0) cursor.at = skipConstantExpression(reader, cursor.at, cursor.end);
      else if (cursor.u32() >= draft.functionCount) cursor.malformed("an element names a function that is not there");
    }
  }
  draft.elementCount = count;
  reader.spaces.elements = count;
}

/** 5.5.13. Each body is decoded to its last byte, instruction by instruction. */
export function readBodies(
  cursor: Cursor,
  draft: ModuleDraft,
  limits: WasmLimits,
  reader: InstructionReader,
  visit: BodyVisitor | undefined,
  count: number,
): void {
  if (count !== draft.functionCount - draft.importedFunctionCount) cursor.malformed("functions and bodies differ in number");
  const sectionEnd = cursor.end;
  let localsTotal = 0;
  for (let i = 0; i < count; i++) {
    const size = cursor.u32();
    if (size > sectionEnd - cursor.at) cursor.malformed("a body ends outside of its section");
    const end = cursor.at + size;
    cursor.end = end;
    const functionIndex = draft.importedFunctionCount + i;
    const type = typeOfFunction(draft, functionIndex);
    const localGroupCount = cursor.u32();
    const localGroupsOffset = cursor.at;
    const { localCount, localSlots } = readLocals(cursor, draft, limits, type, localGroupCount);
    localsTotal += localCount;
    checkCount("locals in all functions", localsTotal, limits.localsTotalMax);
    reader.begin(cursor.at, end, localCount);
    if (visit !== undefined) {
      visit(reader, {
        functionIndex,
        importedFunctionCount: draft.importedFunctionCount,
        type,
        localCount,
        localSlots,
        localGroupCount,
        localGroupsOffset,
        codeOffset: cursor.at,
        endOffset: end,
      });
    }
    while (reader.depth > 0) reader.next();
    cursor.at = end;
    cursor.end = sectionEnd;
  }
}

function readLocals(
  cursor: Cursor,
  draft: ModuleDraft,
  limits: WasmLimits,
  { params }: FunctionType,
  groups: number,
): { readonly localCount: number; readonly localSlots: number } {
  let localCount = params.length;
  let localSlots = slotsOf(params);
  for (let i = 0; i < groups; i++) {
    const count = cursor.u32();
    localCount += count;
    checkCount("locals in a function", localCount, limits.localsMax);
    const type = readValueType(cursor, draft);
    if (type === "funcref") draft.features |= FEATURE_BIT["reference-types"];
    localSlots += type === "v128" ? 2 * count : count;
  }
  return { localCount, localSlots };
}

/** How many units of 64 bits values take: two for a v128. */
export function slotsOf(types: readonly ValueType[]): number {
  let slots = types.length;
  for (const type of types) if (type === "v128") slots++;
  return slots;
}

/** 5.5.14: 0 active, 1 passive, 2 active with a memory index. */
export function readData(cursor: Cursor, draft: ModuleDraft, limits: WasmLimits, reader: InstructionReader, count: number): void {
  checkCount("data segments", count, limits.dataSegmentsMax);
  if (draft.dataCount >= 0 && draft.dataCount !== count) cursor.malformed("the data count section and the data section differ");
  for (let i = 0; i < count; i++) {
    const offset = cursor.at;
    const flags = cursor.u32();
    if (flags > 2) cursor.malformed("unknown flags of a data segment", offset);
    if (flags === 1) draft.features |= FEATURE_BIT["bulk-memory"];
    if (flags === 2 && cursor.u32() !== 0) cursor.unsupported("multi-memory", offset);
    const expression = cursor.at;
    if (flags !== 1) cursor.at = skipConstantExpression(reader, cursor.at, cursor.end);
    const written = flags === 1 ? undefined : { offset: singleConstant(cursor.bytes, expression, cursor.at) };
    const sizeBytes = cursor.u32();
    cursor.skip(sizeBytes);
    if (written !== undefined) draft.data.push({ ...written, sizeBytes });
  }
}

/** The value of an expression that is nothing but an `i32.const`, as an address. INVARIANT: the expression has been read before. */
function singleConstant(bytes: Uint8Array, at: number, end: number): number | undefined {
  if (bytes[at] !== OP.i32Const) return undefined;
  const cursor = new Cursor(bytes, at + 1, end);
  const value = cursor.s33() >>> 0;
  return cursor.at === end - 1 ? value : undefined; // `end` follows, or there is more to it
}
