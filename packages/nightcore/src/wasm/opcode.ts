import { FEATURE_BIT } from "./feature.ts";

/** The opcodes that readers name (core specification 5.4). Those behind a prefix carry it in the high bits. */
export const OP = {
  unreachable: 0x00,
  nop: 0x01,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  try: 0x06,
  catch: 0x07,
  throw: 0x08,
  rethrow: 0x09,
  throwRef: 0x0a,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  returnCallIndirect: 0x13,
  delegate: 0x18,
  catchAll: 0x19,
  tryTable: 0x1f,
  memoryGrow: 0x40,
  i32Const: 0x41,
  memoryInit: 0xfc08,
  memoryCopy: 0xfc0a,
  memoryFill: 0xfc0b,
  tableInit: 0xfc0c,
  tableCopy: 0xfc0e,
  tableGrow: 0xfc0f,
  tableFill: 0xfc11,
} as const;

/** The shapes of what follows an opcode. */
export const IMMEDIATE = {
  invalid: 0,
  none: 1,
  blockType: 2,
  label: 3,
  branchTable: 4,
  function: 5,
  callIndirect: 6,
  local: 7,
  global: 8,
  table: 9,
  memarg: 10,
  memory: 11,
  i32: 12,
  i64: 13,
  f32: 14,
  f64: 15,
  selectTypes: 16,
  heapType: 17,
  tag: 18,
  tryTable: 19,
  else: 20,
  catch: 21,
  catchAll: 22,
  delegate: 23,
  end: 24,
  prefixFc: 25,
  prefixFd: 26,
  unsupported: 27,
} as const;

/** Immediate of each one-byte opcode. */
export const IMMEDIATE_OF: Uint8Array = new Uint8Array(256);
/** Bits of the features that each one-byte opcode shows. */
export const FEATURES_OF: Uint16Array = new Uint16Array(256);
/** Immediate of each SIMD opcode: 0 none, 1 memarg, 2 sixteen bytes, 3 a lane, 4 memarg and lane, 255 unassigned. */
export const SIMD_IMMEDIATE_OF: Uint8Array = new Uint8Array(256);

function fill(from: number, to: number, immediate: number): void {
  IMMEDIATE_OF.fill(immediate, from, to + 1);
}

fill(0x00, 0x01, IMMEDIATE.none);
fill(0x02, 0x04, IMMEDIATE.blockType);
fill(0x05, 0x05, IMMEDIATE.else);
fill(0x06, 0x06, IMMEDIATE.blockType);
fill(0x07, 0x07, IMMEDIATE.catch);
fill(0x08, 0x08, IMMEDIATE.tag);
fill(0x09, 0x09, IMMEDIATE.label);
fill(0x0a, 0x0a, IMMEDIATE.none);
fill(0x0b, 0x0b, IMMEDIATE.end);
fill(0x0c, 0x0d, IMMEDIATE.label);
fill(0x0e, 0x0e, IMMEDIATE.branchTable);
fill(0x0f, 0x0f, IMMEDIATE.none);
fill(0x10, 0x10, IMMEDIATE.function);
fill(0x11, 0x11, IMMEDIATE.callIndirect);
fill(0x12, 0x12, IMMEDIATE.function);
fill(0x13, 0x13, IMMEDIATE.callIndirect);
fill(0x14, 0x15, IMMEDIATE.unsupported);
fill(0x18, 0x18, IMMEDIATE.delegate);
fill(0x19, 0x19, IMMEDIATE.catchAll);
fill(0x1a, 0x1b, IMMEDIATE.none);
fill(0x1c, 0x1c, IMMEDIATE.selectTypes);
fill(0x1f, 0x1f, IMMEDIATE.tryTable);
fill(0x20, 0x22, IMMEDIATE.local);
fill(0x23, 0x24, IMMEDIATE.global);
fill(0x25, 0x26, IMMEDIATE.table);
fill(0x28, 0x3e, IMMEDIATE.memarg);
fill(0x3f, 0x40, IMMEDIATE.memory);
fill(0x41, 0x41, IMMEDIATE.i32);
fill(0x42, 0x42, IMMEDIATE.i64);
fill(0x43, 0x43, IMMEDIATE.f32);
fill(0x44, 0x44, IMMEDIATE.f64);
fill(0x45, 0xc4, IMMEDIATE.none);
fill(0xd0, 0xd0, IMMEDIATE.heapType);
fill(0xd1, 0xd1, IMMEDIATE.none);
fill(0xd2, 0xd2, IMMEDIATE.function);
fill(0xd3, 0xd6, IMMEDIATE.unsupported);
fill(0xe0, 0xe6, IMMEDIATE.unsupported);
fill(0xfb, 0xfb, IMMEDIATE.unsupported);
fill(0xfc, 0xfc, IMMEDIATE.prefixFc);
fill(0xfd, 0xfd, IMMEDIATE.prefixFd);
fill(0xfe, 0xfe, IMMEDIATE.unsupported);

FEATURES_OF.fill(FEATURE_BIT["sign-extension"], 0xc0, 0xc5);
for (const op of [0x25, 0x26, 0x1c, 0xd0, 0xd1, 0xd2]) FEATURES_OF[op] = FEATURE_BIT["reference-types"];
for (const op of [0x12, 0x13]) FEATURES_OF[op] = FEATURE_BIT["tail-call"];
for (const op of [0x08, 0x0a, 0x1f]) FEATURES_OF[op] = FEATURE_BIT.exceptions;
for (const op of [0x06, 0x07, 0x09, 0x18, 0x19]) FEATURES_OF[op] = FEATURE_BIT["legacy-exceptions"];

SIMD_IMMEDIATE_OF.fill(1, 0x00, 0x0c);
SIMD_IMMEDIATE_OF.fill(2, 0x0c, 0x0e);
SIMD_IMMEDIATE_OF.fill(3, 0x15, 0x23);
SIMD_IMMEDIATE_OF.fill(4, 0x54, 0x5c);
SIMD_IMMEDIATE_OF.fill(1, 0x5c, 0x5e);
// Numbers that the SIMD proposal gave back before it was finished.
const SIMD_UNASSIGNED = [
  0x9a, 0xa2, 0xa5, 0xa6, 0xaf, 0xb0, 0xb2, 0xb3, 0xb4, 0xbb, 0xc2, 0xc5, 0xc6, 0xcf, 0xd0, 0xd2, 0xd3, 0xd4, 0xe2, 0xee,
];
for (const op of SIMD_UNASSIGNED) SIMD_IMMEDIATE_OF[op] = 255;
