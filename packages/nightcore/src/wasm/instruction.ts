import { Cursor } from "./cursor.ts";
import { FEATURE_BIT } from "./feature.ts";
import { checkCount } from "./limit.ts";
import { FEATURES_OF, IMMEDIATE, IMMEDIATE_OF, OP, SIMD_IMMEDIATE_OF } from "./opcode.ts";
import { type FunctionType, readReferenceType, readValueType } from "./value-type.ts";

/** The types of a module, and those of its functions by index. */
export type Signatures = { readonly types: readonly FunctionType[]; readonly functionTypes: Uint32Array };

/** Sizes of the index spaces of a module, the imported part included. `data` is -1 without a data count section. */
export type IndexSpaces = {
  types: number;
  functions: number;
  globals: number;
  tables: number;
  memories: number;
  tags: number;
  elements: number;
  data: number;
};

/**
 * Reads the instructions of function bodies one at a time (core specification 5.4), with no recursion: the nesting of
 * blocks is a stack of bytes. Checks the encoding, the nesting, and every index against its index space.
 *
 * INVARIANT: no index that is out of bounds in the file passes. The meter appends a global, locals and functions, and a
 * guest that could name them would own its own fuel.
 */
export class InstructionReader extends Cursor {
  readonly spaces: IndexSpaces;
  readonly #branchTargetsMax: number;
  readonly #nestingMax: number;
  readonly #blockValuesMax: number;
  readonly #signatures: Signatures;
  /** Feature bits seen so far, in all bodies. */
  features = 0;
  /** The instruction read last: its opcode (with prefix), the offset of its first byte, and its first index or label. */
  op = 0;
  start = 0;
  index = 0;
  /** Of a block: the index of its type, -1 for nothing, -2 for one value. */
  blockType = -1;
  /** Labels that it may branch to, for the branches and `try_table`; those of `try_table` count from outside it. */
  targetCount = 0;
  targets: Uint32Array = new Uint32Array(16);
  /** Open blocks after the instruction, the function's own included; 0 after the last `end`. */
  depth = 0;
  #kinds: Uint8Array = new Uint8Array(64);
  #localCount = 0;

  constructor(
    bytes: Uint8Array,
    options: {
      readonly spaces: IndexSpaces;
      readonly signatures: Signatures;
      readonly branchTargetsMax: number;
      readonly nestingMax: number;
      readonly blockValuesMax: number;
    },
  ) {
    super(bytes, 0, 0);
    const { spaces, signatures, branchTargetsMax, nestingMax, blockValuesMax } = options;
    this.#signatures = signatures;
    this.spaces = spaces;
    this.#branchTargetsMax = branchTargetsMax;
    this.#nestingMax = nestingMax;
    this.#blockValuesMax = blockValuesMax;
  }

  get types(): readonly FunctionType[] {
    return this.#signatures.types;
  }

  /** INVARIANT: the index has been checked against the functions that there are. */
  typeOf(functionIndex: number): FunctionType {
    const { types, functionTypes } = this.#signatures;
    return types[functionTypes[functionIndex] as number] as FunctionType;
  }

  /** Stands before the first instruction of a body or of a constant expression. */
  begin(at: number, end: number, localCount: number): void {
    this.at = at;
    this.end = end;
    this.#localCount = localCount;
    this.depth = 1;
    this.#kinds[0] = 0;
  }

  /** The opcode that opened the innermost block (`else`, `catch` and `catch_all` replace it), 0 for the function itself. */
  get kind(): number {
    return this.#kinds[this.depth - 1] as number;
  }

  /** The opcode of the block that the `end` or `delegate` read last has closed. */
  get closedKind(): number {
    return this.#kinds[this.depth] as number;
  }

  /** Reads one instruction. Refuses bytes after the `end` that closes the function, and an end of bytes before it. */
  next(): void {
    this.start = this.at;
    this.targetCount = 0;
    const op = this.u8();
    this.op = op;
    this.features |= FEATURES_OF[op] as number;
    const immediate = IMMEDIATE_OF[op] as number;
    switch (immediate) {
      case IMMEDIATE.none:
        return;
      case IMMEDIATE.local:
        this.index = this.#bounded(this.#localCount, "local");
        return;
      case IMMEDIATE.i32:
        this.skipS32();
        return;
      case IMMEDIATE.memarg:
        this.#memarg();
        return;
      case IMMEDIATE.end:
        if (--this.depth === 0 && this.at !== this.end) this.malformed("the function goes on after its last `end`");
        return;
      case IMMEDIATE.label:
        this.#branch(this.#label(this.depth));
        if (op === OP.rethrow) this.targetCount = 0;
        return;
      case IMMEDIATE.blockType:
        this.#blockType();
        this.#open(op);
        return;
      case IMMEDIATE.function:
        this.index = this.#bounded(this.spaces.functions, "function");
        return;
      case IMMEDIATE.global:
        this.index = this.#bounded(this.spaces.globals, "global");
        return;
      default:
        this.#rare(op, immediate);
    }
  }

