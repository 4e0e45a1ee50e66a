const REACHED = 1;
const DIRTY = 2;
const UNCHECKED = 4;
const WAS_LIVE = 8;
const WAS_DIRTY = 16;
const WAS_UNCHECKED = 32;
const WAS_VALID = 64;

/** What is known of the ways that lead to each open label, and of the way that opened it. Label 0 is the function's own. */
export class LabelStates {
  #bits: Uint8Array = new Uint8Array(64);
  #states: Uint8Array = new Uint8Array(64);
  #depth = 0;

  /** Begins a function; `bits` are those of its own label. */
  begin(bits: number): void {
    this.#depth = 1;
    this.#bits[0] = bits;
    this.#states[0] = 0;
  }

  get innermost(): number {
    return this.#depth - 1;
  }

  open(bits: number, live: boolean, dirty: boolean, unchecked: boolean, valid: boolean): void {
    if (this.#depth === this.#bits.length) this.#grow();
    this.#bits[this.#depth] = bits;
    this.#states[this.#depth++] =
      (live ? WAS_LIVE : 0) | (dirty ? WAS_DIRTY : 0) | (unchecked ? WAS_UNCHECKED : 0) | (valid ? WAS_VALID : 0);
  }

  close(): void {
    this.#depth--;
  }

  bits(label: number): number {
    return this.#bits[label] as number;
  }

  /** A way that leads to the label, and what holds on it. */
  reach(label: number, dirty: boolean, unchecked: boolean): void {
    const state = this.#states[label] as number;
    this.#states[label] = state | REACHED | (dirty ? DIRTY : 0) | (unchecked ? UNCHECKED : 0);
  }

  /** The way past an `if` without `else`. */
  reachFromOpening(label: number): void {
    const state = this.#states[label] as number;
    if ((state & WAS_LIVE) !== 0) this.reach(label, (state & WAS_DIRTY) !== 0, (state & WAS_UNCHECKED) !== 0);
  }

  isReached(label: number): boolean {
    return ((this.#states[label] as number) & REACHED) !== 0;
  }

  isDirty(label: number): boolean {
    return ((this.#states[label] as number) & DIRTY) !== 0;
  }

  isUnchecked(label: number): boolean {
    return ((this.#states[label] as number) & UNCHECKED) !== 0;
  }

  /** Of the innermost label, when it was opened. */
  get wasLive(): boolean {
    return this.#was(WAS_LIVE);
  }

  get wasDirty(): boolean {
    return this.#was(WAS_DIRTY);
  }

  get wasUnchecked(): boolean {
    return this.#was(WAS_UNCHECKED);
  }

  get wasValid(): boolean {
    return this.#was(WAS_VALID);
  }

  #was(bit: number): boolean {
    return ((this.#states[this.innermost] as number) & bit) !== 0;
  }

  #grow(): void {
    const bits = new Uint8Array(this.#depth * 2);
    bits.set(this.#bits);
    this.#bits = bits;
    const states = new Uint8Array(this.#depth * 2);
    states.set(this.#states);
    this.#states = states;
  }
}
