import { CLOCK } from "../clock.ts";
import type { WasiContext } from "../context.ts";
import { ERRNO } from "../errno.ts";
import type { WasiCall } from "./call.ts";

const RANDOM_STEP_BYTES = 1 << 20; // so that a view is never larger than what is being filled

/** `clock_*`, `random_get`, `proc_*`, `sched_yield`. */
export const PROCESS_CALLS = {
  clock_res_get(context: WasiContext, clock: number, pointer: number) {
    if (clock >>> 0 > CLOCK.threadCputime) return ERRNO.inval;
    context.memory.setU64(pointer, context.clock.resolutionNs);
    return ERRNO.success;
  },

  clock_time_get(context: WasiContext, clock: number, _precision: bigint, pointer: number) {
    if (clock >>> 0 > CLOCK.threadCputime) return ERRNO.inval;
    context.memory.check(pointer, 8);
    context.memory.setU64(pointer, context.clock.now(clock));
    return ERRNO.success;
  },

  random_get(context: WasiContext, pointer: number, length: number) {
    const target = context.memory.slice(pointer, length);
    for (let at = 0; at < target.length; at += RANDOM_STEP_BYTES) context.fillRandom(target.subarray(at, at + RANDOM_STEP_BYTES));
    context.memory.note(target);
    return ERRNO.success;
  },

  proc_exit(context: WasiContext, code: number) {
    return context.end({ kind: "exit", code: code >>> 0 });
  },

  /** There is no one to signal: a guest has no process of its own. */
  proc_raise(_context: WasiContext, _signal: number) {
    return ERRNO.nosys;
  },

  sched_yield(_context: WasiContext) {
    return ERRNO.success;
  },
} satisfies Readonly<Record<string, WasiCall>>;