  #rare(op: number, immediate: number): void {
    switch (immediate) {
      case IMMEDIATE.i64:
        return this.skipS64();
      case IMMEDIATE.f32:
        return this.skip(4);
      case IMMEDIATE.f64:
        return this.skip(8);
      case IMMEDIATE.table:
        this.index = this.#bounded(this.spaces.tables, "table");
        return;
      case IMMEDIATE.tag:
        this.index = this.#bounded(this.spaces.tags, "tag");
        return;
      case IMMEDIATE.memory:
        return this.#memoryIndex();
      case IMMEDIATE.branchTable:
        return this.#branchTable();
      case IMMEDIATE.callIndirect:
        this.index = this.#bounded(this.spaces.types, "type");
        if (this.#bounded(this.spaces.tables, "table") !== 0) this.features |= FEATURE_BIT["reference-types"];
        return;
      case IMMEDIATE.selectTypes:
        if (this.u32() !== 1) this.malformed("`select` with other than one type", this.start);
        readValueType(this, this);
        return;
      case IMMEDIATE.heapType:
        readReferenceType(this, this);
        return;
      case IMMEDIATE.else:
        return this.#replace(OP.if, OP.if, OP.else);
      case IMMEDIATE.catch:
        this.index = this.#bounded(this.spaces.tags, "tag");
        return this.#replace(OP.try, OP.catch, OP.catch);
      case IMMEDIATE.catchAll:
        return this.#replace(OP.try, OP.catch, OP.catchAll);
      case IMMEDIATE.delegate:
        if (this.kind !== OP.try) this.malformed("`delegate` outside of `try`", this.start);
        this.depth--;
        this.index = this.#label(this.depth);
        return;
      case IMMEDIATE.tryTable:
        return this.#tryTable();
      case IMMEDIATE.prefixFc:
        return this.#prefixFc();
      case IMMEDIATE.prefixFd:
        return this.#prefixFd();
      case IMMEDIATE.unsupported:
        return this.#refuse(op);
      default:
        this.malformed(`unknown opcode 0x${op.toString(16).padStart(2, "0")}`, this.start);
    }
  }

