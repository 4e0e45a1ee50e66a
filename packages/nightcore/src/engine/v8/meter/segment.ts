import { type BodyShape, type InstructionReader, OP } from "#wasm";
import { AheadLoops } from "./ahead.ts";
import { OperandHeight } from "./operand.ts";
import { EVENT, Events, LABEL } from "./event.ts";

/** Opcodes of one byte that cost nothing: they only mark structure. */
const FREE: Uint8Array = new Uint8Array(256);
for (const op of [OP.nop, OP.block, OP.loop, OP.else, OP.end, OP.try, OP.catch, OP.catchAll, OP.delegate, OP.tryTable])
  FREE[op] = 1;

/** Opcodes of one byte that may trap, calls and control apart (core specification 4.4). */
const TRAPS: Uint8Array = new Uint8Array(256);
TRAPS.fill(1, 0x25, 0x27); // table.get, table.set
TRAPS.fill(1, 0x28, 0x3f); // loads and stores
TRAPS.fill(1, 0x6d, 0x71); // i32 division and remainder
TRAPS.fill(1, 0x7f, 0x83); // i64 division and remainder
TRAPS.fill(1, 0xa8, 0xac); // i32 from floats
TRAPS.fill(1, 0xae, 0xb2); // i64 from floats

/** Whether an instruction of SIMD reads or writes memory. */
function isVectorAccess(op: number): boolean {
  const sub = op & 0xff;
  return sub <= 0x0b || (sub >= 0x54 && sub <= 0x5d);
}

/** What is known of an open block: who branches to it, how far out its branches lead, and the segment it was opened in. */
class Blocks {
  targeted: Uint8Array = new Uint8Array(64);
  /** The outermost label that a branch from inside leads to; its own at first. */
  outermost: Int32Array = new Int32Array(64);
  /** The segment in front of the block, or -1 where that cannot be reached. */
  before: Int32Array = new Int32Array(64);
  /** The event that opened it. */
  opening: Int32Array = new Int32Array(64);
  /** Of a loop: the last branch back that was kept, -1 for none, -2 when one of them is not a plain `br`. */
  back: Int32Array = new Int32Array(64);

  open(label: number, before: number, opening: number): void {
    if (label >= this.targeted.length) this.#grow();
    this.targeted[label] = 0;
    this.outermost[label] = label;
    this.before[label] = before;
    this.opening[label] = opening;
    this.back[label] = -1;
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
    const opening = new Int32Array(size);
    opening.set(this.opening);
    this.opening = opening;
    const back = new Int32Array(size);
    back.set(this.back);
    this.back = back;
  }
}

/**
 * Reads one function body and says what matters for its fuel and its stack, in order (docs/formats/fuel.md). A segment is a set of
 * instructions that run equally often: a straight line, and after a block that nothing branches out of the line goes on where it
 * was. It is charged as a whole when it is entered.
 */
export class Segments {
  readonly events: Events = new Events();
  readonly operands: OperandHeight = new OperandHeight();
  usesHelpers = false;
  usesGrow = false;
  /** Calls something that may call on: a function of the module's own, or one in a table. */
  callsOn = false;
  /** Something branches to the end of the function. */
  get endIsTargeted(): boolean {
    return this.#blocks.targeted[0] === 1;
  }
  /** A catch clause leads to the end of the function. */
  endIsCaught = false;
  /** An exception may be caught in it. */
  catches = false;
  readonly #blocks = new Blocks();
  readonly #ahead = new AheadLoops();
  /** The segment that instructions count to, or -1 where none can be reached; what has been counted for it since. */
  #segment = 0;
  #cost = 0;

