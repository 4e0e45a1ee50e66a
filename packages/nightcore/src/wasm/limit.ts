import { WasmRefusal } from "./fault.ts";

/** Bounds on what is read. Each keeps time and memory in proportion to the input, and none exceeds what V8 accepts. */
export type WasmLimits = {
  readonly bytesMax: number;
  readonly typesMax: number;
  readonly parametersMax: number;
  readonly importsMax: number;
  readonly exportsMax: number;
  readonly functionsMax: number;
  readonly globalsMax: number;
  readonly tablesMax: number;
  readonly tagsMax: number;
  readonly elementSegmentsMax: number;
  readonly dataSegmentsMax: number;
  readonly localsMax: number;
  readonly localsTotalMax: number;
  readonly branchTargetsMax: number;
  readonly nestingMax: number;
  readonly blockValuesMax: number;
  readonly nameBytesMax: number;
  readonly customSectionsMax: number;
};

/** The bounds of admission; a caller may lower each of them. */
export const DEFAULT_WASM_LIMITS: WasmLimits = {
  bytesMax: 64 * 1024 * 1024, // LIMIT: CPython has 26 MB and ruby 17; twice that leaves room
  typesMax: 100_000, // LIMIT: an object each; CPython has 200
  parametersMax: 1_000, // LIMIT: V8's own, for parameters and for results
  importsMax: 10_000, // LIMIT: the host offers 46
  exportsMax: 100_000, // LIMIT: an object and a string each
  functionsMax: 1_000_000, // LIMIT: V8's own
  globalsMax: 100_000, // LIMIT: a byte each; compilers make a few
  tablesMax: 100, // LIMIT: an object each, and V8 allocates all of them at once
  tagsMax: 10_000, // LIMIT: compilers make one
  elementSegmentsMax: 100_000, // LIMIT: compilers make a few
  dataSegmentsMax: 100_000, // LIMIT: V8's own
  localsMax: 49_000, // LIMIT: V8 stops at 50,000 and the meter adds its own
  localsTotalMax: 10_000_000, // LIMIT: V8 spends on each, and a byte may declare thousands; clang has 374,366
  branchTargetsMax: 65_520, // LIMIT: V8's own
  nestingMax: 10_000, // LIMIT: V8 accepts a million, at a kilobyte and more each; php has 799
  blockValuesMax: 100, // LIMIT: V8 accepts 2,000 and keeps them for every open block; compilers make a few
  nameBytesMax: 100_000, // LIMIT: V8's own
  customSectionsMax: 10_000, // LIMIT: an object each; compilers make ten
};

/** Refuses a count over its bound, before anything is allocated for it. */
export function checkCount(what: string, count: number, countMax: number): void {
  if (count > countMax) throw new WasmRefusal({ code: "wasm/limit", what, count, countMax });
}
