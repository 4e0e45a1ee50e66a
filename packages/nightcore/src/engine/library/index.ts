/**
 * `nightcore/engine`: runs the bytes of a WebAssembly module in a sandbox process under budgets, and says how the run ended. It is
 * the engine that Night Core's own tenants run on, and nothing else of Night Core. It does not decide whether the bytes may run:
 * no signature is asked for, no key trusted, no policy read, nobody's approval waited for, and nothing is recorded. Whoever calls
 * it has decided all of that.
 *
 * What a guest gets is what the call names: without a capability there is no input, no file, no real clock. It must never run a
 * guest in the process of its caller, pass bytes to the engine under another digest than their own, or reject for anything that a
 * guest does. It follows WASI preview 1 and docs/formats/fuel.md; docs/engine.md is its manual.
 */
export { CAPABILITIES } from "#core";
export type { Budgets, Bytes, Capability, Digest, OutputEntry, Usage } from "#core";
export type { Cancellation, EngineFaultCode, GuestConduct, Print, PrintedStream } from "#ports";
export { openEngine } from "./guest-engine.ts";
export type { EngineOptions, GuestEngine } from "./guest-engine.ts";
export type { GuestFault, GuestOutcome } from "./guest-outcome.ts";
export { DEFAULT_BUDGETS } from "./guest-run.ts";
export type { GuestMount, GuestRun } from "./guest-run.ts";
