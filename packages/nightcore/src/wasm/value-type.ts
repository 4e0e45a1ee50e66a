import type { Cursor } from "./cursor.ts";
import { FEATURE_BIT } from "./feature.ts";

/** The value types that are metered (core specification 5.3.1 to 5.3.4). */
export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128" | "funcref" | "externref" | "exnref";
/** The value types that a table can hold. */
export type ReferenceType = "funcref" | "externref" | "exnref";

/** A function type (5.3.6). */
export type FunctionType = { readonly params: readonly ValueType[]; readonly results: readonly ValueType[] };

/** The bits of the features that reading a type has shown. */
export type FeatureSink = { features: number };

/** Reads a value type, or refuses one that belongs to a proposal which is not metered, by the name of the proposal. */
export function readValueType(cursor: Cursor, sink: FeatureSink): ValueType {
  const offset = cursor.at;
  return valueTypeOf(cursor, cursor.u8(), offset, sink);
}

/** The value type that a byte stands for; see {@link readValueType}. */
export function valueTypeOf(cursor: Cursor, byte: number, offset: number, sink: FeatureSink): ValueType {
  switch (byte) {
    case 0x7f:
      return "i32";
    case 0x7e:
      return "i64";
    case 0x7d:
      return "f32";
    case 0x7c:
      return "f64";
    case 0x7b:
      sink.features |= FEATURE_BIT.simd;
      return "v128";
    default:
      return referenceTypeOf(cursor, byte, offset, sink);
  }
}

/** Reads a reference type, or refuses it as {@link readValueType} does. */
export function readReferenceType(cursor: Cursor, sink: FeatureSink): ReferenceType {
  const offset = cursor.at;
  return referenceTypeOf(cursor, cursor.u8(), offset, sink);
}

function referenceTypeOf(cursor: Cursor, byte: number, offset: number, sink: FeatureSink): ReferenceType {
  switch (byte) {
    case 0x70:
      return "funcref"; // not a sign of reference types: a table of 1.0 has it too
    case 0x6f:
      sink.features |= FEATURE_BIT["reference-types"];
      return "externref";
    case 0x69:
      sink.features |= FEATURE_BIT.exceptions;
      return "exnref";
    default:
      return refuseType(cursor, byte, offset);
  }
}

function refuseType(cursor: Cursor, byte: number, offset: number): never {
  if (byte === 0x63 || byte === 0x64) cursor.unsupported("function-references", offset);
  if ((byte >= 0x6a && byte <= 0x6e) || (byte >= 0x71 && byte <= 0x74)) cursor.unsupported("gc", offset);
  if (byte === 0x78 || byte === 0x77) cursor.unsupported("gc", offset); // packed i8, i16
  if (byte === 0x67) cursor.unsupported("stringref", offset);
  if (byte === 0x65) cursor.unsupported("threads", offset); // shared heap types
  if (byte === 0x68 || byte === 0x75) cursor.unsupported("stack-switching", offset);
  return cursor.malformed(`unknown type 0x${byte.toString(16)}`, offset);
}

/** Reads one entry of the type section, or refuses the recursive and structural ones. */
export function readFunctionType(cursor: Cursor, sink: FeatureSink, parametersMax: number): FunctionType {
  const offset = cursor.at;
  const form = cursor.u8();
  if (form === 0x4e || form === 0x4f || form === 0x50 || form === 0x5e || form === 0x5f) cursor.unsupported("gc", offset);
  if (form === 0x5d) cursor.unsupported("stack-switching", offset);
  if (form === 0x65) cursor.unsupported("threads", offset);
  if (form === 0x4c || form === 0x4d) cursor.unsupported("custom-descriptors", offset);
  if (form !== 0x60) cursor.malformed(`unknown form of type 0x${form.toString(16)}`, offset);
  const params = readValueTypes(cursor, sink, parametersMax);
  const results = readValueTypes(cursor, sink, parametersMax);
  if (results.length > 1) sink.features |= FEATURE_BIT["multi-value"];
  return { params, results };
}

function readValueTypes(cursor: Cursor, sink: FeatureSink, countMax: number): readonly ValueType[] {
  const count = cursor.u32();
  if (count > countMax) cursor.malformed(`${count} parameters or results`);
  const types: ValueType[] = [];
  for (let i = 0; i < count; i++) {
    const type = readValueType(cursor, sink);
    if (type === "funcref") sink.features |= FEATURE_BIT["reference-types"];
    types.push(type);
  }
  return types;
}