  /** Reads a body to its end. */
  read(reader: InstructionReader, body: BodyShape): void {
    this.events.clear();
    this.#ahead.clear();
    this.operands.begin();
    this.usesHelpers = false;
    this.usesGrow = false;
    this.callsOn = false;
    this.endIsCaught = false;
    this.catches = false;
    this.#cost = 0;
    this.#segment = this.events.add(EVENT.segment, body.codeOffset);
    this.#blocks.open(0, -1, -1);
    while (reader.depth > 0) {
      reader.next();
      this.operands.step(reader);
      const op = reader.op;
      if (op > 0xff || FREE[op] === 0) this.#cost++;
      if (op <= OP.returnCallIndirect || (op >= OP.delegate && op <= OP.tryTable))
        this.#control(reader, op, body.importedFunctionCount);
      else if (op > 0xff) this.#prefixed(reader.start, op);
      else if (TRAPS[op] === 1) this.#trap(reader.start);
      else if (op === OP.memoryGrow) this.#grow(reader.start);
    }
    this.#switchTo(-1);
    this.#ahead.settle(this.events);
  }

  #control(reader: InstructionReader, op: number, importedFunctionCount: number): void {
    const innermost = reader.depth - 1;
    const { events } = this;
    switch (op) {
      case OP.tryTable:
        this.#catchClauses(reader, innermost - 1);
        return this.#open(EVENT.openBlock, reader);
      case OP.block:
      case OP.try:
        return this.#open(EVENT.openBlock, reader);
      case OP.loop:
        this.#open(EVENT.openLoop, reader);
        return this.#begin(EVENT.header, reader.at, this.#segment >= 0);
      case OP.if:
        this.#open(EVENT.openIf, reader);
        return this.#begin(EVENT.segment, reader.at, true);
      case OP.else:
        events.add(EVENT.else, reader.start);
        events.mark(this.#blocks.opening[innermost] as number, LABEL.hasElse);
        return this.#begin(EVENT.segment, reader.at, true);
      case OP.catch:
      case OP.catchAll:
        this.catches = true;
        events.add(EVENT.catch, reader.start);
        events.add(EVENT.landing, reader.at);
        return this.#begin(EVENT.segment, reader.at, true);
      case OP.delegate:
      case OP.end:
        return this.#end(reader, op);
      case OP.brIf:
        this.#branch(reader, innermost, EVENT.branchIf);
        return this.#begin(EVENT.segment, reader.at, this.#segment >= 0);
      case OP.br:
      case OP.brTable:
        this.#branch(reader, innermost, EVENT.branch);
        return this.#switchTo(-1);
      case OP.call:
      case OP.callIndirect: {
        const out = op === OP.callIndirect || reader.index < importedFunctionCount;
        this.callsOn ||= op === OP.callIndirect || !out;
        events.add(out ? EVENT.callOut : EVENT.call, reader.start);
        return;
      }
      case OP.unreachable:
      case OP.return:
      case OP.throw:
      case OP.rethrow:
      case OP.throwRef:
      case OP.returnCall:
      case OP.returnCallIndirect:
        return this.#leave(reader, op, importedFunctionCount);
      default: // nop, drop, select
    }
  }

