import { type InstructionReader, OP } from "#wasm";

/** What is inserted at an offset of a body, in place of a cost. */
export const CHARGE_BYTES = -1;
/** Inserts a call that charges for table entries. */
export const CHARGE_ENTRIES = -2;
/** Puts a call that grows and charges in place of `memory.grow`. */
export const REPLACE_GROW = -3;

/** Opcodes of one byte that cost nothing: they only mark structure. */
const FREE: Uint8Array = new Uint8Array(256);
for (const op of [OP.nop, OP.block, OP.loop, OP.else, OP.end, OP.try, OP.catch, OP.catchAll, OP.delegate, OP.tryTable])
  FREE[op] = 1;

/** What is known of an open block: who branches to it, how far out its branches lead, and the segment it was opened in. */
class Blocks {
  targeted: Uint8Array = new Uint8Array(64);
  /** The outermost label that a branch from inside leads to; its own at first. */
  outermost: Int32Array = new Int32Array(64);
  /** The segment in front of the block, or -1 where that cannot be reached. */
  before: Int32Array = new Int32Array(64);

  open(label: number, before: number): void {
    if (label >= this.targeted.length) this.#grow();
    this.targeted[label] = 0;
    this.outermost[label] = label;
    this.before[label] = before;
  }

  /** Notes a branch from the innermost open block. */
  branch(innermost: number, target: number): void {
    if (target < (this.outermost[innermost] as number)) this.outermost[innermost] = target;
  }

  /** Whether a branch from inside leads past the block; its parent inherits where to. */
  close(label: number): boolean {
    const outermost = this.outermost[label] as number;
    if (outermost >= label) return false;
    this.branch(label - 1, outermost);
    return true;
  }

  #grow(): void {
    const size = this.targeted.length * 2;
    const targeted = new Uint8Array(size);
    targeted.set(this.targeted);
    this.targeted = targeted;
    const outermost = new Int32Array(size);
    outermost.set(this.outermost);
    this.outermost = outermost;
    const before = new Int32Array(size);
    before.set(this.before);
    this.before = before;
  }
}

/**
 * The charges of one function body (docs/formats/fuel.md). A segment is a set of instructions that run equally often: a straight
 * line, and after a block that nothing branches out of the line goes on where it was. It is charged as a whole when it is entered.
 *
 * INVARIANT: `offsets` ascends; of two insertions at one offset, the charge of the segment comes first.
 */
export class Segments {
  offsets: Uint32Array = new Uint32Array(1024);
  /** A cost in fuel, or one of the insertions above; 0 for nothing. */
  costs: Int32Array = new Int32Array(1024);
  count = 0;
  usesHelpers = false;
  usesGrow = false;
  readonly #blocks = new Blocks();
  /** The segment that instructions count to, or -1 where none can be reached; what has been counted for it since. */
  #segment = 0;
  #cost = 0;

  /** Reads a body to its end. */
  read(reader: InstructionReader, codeOffset: number): void {
    this.count = 0;
    this.usesHelpers = false;
    this.usesGrow = false;
    this.#cost = 0;
    this.#segment = this.#insert(codeOffset, 0);
    this.#blocks.open(0, -1);
    while (reader.depth > 0) {
      reader.next();
      const op = reader.op;
      if (op > 0xff || FREE[op] === 0) this.#cost++;
      if (op <= OP.returnCallIndirect || (op >= OP.delegate && op <= OP.tryTable)) this.#control(reader, op);
      else if (op === OP.memoryGrow || op >= OP.memoryInit) this.#bulk(reader.start, op);
    }
    this.#switchTo(-1);
  }

  #control(reader: InstructionReader, op: number): void {
    const innermost = reader.depth - 1;
    switch (op) {
      case OP.tryTable:
        this.#branch(reader, innermost - 1);
        return this.#open(innermost);
      case OP.block:
      case OP.try:
        return this.#open(innermost);
      case OP.loop:
        this.#open(innermost);
        return this.#begin(reader.at, this.#segment >= 0);
      case OP.if:
        this.#open(innermost);
        return this.#begin(reader.at, true);
      case OP.else:
      case OP.catch:
      case OP.catchAll:
        return this.#begin(reader.at, true);
      case OP.delegate:
      case OP.end:
        return this.#end(reader, op);
      case OP.brIf:
        this.#branch(reader, innermost);
        return this.#begin(reader.at, this.#segment >= 0);
      case OP.br:
      case OP.brTable:
        this.#branch(reader, innermost);
        return this.#switchTo(-1);
      case OP.unreachable: // ends the run, so nothing behind it is missed
        return this.#switchTo(-1);
      case OP.return:
      case OP.throw:
      case OP.rethrow:
      case OP.throwRef:
      case OP.returnCall:
      case OP.returnCallIndirect:
        this.#blocks.branch(innermost, 0);
        return this.#switchTo(-1);
      default: // nop, call, call_indirect stay inside of their segment
    }
  }

  /**
   * What follows a block runs as often as what came before it, unless a branch leads from inside past its end. Then it runs as
   * often as the last segment inside, if that is the only way there; otherwise it is a segment of its own.
   */
  #end(reader: InstructionReader, op: number): void {
    const label = reader.depth;
    if (label === 0) return;
    const kind = op === OP.end ? reader.closedKind : OP.try;
    const escapes = this.#blocks.close(label);
    const joins = kind !== OP.loop && ((kind !== OP.block && kind !== OP.tryTable) || this.#blocks.targeted[label] === 1);
    if (!joins && this.#segment < 0) return;
    const before = this.#blocks.before[label] as number;
    if (!escapes && before >= 0) this.#switchTo(before);
    else if (joins) this.#begin(reader.at, true);
  }

  #open(label: number): void {
    this.#switchTo(this.#segment);
    this.#blocks.open(label, this.#segment);
  }

  #branch(reader: InstructionReader, innermost: number): void {
    for (let i = 0; i < reader.targetCount; i++) {
      const target = innermost - (reader.targets[i] as number);
      this.#blocks.targeted[target] = 1;
      this.#blocks.branch(innermost, target);
    }
  }

  /** Begins a segment at an offset, or the stretch of dead code that begins there. */
  #begin(offset: number, live: boolean): void {
    this.#switchTo(live ? this.#insert(offset, 0) : -1);
  }

  /** Hands what has been counted to its segment, and counts for another one from here. */
  #switchTo(segment: number): void {
    if (this.#segment >= 0) this.costs[this.#segment] = (this.costs[this.#segment] as number) + this.#cost;
    this.#cost = 0;
    this.#segment = segment;
  }

  #bulk(offset: number, op: number): void {
    if (op === OP.memoryGrow) {
      this.usesHelpers = true;
      this.usesGrow = true;
      this.#insert(offset, REPLACE_GROW);
    } else if (op === OP.memoryInit || op === OP.memoryCopy || op === OP.memoryFill) {
      this.usesHelpers = true;
      this.#insert(offset, CHARGE_BYTES);
    } else if (op === OP.tableInit || op === OP.tableCopy || op === OP.tableGrow || op === OP.tableFill) {
      this.usesHelpers = true;
      this.#insert(offset, CHARGE_ENTRIES);
    }
  }

  #insert(offset: number, cost: number): number {
    if (this.count === this.offsets.length) {
      const offsets = new Uint32Array(this.count * 2);
      offsets.set(this.offsets);
      this.offsets = offsets;
      const costs = new Int32Array(this.count * 2);
      costs.set(this.costs);
      this.costs = costs;
    }
    this.offsets[this.count] = offset;
    this.costs[this.count] = cost;
    return this.count++;
  }
}