  #refuse(op: number): never {
    if (op === 0xfe) this.unsupported("threads", this.start);
    if (op === 0xfb || op === 0xd3) this.unsupported("gc", this.start);
    if (op >= 0xe0) this.unsupported("stack-switching", this.start);
    return this.unsupported("function-references", this.start);
  }

  #bounded(count: number, what: string): number {
    const index = this.u32();
    if (index >= count) this.malformed(`there is no ${what} ${index}`, this.start);
    return index;
  }

  #label(depth: number): number {
    const label = this.u32();
    if (label >= depth) this.malformed(`there is no label ${label}`, this.start);
    return label;
  }

  #branch(label: number): void {
    this.index = label;
    if (this.targetCount === this.targets.length) {
      const grown = new Uint32Array(this.targets.length * 2);
      grown.set(this.targets);
      this.targets = grown;
    }
    this.targets[this.targetCount++] = label;
  }

  #open(kind: number): void {
    checkCount("blocks inside of each other", this.depth, this.#nestingMax);
    if (this.depth === this.#kinds.length) {
      const grown = new Uint8Array(this.#kinds.length * 2);
      grown.set(this.#kinds);
      this.#kinds = grown;
    }
    this.#kinds[this.depth++] = kind;
  }

  #replace(one: number, other: number, kind: number): void {
    if (this.kind !== one && this.kind !== other) this.malformed("`else` or `catch` in the wrong place", this.start);
    this.#kinds[this.depth - 1] = kind;
  }

  /** 5.4.1: 0x40 for nothing, a value type, or a type index that is a positive integer of 33 bits. */
  #blockType(): void {
    const byte = this.at < this.end ? (this.bytes[this.at] as number) : -1;
    this.blockType = byte === 0x40 ? -1 : -2;
    if (byte === 0x40) {
      this.at++;
      return;
    }
    if (byte >= 0x41 && byte < 0x80) {
      readValueType(this, this);
      return;
    }
    const index = this.s33();
    if (index < 0 || index >= this.spaces.types) this.malformed(`there is no type ${index}`, this.start);
    const { params, results } = this.types[index] as FunctionType;
    checkCount("values of a block", params.length + results.length, this.#blockValuesMax);
    this.blockType = index;
    this.features |= FEATURE_BIT["multi-value"];
  }

  #branchTable(): void {
    const count = this.u32();
    checkCount("branch targets", count, this.#branchTargetsMax);
    for (let i = 0; i <= count; i++) this.#branch(this.#label(this.depth));
  }

  #tryTable(): void {
    this.#blockType();
    const count = this.u32();
    checkCount("catch clauses", count, this.#branchTargetsMax);
    for (let i = 0; i < count; i++) {
      const kind = this.u8();
      if (kind > 3) this.malformed(`unknown catch clause ${kind}`, this.start);
      if (kind < 2) this.#bounded(this.spaces.tags, "tag");
      this.#branch(this.#label(this.depth));
    }
    this.#open(OP.tryTable);
  }

  /** 5.4.6: bit 6 of the alignment announces a memory index, bits above it are unknown. Offsets have 64 bits since 3.0. */
  #memarg(): void {
    const align = this.u32();
    if (align >= 0x40) {
      if (align < 0x80) this.unsupported("multi-memory", this.start);
      this.malformed("unknown alignment", this.start);
    }
    this.skipOffset();
  }

  #memoryIndex(): void {
    if (this.u8() !== 0) this.unsupported("multi-memory", this.start);
  }

  #prefixFc(): void {
    const sub = this.u32();
    if (sub > 0xff) this.malformed(`unknown opcode 0xfc 0x${sub.toString(16)}`, this.start);
    this.op = 0xfc00 | sub;
    if (sub <= 7) {
      this.features |= FEATURE_BIT["saturating-float-to-int"];
      return;
    }
    this.features |= FEATURE_BIT[sub >= 15 ? "reference-types" : "bulk-memory"];
    switch (sub) {
      case 8: // memory.init
        this.#dataIndex();
        return this.#memoryIndex();
      case 9: // data.drop
        return this.#dataIndex();
      case 10: // memory.copy
        this.#memoryIndex();
        return this.#memoryIndex();
      case 11: // memory.fill
        return this.#memoryIndex();
      case 12: // table.init
        this.#bounded(this.spaces.elements, "element segment");
        this.#bounded(this.spaces.tables, "table");
        return;
      case 13: // elem.drop
        this.#bounded(this.spaces.elements, "element segment");
        return;
      case 14: // table.copy
        this.#bounded(this.spaces.tables, "table");
        this.#bounded(this.spaces.tables, "table");
        return;
      case 15: // table.grow
      case 16: // table.size
      case 17: // table.fill
        this.index = this.#bounded(this.spaces.tables, "table");
        return;
      default:
        if (sub >= 0x13 && sub <= 0x16) this.unsupported("wide-arithmetic", this.start);
        this.malformed(`unknown opcode 0xfc 0x${sub.toString(16)}`, this.start);
    }
  }

  #dataIndex(): void {
    if (this.spaces.data < 0) this.malformed("a data count section is required", this.start);
    this.#bounded(this.spaces.data, "data segment");
  }

  #prefixFd(): void {
    const sub = this.u32();
    this.features |= FEATURE_BIT.simd;
    if (sub >= 0x100) {
      if (sub <= 0x12f) this.unsupported("relaxed-simd", this.start);
      this.malformed(`unknown opcode 0xfd 0x${sub.toString(16)}`, this.start);
    }
    this.op = 0xfd00 | sub;
    switch (SIMD_IMMEDIATE_OF[sub]) {
      case 0:
        return;
      case 1:
        return this.#memarg();
      case 2:
        return this.skip(16);
      case 3:
        return this.skip(1);
      case 4:
        this.#memarg();
        return this.skip(1);
      default:
        this.malformed(`unknown opcode 0xfd 0x${sub.toString(16)}`, this.start);
    }
  }
}
