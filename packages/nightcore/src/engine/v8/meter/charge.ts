import { STACK_BITS, USED_UP_MASK } from "./frame.ts";
import type { Output } from "./output.ts";

/** Where the rewritten module keeps what the meter added. Indices follow those of the module, so nothing is renumbered. */
export type MeterIndices = {
  /** Of the budget: fuel and stack in one i64. */
  readonly budgetGlobal: number;
  readonly chargeBytes: number;
  readonly chargeEntries: number;
  readonly grow: number;
};

/** `global.get`. */
export function writeGlobalGet(output: Output, index: number): void {
  output.u8(0x23);
  output.u32(index);
}

/** `global.set`. */
export function writeGlobalSet(output: Output, index: number): void {
  output.u8(0x24);
  output.u32(index);
}

/** `local.get`. */
export function writeLocalGet(output: Output, index: number): void {
  output.u8(0x20);
  output.u32(index);
}

/** `local.set`. */
export function writeLocalSet(output: Output, index: number): void {
  output.u8(0x21);
  output.u32(index);
}

/** `local.tee`. */
export function writeLocalTee(output: Output, index: number): void {
  output.u8(0x22);
  output.u32(index);
}

/** `call`. */
export function writeCall(output: Output, functionIndex: number): void {
  output.u8(0x10);
  output.u32(functionIndex);
}

/** `global = local`. */
export function writeFlush(output: Output, global: number, local: number): void {
  writeLocalGet(output, local);
  writeGlobalSet(output, global);
}

/**
 * Traps when the budget on the stack is used up, and writes it where the host will look for it first: so the host tells that from
 * a trap of the guest's own. With `stack`, the overflow bit counts as well as the sign.
 */
export function writeTrapWhenUsedUp(
  output: Output,
  stack: boolean,
  flushed: { readonly global: number; readonly local: number } | undefined,
): void {
  output.u8(0x42); // i64.const
  if (stack) {
    output.s64(USED_UP_MASK);
    output.all(0x83, 0x42, 0x00, 0x52, 0x04, 0x40); // i64.and, i64.const 0, i64.ne, if
  } else output.all(0x00, 0x53, 0x04, 0x40); // 0, i64.lt_s, if
  if (flushed !== undefined) writeFlush(output, flushed.global, flushed.local);
  output.all(0x00, 0x0b); // unreachable, end
}

/** Takes the fuel in local 1 from the budget, and traps when that goes below zero. Leaves the rest there. */
function writeTake(output: Output, budgetGlobal: number): void {
  writeGlobalGet(output, budgetGlobal);
  output.all(0x20, 1, 0x42, STACK_BITS, 0x86); // local.get 1, i64.const, i64.shl
  output.all(0x7d, 0x22, 1); // i64.sub, local.tee 1
  writeGlobalSet(output, budgetGlobal);
  output.all(0x20, 1);
  writeTrapWhenUsedUp(output, false, undefined);
}

/** Writes the three helper bodies, each of type (i32) -> (i32), in the order of {@link MeterIndices}. */
export function writeHelpers(output: Output, indices: MeterIndices, hasMemory: boolean): void {
  // chargeBytes: one unit for each 16 bytes begun
  let start = beginHelper(output);
  output.all(0x20, 0, 0xad, 0x42, 15, 0x7c, 0x42, 4, 0x88, 0x21, 1); // local 1 = (extend(local 0) + 15) >> 4
  writeTake(output, indices.budgetGlobal);
  output.all(0x20, 0, 0x0b);
  output.patchSize(start);
  // chargeEntries: one unit for each entry
  start = beginHelper(output);
  output.all(0x20, 0, 0xad, 0x21, 1); // local 1 = extend(local 0)
  writeTake(output, indices.budgetGlobal);
  output.all(0x20, 0, 0x0b);
  output.patchSize(start);
  // grow: nothing when the fuel is used up already; 4,096 units for each page that was granted, none for a refusal
  start = beginHelper(output);
  if (hasMemory) {
    writeGlobalGet(output, indices.budgetGlobal);
    writeTrapWhenUsedUp(output, false, undefined);
    output.all(0x20, 0, 0xad, 0x42, 12, 0x86, 0x21, 1); // local 1 = extend(local 0) << 12
    output.all(0x20, 0, 0x40, 0, 0x22, 0, 0x41, 0x7f, 0x47, 0x04, 0x40); // local.tee 0 (memory.grow) != -1, if
    writeTake(output, indices.budgetGlobal);
    output.all(0x0b, 0x20, 0, 0x0b);
  } else output.all(0x00, 0x0b);
  output.patchSize(start);
}

function beginHelper(output: Output): number {
  const start = output.reserveSize();
  output.all(0x01, 0x01, 0x7e); // one group of one i64
  return start;
}