  /** What nothing comes back from. */
  #leave(reader: InstructionReader, op: number, importedFunctionCount: number): void {
    let kind: number = EVENT.leave;
    if (op === OP.return) kind = EVENT.exit;
    if (op === OP.returnCall || op === OP.returnCallIndirect) {
      const out = op === OP.returnCallIndirect || reader.index < importedFunctionCount;
      this.callsOn ||= op === OP.returnCallIndirect || !out;
      kind = out ? EVENT.exitOut : EVENT.exit;
    }
    this.events.add(kind, reader.start);
    if (op !== OP.unreachable) this.#blocks.branch(reader.depth - 1, 0); // `unreachable` ends the run, so nothing behind it is missed
    this.#switchTo(-1);
  }

  /**
   * What follows a block runs as often as what came before it, unless a branch leads from inside past its end. Then it runs as
   * often as the last segment inside, if that is the only way there; otherwise it is a segment of its own.
   */
  #end(reader: InstructionReader, op: number): void {
    const label = reader.depth;
    const { events } = this;
    const opening = this.#blocks.opening[label] as number;
    events.add(EVENT.end, reader.start, opening);
    if (label === 0) return;
    const caught = events.kinds[opening] !== EVENT.openLoop && ((events.values[opening] as number) & LABEL.caught) !== 0;
    if (caught) events.add(EVENT.landing, reader.at);
    const kind = op === OP.end ? reader.closedKind : OP.try;
    const escapes = this.#blocks.close(label);
    const back = this.#blocks.back[label] as number;
    const before = this.#blocks.before[label] as number;
    if (kind === OP.loop && back >= 0 && before >= 0) this.#ahead.keepLoop(opening + 1, before, back);
    const joins = kind !== OP.loop && ((kind !== OP.block && kind !== OP.tryTable) || this.#blocks.targeted[label] === 1);
    if (!joins && this.#segment < 0) return;
    if (!escapes && before >= 0) this.#switchTo(before);
    else if (joins) this.#begin(EVENT.segment, reader.at, true);
  }

  #open(kind: number, reader: InstructionReader): void {
    this.#switchTo(this.#segment);
    this.#blocks.open(reader.depth - 1, this.#segment, this.events.add(kind, reader.start));
  }

  #branch(reader: InstructionReader, innermost: number, kind: number): void {
    const labels = this.events.keepLabels(reader.targets, reader.targetCount, innermost);
    this.events.add(kind, reader.start, labels);
    if (reader.op === OP.br) this.#keepBack(innermost - reader.index);
    else for (let i = 0; i < reader.targetCount; i++) this.#blocks.back[innermost - (reader.targets[i] as number)] = -2;
    this.#target(reader, innermost);
  }

  /** A branch back that is always taken where it is reached, from a segment other than a loop's, may carry the loop's charge. */
  #keepBack(label: number): void {
    const last = this.#blocks.back[label] as number;
    if (last < -1 || this.#segment < 0) return;
    const own = this.events.kinds[this.#segment] === EVENT.header;
    this.#blocks.back[label] = own ? -2 : this.#ahead.keepBack(this.#segment, last);
  }

  #catchClauses(reader: InstructionReader, innermost: number): void {
    this.catches ||= reader.targetCount > 0;
    const labels = this.events.keepLabels(reader.targets, reader.targetCount, innermost);
    this.events.add(EVENT.clauses, reader.start, labels);
    this.#target(reader, innermost);
    for (let i = 0; i < reader.targetCount; i++) {
      const target = innermost - (reader.targets[i] as number);
      this.#blocks.back[target] = -2;
      if (target === 0) this.endIsCaught = true;
      else this.events.mark(this.#blocks.opening[target] as number, LABEL.caught | LABEL.flushed);
    }
  }

  #target(reader: InstructionReader, innermost: number): void {
    for (let i = 0; i < reader.targetCount; i++) {
      const target = innermost - (reader.targets[i] as number);
      this.#blocks.targeted[target] = 1;
      this.#blocks.branch(innermost, target);
    }
  }

  /** Begins a segment at an offset, or the stretch of dead code that begins there. */
  #begin(kind: number, offset: number, live: boolean): void {
    this.#switchTo(live ? this.events.add(kind, offset) : -1);
  }

  /** Hands what has been counted to its segment, and counts for another one from here. */
  #switchTo(segment: number): void {
    const { values } = this.events;
    if (this.#segment >= 0) values[this.#segment] = (values[this.#segment] as number) + this.#cost;
    this.#cost = 0;
    this.#segment = segment;
  }

  #trap(offset: number): void {
    const { events } = this;
    if (events.kinds[events.count - 1] !== EVENT.trap) events.add(EVENT.trap, offset);
  }

  #grow(offset: number): void {
    this.usesHelpers = true;
    this.usesGrow = true;
    this.events.add(EVENT.grow, offset);
  }

  #prefixed(offset: number, op: number): void {
    if (op >= 0xfd00) {
      if (isVectorAccess(op)) this.#trap(offset);
    } else if (op === OP.memoryInit || op === OP.memoryCopy || op === OP.memoryFill) {
      this.usesHelpers = true;
      this.events.add(EVENT.bytes, offset);
    } else if (op === OP.tableInit || op === OP.tableCopy || op === OP.tableGrow || op === OP.tableFill) {
      this.usesHelpers = true;
      this.events.add(EVENT.entries, offset);
    }
  }
}
