/**
 * Runs tenants on V8, in sandbox processes that share nothing with the worker: a WASI preview 1 host over a file system in memory,
 * a rewriter that makes every module meter itself, and a pool of processes that are killed at the deadline.
 *
 * This room decides how a run ended, and nothing else: whether it may begin was decided before. It must never run a guest inside
 * the worker, believe a sandbox process unchecked, give a guest a file, clock or random number that its job does not grant, or
 * report `completed` for what did not run. It follows WASI preview 1 (`wasi_snapshot_preview1.witx`) and docs/formats/fuel.md.
 * Types are checked by V8, inside the sandbox. POWER: starts and kills processes, and reads its own code.
 */
export type { MissingLimit } from "./confinement/hierarchy.ts";
export { describeV8Engine, diagnoseLostLayers, openV8Engine, readLostLayers } from "./engine.ts";
export { readMissingLimits } from "./pool/launch.ts";
export type { MeteredModule } from "./meter/rewrite.ts";
export type { WasmExports, WasmGlobal, WasmImports, WasmModule } from "./web-assembly.ts";

/** The parts of the engine for use in this process, loaded when they are asked for: whoever only runs jobs does without them. */
export const loadEngineParts = (): Promise<EngineParts> => import("./parts.ts");
/** What {@link loadEngineParts} loads. */
export type EngineParts = typeof import("./parts.ts");
