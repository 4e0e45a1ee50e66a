import type { Bytes } from "#core";
import type { WasiContext } from "../context.ts";
import { ERRNO } from "../errno.ts";
import type { WasiCall } from "./call.ts";

function sizes(context: WasiContext, strings: readonly Bytes[], countPointer: number, sizePointer: number): number {
  const { memory } = context;
  memory.check(sizePointer, 4);
  memory.setU32(countPointer, strings.length);
  memory.setU32(
    sizePointer,
    strings.reduce((sum, one) => sum + one.length, 0),
  );
  return ERRNO.success;
}

function strings(context: WasiContext, all: readonly Bytes[], arrayPointer: number, bufferPointer: number): number {
  const { memory } = context;
  let at = bufferPointer >>> 0;
  all.forEach((one, i) => {
    memory.setBytes(at, one);
    memory.setU32((arrayPointer >>> 0) + 4 * i, at);
    at += one.length;
  });
  return ERRNO.success;
}

/** `args_*` and `environ_*`: an array of pointers, and the strings with a NUL each. */
export const ARGUMENT_CALLS = {
  args_get: (context: WasiContext, array: number, buffer: number) => strings(context, context.args, array, buffer),
  args_sizes_get: (context: WasiContext, count: number, size: number) => sizes(context, context.args, count, size),
  environ_get: (context: WasiContext, array: number, buffer: number) => strings(context, context.env, array, buffer),
  environ_sizes_get: (context: WasiContext, count: number, size: number) => sizes(context, context.env, count, size),
} satisfies Readonly<Record<string, WasiCall>>;
