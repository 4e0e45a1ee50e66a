import { EVENT, type Events } from "./event.ts";

const NO_BACK = -1;

/**
 * Loops that are continued only by `br`, from segments other than their own: as compilers write `while`. Their segment is charged
 * together with the one in front of the loop and with each that branches back, so that a round takes one charge and not two.
 */
export class AheadLoops {
  /** For each loop that has ended: its header, the segment in front of it, and the last of its branches back. */
  readonly #loops: number[] = [];
  /** For each branch back: its segment, and the branch before it of the same loop. */
  readonly #backs: number[] = [];

  clear(): void {
    this.#loops.length = 0;
    this.#backs.length = 0;
  }

  /** Adds a branch to those of a loop, given the last one; the answer is the new last one. */
  keepBack(segment: number, last: number): number {
    this.#backs.push(segment, last);
    return this.#backs.length - 2;
  }

  keepLoop(header: number, before: number, last: number): void {
    this.#loops.push(header, before, last);
  }

  /** Moves the charges, inner loops first. */
  settle(events: Events): void {
    for (let i = 0; i < this.#loops.length; i += 3) {
      const header = this.#loops[i] as number;
      const before = this.#loops[i + 1] as number;
      const last = this.#loops[i + 2] as number;
      if (events.kinds[before] === EVENT.moved) continue;
      const cost = events.values[header] as number;
      events.values[before] = (events.values[before] as number) + cost;
      for (let back = last; back !== NO_BACK; back = this.#backs[back + 1] as number) {
        const segment = this.#backs[back] as number;
        events.values[segment] = (events.values[segment] as number) + cost;
        events.kinds[segment] = EVENT.checked;
      }
      events.kinds[header] = EVENT.moved;
      events.values[header] = 0;
    }
  }
}
