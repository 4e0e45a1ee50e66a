import type { Bytes } from "#core";
import type { BodyShape } from "#wasm";
import {
  type MeterIndices,
  writeCall,
  writeFlush,
  writeGlobalGet,
  writeGlobalSet,
  writeLocalGet,
  writeLocalSet,
  writeLocalTee,
  writeTrapWhenUsedUp,
} from "./charge.ts";
import { EVENT, type Events, LABEL } from "./event.ts";
import { FRAME_UNITS_FREE, frameUnitsOf, fuelAmount, STACK_MASK } from "./frame.ts";
import { LabelStates } from "./label.ts";
import type { Output } from "./output.ts";
import type { Segments } from "./segment.ts";

const GROW_BYTES = 2; // memory.grow and its memory index

/** What one body is written from. `blockTypeOf` gives the block type of its results, as the format writes it. */
export type BodyPlan = {
  readonly source: Bytes;
  readonly body: BodyShape;
  readonly segments: Segments;
  readonly indices: MeterIndices;
  readonly blockTypeOf: (body: BodyShape) => readonly number[];
};

/**
 * Writes bodies with their charges. The fuel left is kept in a local, and the global holds what the local does wherever somebody
 * may look: in front of calls, of the ways out, and where it is asked for of what may trap. Four facts are followed along the code:
 *
 * - live: this can be reached.
 * - valid: the local holds the fuel. After a call only the global does.
 * - dirty: the local may hold less than the global.
 * - unchecked: something may have been charged since it was last known that the fuel is not below zero.
 *
 * INVARIANT: never dirty without valid. At a label that is not `flushed`, all ways that lead there are valid; at one that is, none
 * is dirty. Every cycle of the control flow and of calls has a check in it, and so has every way to a call that leads out.
 */
export class BodyWriter {
  readonly #output: Output;
  readonly #exactAtTraps: boolean;
  readonly #labels = new LabelStates();
  #events: Events | undefined;
  #indices: MeterIndices = { budgetGlobal: 0, chargeBytes: 0, chargeEntries: 0, grow: 0 };
  #budget = 0; // the local
  #stack = -1; // the local for the stack used here, -1 where it is not needed
  #frameUnits = 0; // 0 in a function whose frame is not counted
  #live = true;
  #valid = false;
  #dirty = false;
  #unchecked = true;

  constructor(output: Output, exactAtTraps: boolean) {
    this.#output = output;
    this.#exactAtTraps = exactAtTraps;
  }

