import type { WasiContext } from "../context.ts";

/** A host function: what the guest passes arrives as numbers (i32, signed) and bigints (i64, signed); the answer is an errno. */
export type WasiCall = (context: WasiContext, ...parameters: never[]) => number;
