/**
 * What bytes that claim to be WebAssembly really are: a strict and bounded reading of the binary format (WebAssembly core
 * specification, chapter 5, with the exception handling, tail call and extended constant proposals).
 *
 * This room decides whether bytes are a core module whose every instruction Night Core knows and can meter; everything else
 * it refuses, with its own code for each reason and by name for the proposals that are not metered. It checks encodings,
 * nesting and indices. Types are not checked here (but for that of the start function): that stays with V8, inside the sandbox. It must never throw, recurse, or
 * spend more than in proportion to its input, and it holds no power.
 */
export { DEFAULT_WASM_LIMITS } from "./limit.ts";
export type { WasmLimits } from "./limit.ts";
export { explainWasmFault } from "./fault.ts";
export type { WasmFault } from "./fault.ts";
export { FEATURES } from "./feature.ts";
export type { Feature, UnsupportedFeature } from "./feature.ts";
export { digestFunctions } from "./function-digest.ts";
export type { FunctionDigest } from "./function-digest.ts";
export { slotsOf } from "./definition.ts";
export type { BodyShape, BodyVisitor } from "./definition.ts";
export type { IndexSpaces, InstructionReader } from "./instruction.ts";
export { parseModule, SECTION, walkModule } from "./module.ts";
export { OP } from "./opcode.ts";
export type {
  DataShape,
  ExportShape,
  ExternalKind,
  GlobalShape,
  ImportShape,
  MemoryShape,
  ModuleShape,
  SectionShape,
  TableShape,
} from "./shape.ts";
export type { FunctionType, ReferenceType, ValueType } from "./value-type.ts";
