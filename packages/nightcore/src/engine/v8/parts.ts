/**
 * The parts that the engine is made of, to be used in this process: by conformance runs and benches, which look at the rewriting
 * itself. What runs so is metered and not isolated; code that nobody trusts goes through the engine.
 */
export { MEMORY_IMPORT } from "./meter/assemble.ts";
export { decodeBudget, encodeBudget } from "./meter/frame.ts";
export { meterModule } from "./meter/rewrite.ts";
export { WasiContext } from "./wasi/context.ts";
export { HostFunctions } from "./wasi/host.ts";
export { WebAssembly } from "./web-assembly.ts";
