import type { Bytes } from "#core";
import type { BodyShape } from "#wasm";
import type { Output } from "./output.ts";
import { CHARGE_BYTES, CHARGE_ENTRIES, REPLACE_GROW, type Segments } from "./segment.ts";

/** Where the rewritten module keeps what the meter added. Indices follow those of the module, so nothing is renumbered. */
export type MeterIndices = {
  readonly fuelGlobal: number;
  readonly chargeBytes: number;
  readonly chargeEntries: number;
  readonly grow: number;
};

const GROW_BYTES = 2; // memory.grow and its memory index

/** Writes one body with its charges, as size, locals and code. */
export function writeBody(output: Output, source: Bytes, body: BodyShape, segments: Segments, indices: MeterIndices): void {
  const start = output.reserveSize();
  output.u32(body.localGroupCount + 1);
  output.copy(source, body.localGroupsOffset, body.codeOffset);
  output.all(0x01, 0x7e); // one more local, an i64
  let copied = body.codeOffset;
  for (let i = 0; i < segments.count; i++) {
    const cost = segments.costs[i] as number;
    if (cost === 0) continue;
    const offset = segments.offsets[i] as number;
    output.copy(source, copied, offset);
    copied = offset;
    if (cost > 0) {
      output.u8(0x23); // global.get
      output.u32(indices.fuelGlobal);
      output.u8(0x42); // i64.const
      output.s32(cost);
      writeTake(output, indices.fuelGlobal, body.localCount);
    } else if (cost === REPLACE_GROW) {
      writeCall(output, indices.grow);
      copied += GROW_BYTES;
    } else if (cost === CHARGE_BYTES) writeCall(output, indices.chargeBytes);
    else if (cost === CHARGE_ENTRIES) writeCall(output, indices.chargeEntries);
  }
  output.copy(source, copied, body.endOffset);
  output.patchSize(start);
}

function writeCall(output: Output, functionIndex: number): void {
  output.u8(0x10);
  output.u32(functionIndex);
}

/**
 * Takes the upper i64 on the stack from the lower one, which is the fuel, and traps when that goes below zero: so the host tells
 * exhaustion from a trap of the guest's own. The global is written first, and what it says is exact whatever happens next.
 */
function writeTake(output: Output, fuelGlobal: number, local: number): void {
  output.all(0x7d, 0x22); // i64.sub, local.tee
  output.u32(local);
  output.u8(0x24); // global.set
  output.u32(fuelGlobal);
  output.u8(0x20); // local.get
  output.u32(local);
  output.all(0x42, 0x00, 0x53, 0x04, 0x40, 0x00, 0x0b); // i64.const 0, i64.lt_s, if, unreachable, end
}

/** Takes the i64 in a local from the fuel, and leaves the rest of the fuel in the local. */
function writeTakeLocal(output: Output, fuelGlobal: number, local: number): void {
  output.u8(0x23); // global.get
  output.u32(fuelGlobal);
  output.u8(0x20); // local.get
  output.u32(local);
  writeTake(output, fuelGlobal, local);
}

/** Writes the three helper bodies, each of type (i32) -> (i32), in the order of {@link MeterIndices}. */
export function writeHelpers(output: Output, indices: MeterIndices, hasMemory: boolean): void {
  // chargeBytes: one unit for each 16 bytes begun
  let start = beginHelper(output, 0x7e);
  output.all(0x20, 0, 0xad, 0x42, 15, 0x7c, 0x42, 4, 0x88, 0x21, 1); // local 1 = (extend(local 0) + 15) >> 4
  writeTakeLocal(output, indices.fuelGlobal, 1);
  output.all(0x20, 0, 0x0b);
  output.patchSize(start);
  // chargeEntries: one unit for each entry
  start = beginHelper(output, 0x7e);
  output.all(0x20, 0, 0xad, 0x21, 1); // local 1 = extend(local 0)
  writeTakeLocal(output, indices.fuelGlobal, 1);
  output.all(0x20, 0, 0x0b);
  output.patchSize(start);
  // grow: 4,096 units for each page that was granted, none for a refusal
  start = beginHelper(output, 0x7e);
  if (hasMemory) {
    output.all(0x20, 0, 0xad, 0x42, 12, 0x86, 0x21, 1); // local 1 = extend(local 0) << 12
    output.all(0x20, 0, 0x40, 0, 0x22, 0, 0x41, 0x7f, 0x47, 0x04, 0x40); // local.tee 0 (memory.grow) != -1, if
    writeTakeLocal(output, indices.fuelGlobal, 1);
    output.all(0x0b, 0x20, 0, 0x0b);
  } else output.all(0x00, 0x0b);
  output.patchSize(start);
}

function beginHelper(output: Output, localType: number): number {
  const start = output.reserveSize();
  output.all(0x01, 0x01, localType); // one group of one local
  return start;
}
