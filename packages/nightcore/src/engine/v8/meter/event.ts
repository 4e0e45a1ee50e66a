/** What happens at an offset of a body, as far as fuel and stack are concerned. Values of each are in {@link Events}. */
export const EVENT = {
  /** A segment begins; the value is its cost. */
  segment: 0,
  /** A loop's segment, which begins at its header. */
  header: 1,
  /** A block, `try` or `try_table` opens; the value is a set of {@link LABEL} bits. */
  openBlock: 2,
  openIf: 3,
  openLoop: 4,
  else: 5,
  /** A handler of the older exceptions begins: first what stands before it ends, then it lands. */
  catch: 6,
  /** A caught exception arrives here, of either proposal. */
  landing: 7,
  end: 8,
  /** A branch that may go on, and one that does not; the value is where its labels are in the pool. */
  branchIf: 9,
  branch: 10,
  /** `try_table`: its clauses lead to labels, from inside. */
  clauses: 11,
  /** The next instruction may trap. */
  trap: 12,
  /** A call of a function of the module's own, and any other call: of the host, or through a table. */
  call: 13,
  callOut: 14,
  /** A charge for bytes, one for table entries, and a growth of memory that is replaced. */
  bytes: 15,
  entries: 16,
  grow: 17,
  /** The function is left: by `return` or a tail call of its own functions, and by any other tail call. */
  exit: 18,
  exitOut: 19,
  /** `throw`, `rethrow`, `throw_ref`, `unreachable`: nothing goes on behind them. */
  leave: 20,
  /** A segment that branches back to a loop whose own segment is charged along with it, and such a loop's header. */
  checked: 21,
  moved: 22,
} as const;

/** What is known of a label when all of its block has been read. */
export const LABEL = {
  /** The budget must be in the global when the label is reached. */
  flushed: 1,
  /** A catch clause leads here. */
  caught: 2,
  hasElse: 4,
} as const;

/** What was seen in one body, in order of offset. Kept from body to body, so that it is allocated once. */
export class Events {
  offsets: Uint32Array = new Uint32Array(1024);
  values: Int32Array = new Int32Array(1024);
  kinds: Uint8Array = new Uint8Array(1024);
  count = 0;
  /** For each branch the number of its labels and then the labels, counted from the function's own, which is 0. */
  pool: Uint32Array = new Uint32Array(1024);
  #pooled = 0;

  clear(): void {
    this.count = 0;
    this.#pooled = 0;
  }

  /** Appends an event and returns its index. INVARIANT: offsets ascend. */
  add(kind: number, offset: number, value = 0): number {
    if (this.count === this.offsets.length) this.#grow();
    this.offsets[this.count] = offset;
    this.values[this.count] = value;
    this.kinds[this.count] = kind;
    return this.count++;
  }

  mark(index: number, bits: number): void {
    this.values[index] = (this.values[index] as number) | bits;
  }

  /** Keeps the labels of a branch, and returns where. `innermost` is the label that the branch calls 0. */
  keepLabels(targets: Uint32Array, count: number, innermost: number): number {
    const at = this.#pooled;
    if (at + count + 1 > this.pool.length) {
      const grown = new Uint32Array(Math.max(this.pool.length * 2, at + count + 1));
      grown.set(this.pool);
      this.pool = grown;
    }
    this.pool[at] = count;
    for (let i = 0; i < count; i++) this.pool[at + 1 + i] = innermost - (targets[i] as number);
    this.#pooled += count + 1;
    return at;
  }

  #grow(): void {
    const size = this.count * 2;
    const offsets = new Uint32Array(size);
    offsets.set(this.offsets);
    this.offsets = offsets;
    const values = new Int32Array(size);
    values.set(this.values);
    this.values = values;
    const kinds = new Uint8Array(size);
    kinds.set(this.kinds);
    this.kinds = kinds;
  }
}
