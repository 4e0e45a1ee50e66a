import { type FunctionType, type InstructionReader, OP } from "#wasm";

/** By how much each opcode of one byte changes the number of operands; control and calls apart (core specification 3.4). */
const DELTA: Int8Array = new Int8Array(256);
function fill(from: number, to: number, delta: number): void {
  DELTA.fill(delta, from, to + 1);
}
fill(0x0d, 0x0e, -1); // br_if, br_table
DELTA[0x1a] = -1; // drop
fill(0x1b, 0x1c, -2); // select
for (const op of [0x20, 0x23, 0x3f, 0x41, 0x42, 0x43, 0x44, 0xd0, 0xd2]) DELTA[op] = 1;
for (const op of [0x21, 0x24]) DELTA[op] = -1;
DELTA[0x26] = -2; // table.set
fill(0x36, 0x3e, -2); // stores
for (const [from, to] of [
  [0x46, 0x4f], // comparisons
  [0x51, 0x66],
  [0x6a, 0x78], // arithmetic
  [0x7c, 0x8a],
  [0x92, 0x98],
  [0xa0, 0xa6],
] as const)
  fill(from, to, -1);

/** The same for SIMD. Most of it takes two vectors and makes one. */
const VECTOR_DELTA: Int8Array = new Int8Array(256).fill(-1);
for (const [from, to] of [
  [0x00, 0x0a], // loads
  [0x0f, 0x16], // splats and lanes
  [0x18, 0x19],
  [0x1b, 0x1b],
  [0x1d, 0x1d],
  [0x1f, 0x1f],
  [0x21, 0x21],
  [0x4d, 0x4d],
  [0x53, 0x53],
  [0x5c, 0x64],
  [0x67, 0x6a],
  [0x74, 0x75],
  [0x7a, 0x7a],
  [0x7c, 0x81],
  [0x83, 0x84],
  [0x87, 0x8a],
  [0x94, 0x94],
  [0xa0, 0xaa],
  [0xc0, 0xca],
  [0xe0, 0xe3],
  [0xec, 0xef],
  [0xf8, 0xff],
] as const)
  VECTOR_DELTA.fill(0, from, to + 1);
VECTOR_DELTA[0x0c] = 1; // v128.const
for (const op of [0x0b, 0x52, 0x58, 0x59, 0x5a, 0x5b]) VECTOR_DELTA[op] = -2;

const CAUGHT_MAX = 8; // LIMIT: what an exception carries is not looked up; more than this many values are not counted

/**
 * The most operands that a function ever has on its stack, which its frame must hold. Where code cannot be reached the number
 * means nothing, and does no harm.
 */
export class OperandHeight {
  max = 0;
  /** A vector was seen: each operand may be one. */
  vectors = false;
  #height = 0;
  /** For each open block: the height below its parameters, and how many parameters and results it has. */
  #blocks: Int32Array = new Int32Array(64 * 3);

  begin(): void {
    this.max = 0;
    this.vectors = false;
    this.#height = 0;
    this.#blocks.fill(0, 0, 3);
  }

  /** Follows the instruction that was read last. */
  step(reader: InstructionReader): void {
    const { op } = reader;
    if (op > 0xff) this.#prefixed(op);
    else if (op <= OP.returnCallIndirect || (op >= OP.delegate && op <= OP.tryTable && op !== 0x1a && op !== 0x1b && op !== 0x1c))
      this.#control(reader, op);
    else this.#height += DELTA[op] as number;
    if (this.#height > this.max) this.max = this.#height;
  }

  #prefixed(op: number): void {
    if (op >= 0xfd00) {
      this.vectors = true;
      this.#height += VECTOR_DELTA[op & 0xff] as number;
    } else if (op === 0xfc10) this.#height++;
    else if (op === 0xfc0f) this.#height--;
    else if (op >= 0xfc08 && op !== 0xfc09 && op !== 0xfc0d) this.#height -= 3;
  }

  #control(reader: InstructionReader, op: number): void {
    const innermost = reader.depth - 1;
    switch (op) {
      case OP.if:
        this.#height--;
        return this.#open(reader, innermost);
      case OP.block:
      case OP.loop:
      case OP.try:
      case OP.tryTable:
        return this.#open(reader, innermost);
      case OP.else:
        this.#height = (this.#blocks[innermost * 3] as number) + (this.#blocks[innermost * 3 + 1] as number);
        return;
      case OP.catch:
      case OP.catchAll:
        this.#height = (this.#blocks[innermost * 3] as number) + CAUGHT_MAX;
        return;
      case OP.end:
      case OP.delegate: {
        const closed = reader.depth * 3;
        this.#height = (this.#blocks[closed] as number) + (this.#blocks[closed + 2] as number);
        return;
      }
      case OP.call:
        return this.#call(reader.typeOf(reader.index));
      case OP.callIndirect:
        this.#height--;
        return this.#call(reader.types[reader.index] as FunctionType);
      default: {
        this.#height += DELTA[op] as number;
        const base = this.#blocks[innermost * 3] as number;
        if (this.#height < base) this.#height = base;
      }
    }
  }

  #call({ params, results }: FunctionType): void {
    if (params.includes("v128") || results.includes("v128")) this.vectors = true;
    this.#height += results.length - params.length;
    if (this.#height + results.length > this.max) this.max = this.#height + results.length; // where the callee leaves them
  }

  #open(reader: InstructionReader, label: number): void {
    if (label * 3 + 3 > this.#blocks.length) {
      const grown = new Int32Array(this.#blocks.length * 2);
      grown.set(this.#blocks);
      this.#blocks = grown;
    }
    const type = reader.blockType < 0 ? undefined : (reader.types[reader.blockType] as FunctionType);
    const params = type?.params.length ?? 0;
    this.#blocks[label * 3] = Math.max(0, this.#height - params);
    this.#blocks[label * 3 + 1] = params;
    this.#blocks[label * 3 + 2] = type?.results.length ?? (reader.blockType === -2 ? 1 : 0);
  }
}