  /** Writes one body, as size, locals and code. */
  write(plan: BodyPlan): void {
    const { source, body, segments } = plan;
    const output = this.#output;
    this.#indices = plan.indices;
    const events = (this.#events = segments.events);
    const frameUnits = frameUnitsOf(body, segments.operands);
    const counted = segments.callsOn || frameUnits > FRAME_UNITS_FREE;
    this.#frameUnits = counted ? frameUnits : 0;
    this.#budget = body.localCount;
    this.#stack = counted && segments.catches ? body.localCount + 1 : -1;
    this.#live = true;
    this.#valid = false;
    this.#dirty = false;
    this.#unchecked = true;
    const start = output.reserveSize();
    output.u32(body.localGroupCount + 1);
    output.copy(source, body.localGroupsOffset, body.codeOffset);
    output.all(this.#stack < 0 ? 1 : 2, 0x7e);
    const wrapped = counted && segments.endIsTargeted;
    if (wrapped) output.all(0x02, ...plan.blockTypeOf(body));
    this.#labels.begin(!wrapped ? LABEL.flushed : segments.endIsCaught ? LABEL.flushed | LABEL.caught : 0);
    let copied = body.codeOffset;
    for (let i = 0; i < events.count; i++) {
      const offset = events.offsets[i] as number;
      if (offset > copied) output.copy(source, copied, offset);
      copied = offset;
      const kind = events.kinds[i] as number;
      if (i === events.count - 1) this.#finish(wrapped);
      else if (kind === EVENT.grow && this.#live) {
        this.#callHelper(this.#indices.grow);
        copied += GROW_BYTES;
      } else if (i === 0 && counted) this.#enter(events.values[0] as number);
      else this.#step(kind, i);
    }
    output.copy(source, copied, body.endOffset);
    output.patchSize(start);
  }

  #step(kind: number, i: number): void {
    const events = this.#events as Events;
    const value = events.values[i] as number;
    switch (kind) {
      case EVENT.segment:
        if (this.#live && value > 0) this.#charge(fuelAmount(value), "unchecked");
        return;
      case EVENT.checked:
        if (this.#live) this.#charge(fuelAmount(value), "checked");
        return;
      case EVENT.header:
      case EVENT.moved:
        return this.#header(value);
      case EVENT.openBlock:
        return this.#labels.open(value, this.#live, this.#dirty, this.#unchecked, this.#valid);
      case EVENT.openIf:
        if (this.#live && (value & LABEL.hasElse) === 0) this.#settle(value);
        return this.#labels.open(value, this.#live, this.#dirty, this.#unchecked, this.#valid);
      case EVENT.openLoop:
        if (this.#live) this.#settle(value);
        return this.#labels.open(value, this.#live, this.#dirty, this.#unchecked, this.#valid);
      case EVENT.else:
        if (this.#live) this.#reach(this.#labels.innermost);
        return this.#restart();
      case EVENT.catch:
        if (this.#live) this.#reach(this.#labels.innermost);
        this.#live = this.#labels.wasLive;
        return;
      case EVENT.landing:
        if (this.#live) this.#land();
        return;
      case EVENT.end:
        return this.#end(value);
      default:
        if (this.#live) this.#instruction(kind, value);
    }
  }

  #instruction(kind: number, value: number): void {
    switch (kind) {
      case EVENT.branchIf:
      case EVENT.branch:
        this.#reachAll(value);
        if (kind === EVENT.branch) this.#live = false;
        return;
      case EVENT.clauses:
        return this.#catchAt(value);
      case EVENT.trap:
        if (this.#exactAtTraps) this.#flush();
        return;
      case EVENT.call:
        this.#flush();
        return this.#forget();
      case EVENT.callOut:
        this.#flush();
        this.#check();
        return this.#forget();
      case EVENT.bytes:
        return this.#callHelper(this.#indices.chargeBytes);
      case EVENT.entries:
        return this.#callHelper(this.#indices.chargeEntries);
      case EVENT.exit:
      case EVENT.exitOut:
        if (kind === EVENT.exitOut) {
          this.#flush();
          this.#check();
        }
        this.#leaveFrame();
        this.#live = false;
        return;
      case EVENT.leave:
        this.#flush();
        this.#live = false;
        return;
      default:
        throw new Error(`event ${kind}`);
    }
  }

  /** Counts the frame in, together with the first segment. */
  #enter(cost: number): void {
    this.#charge(fuelAmount(cost) - this.#frameUnits, "entry");
    if (this.#stack < 0) return;
    writeLocalGet(this.#output, this.#budget);
    this.#output.u8(0x42); // i64.const
    this.#output.s64(STACK_MASK);
    this.#output.u8(0x83); // i64.and
    writeLocalSet(this.#output, this.#stack);
  }

  /** Puts the budget into the global for the caller, with the frame counted out. */
  #leaveFrame(): void {
    if (this.#frameUnits === 0) return this.#flush();
    this.#readBudget();
    this.#output.u8(0x42); // i64.const
    this.#output.s64(this.#frameUnits);
    this.#output.u8(0x7d); // i64.sub
    writeGlobalSet(this.#output, this.#indices.budgetGlobal);
  }

  #finish(wrapped: boolean): void {
    if (wrapped) {
      if (this.#live) this.#reach(0);
      this.#output.u8(0x0b);
      this.#live = this.#labels.isReached(0);
      this.#valid = (this.#labels.bits(0) & LABEL.flushed) === 0;
    }
    if (!this.#live) return;
    if (wrapped && (this.#labels.bits(0) & LABEL.caught) !== 0) this.#land();
    this.#leaveFrame();
  }

  #readBudget(): void {
    if (this.#valid) writeLocalGet(this.#output, this.#budget);
    else writeGlobalGet(this.#output, this.#indices.budgetGlobal);
  }

  #charge(amount: number, kind: "unchecked" | "checked" | "entry"): void {
    const output = this.#output;
    this.#readBudget();
    output.u8(0x42); // i64.const
    output.s64(amount);
    output.u8(0x7d); // i64.sub
    if (kind === "unchecked") writeLocalSet(output, this.#budget);
    else {
      writeLocalTee(output, this.#budget);
      writeTrapWhenUsedUp(output, kind === "entry", { global: this.#indices.budgetGlobal, local: this.#budget });
    }
    this.#valid = true;
    this.#dirty = true;
    this.#unchecked = kind === "unchecked";
  }

  /** A loop begins: what is known here must hold for every way back, too. */
  #header(cost: number): void {
    if (!this.#live) return;
    const bits = this.#labels.bits(this.#labels.innermost);
    if ((bits & LABEL.caught) !== 0) this.#land();
    const flushed = (bits & LABEL.flushed) !== 0;
    this.#valid = !flushed;
    this.#dirty = !flushed;
    this.#unchecked = true;
    if (cost > 0) this.#charge(fuelAmount(cost), "checked");
  }

  #end(opening: number): void {
    const labels = this.#labels;
    const label = labels.innermost;
    const kind = (this.#events as Events).kinds[opening] as number;
    const bits = labels.bits(label);
    if (kind === EVENT.openIf && (bits & LABEL.hasElse) === 0) labels.reachFromOpening(label);
    if (kind !== EVENT.openLoop && labels.isReached(label)) {
      if (this.#live) this.#reach(label);
      const flushed = (bits & LABEL.flushed) !== 0;
      this.#live = true;
      this.#valid = !flushed;
      this.#dirty = !flushed && labels.isDirty(label);
      this.#unchecked = flushed || labels.isUnchecked(label);
    }
    labels.close();
  }

  /** The other half of an `if`: what was known when it opened. */
  #restart(): void {
    this.#live = this.#labels.wasLive;
    this.#valid = this.#labels.wasValid;
    this.#dirty = this.#labels.wasDirty;
    this.#unchecked = this.#labels.wasUnchecked;
  }

  /** A caught exception has arrived from callees whose frames were not counted out: the stack is what it was here. */
  #land(): void {
    this.#valid = false;
    this.#dirty = false;
    this.#unchecked = true;
    if (this.#stack < 0) return;
    const output = this.#output;
    writeGlobalGet(output, this.#indices.budgetGlobal);
    output.u8(0x42); // i64.const
    output.s64(-1 - STACK_MASK);
    output.u8(0x83); // i64.and
    writeLocalGet(output, this.#stack);
    output.u8(0x84); // i64.or
    writeGlobalSet(output, this.#indices.budgetGlobal);
  }

  /** Makes what is known here fit the label. */
  #settle(bits: number): void {
    if ((bits & LABEL.flushed) !== 0) this.#flush();
    else this.#reload();
  }

  #reach(label: number): void {
    this.#settle(this.#labels.bits(label));
    this.#labels.reach(label, this.#dirty, this.#unchecked);
  }

  #reachAll(at: number): void {
    const { pool } = this.#events as Events;
    const last = at + (pool[at] as number);
    for (let i = at + 1; i <= last; i++) this.#settle(this.#labels.bits(pool[i] as number));
    for (let i = at + 1; i <= last; i++) this.#labels.reach(pool[i] as number, this.#dirty, this.#unchecked);
  }

  #catchAt(at: number): void {
    const { pool } = this.#events as Events;
    const last = at + (pool[at] as number);
    for (let i = at + 1; i <= last; i++) this.#labels.reach(pool[i] as number, false, true);
  }

  #flush(): void {
    if (!this.#dirty) return;
    writeFlush(this.#output, this.#indices.budgetGlobal, this.#budget);
    this.#dirty = false;
  }

  #reload(): void {
    if (this.#valid) return;
    writeGlobalGet(this.#output, this.#indices.budgetGlobal);
    writeLocalSet(this.#output, this.#budget);
    this.#valid = true;
  }

  /** Traps when the fuel is below zero. The caller has flushed. */
  #check(): void {
    if (!this.#unchecked) return;
    this.#readBudget();
    writeTrapWhenUsedUp(this.#output, false, undefined);
    this.#unchecked = false;
  }

  #forget(): void {
    this.#valid = false;
    this.#unchecked = true;
  }

  #callHelper(functionIndex: number): void {
    this.#flush();
    writeCall(this.#output, functionIndex);
    this.#valid = false;
  }
}
