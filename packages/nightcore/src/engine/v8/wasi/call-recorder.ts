import {
  checkpointsIn,
  encodeHostCallTrace,
  HOST_CALLS,
  NOT_RETURNED,
  TRACE_CHECKPOINTS_MAX,
  type TraceDigest,
  type TracedCall,
  TRACED_CALLS_MAX,
  traceSpacing,
} from "#core";

const FIRST_PRIME = 0x9e3779b1; // from xxHash; odd, so that multiplying by it loses nothing
const SECOND_PRIME = 0x85ebca77;

/**
 * Follows the calls of one run: a running digest over each function, its parameters, what it read from the guest's memory and
 * put there, and its errno. Both words of the digest are changed by every bit of a word that is added, and by the order. It is
 * cheap and no proof: who looks for two calls with one digest finds them.
 *
 * KNOWN: it runs in the sandbox, so a guest that has taken over its process can say anything about its calls.
 */
export class CallRecorder {
  // Not zero: what is zero stays so for as many zeros as are added.
  #first = SECOND_PRIME;
  #second = FIRST_PRIME;
  /** The digest before a call did anything but being called. */
  #firstBegun = SECOND_PRIME;
  #secondBegun = FIRST_PRIME;
  #digested = 0;
  #spacing = traceSpacing(0);
  readonly #calls: TracedCall[] = [];
  #checkpoints: TraceDigest[] = [];
  /** Calls that were begun, and one byte for each function: whether it was among them. */
  count = 0;
  readonly called: Uint8Array = new Uint8Array(HOST_CALLS.length);
  /** The function that is being called. A plain field: setting it cannot fail where the stack ends. */
  current = 0;

  /** Adds 32 bits. */
  absorb(value: number): void {
    const a = this.#first;
    const b = this.#second;
    this.#first = Math.imul(((a << 15) | (a >>> 17)) ^ value, FIRST_PRIME);
    this.#second = Math.imul(((b << 13) | (b >>> 19)) + value, SECOND_PRIME);
  }

  /** Adds the length and the bytes of a part of memory. */
  absorbBytes(view: DataView, at: number, length: number): void {
    this.absorb(length);
    let a = this.#first;
    let b = this.#second;
    const end = at + length;
    let from = at;
    for (; from + 4 <= end; from += 4) {
      const word = view.getUint32(from, true);
      a = Math.imul(((a << 15) | (a >>> 17)) ^ word, FIRST_PRIME);
      b = Math.imul(((b << 13) | (b >>> 19)) + word, SECOND_PRIME);
    }
    this.#first = a;
    this.#second = b;
    for (; from < end; from++) this.absorb(view.getUint8(from));
  }

  /** A call of {@link current} with its parameters; those behind the last are undefined. */
  begin(parameters: readonly (number | bigint | undefined)[]): void {
    for (const parameter of parameters) {
      if (parameter === undefined) break;
      if (typeof parameter === "number") this.absorb(parameter);
      else {
        this.absorb(Number(BigInt.asIntN(32, parameter)));
        this.absorb(Number(BigInt.asIntN(32, parameter >> 32n)));
      }
    }
    this.#firstBegun = this.#first;
    this.#secondBegun = this.#second;
  }

  /** Forgets what the call has read and put: it was ended somewhere, which is not the guest's doing. */
  abandon(): void {
    this.#first = this.#firstBegun;
    this.#second = this.#secondBegun;
  }

  end(errno: number): void {
    this.absorb((this.current << 8) | errno);
    const n = ++this.#digested;
    if (n <= TRACED_CALLS_MAX) this.#calls.push({ call: this.current, errno, digest: this.#first >>> 0 });
    else if (n % this.#spacing === 0) this.#keep(n);
  }

  #keep(n: number): void {
    this.#checkpoints.push(this.#digest);
    if (this.#checkpoints.length <= TRACE_CHECKPOINTS_MAX) return;
    // Every second one goes, those that are no multiple of the wider spacing.
    const firstIndex = Math.floor(TRACED_CALLS_MAX / this.#spacing) + 1;
    this.#checkpoints = this.#checkpoints.filter((_, i) => (firstIndex + i) % 2 === 0);
    this.#spacing *= 2;
    if (this.#checkpoints.length !== checkpointsIn(n, this.#spacing)) throw new Error("bug: checkpoints were lost");
  }

  get #digest(): TraceDigest {
    return [this.#first >>> 0, this.#second >>> 0];
  }

  /** The trace of the run; undefined when the guest called nothing. */
  encode(): Uint8Array<ArrayBuffer> | undefined {
    // A call whose end did not fit on the stack is the last there is.
    while (this.#digested < this.count) this.end(NOT_RETURNED);
    if (this.count === 0) return undefined;
    return encodeHostCallTrace({
      count: this.count,
      digest: this.#digest,
      calls: this.#calls,
      checkpoints: this.#checkpoints,
    });
  }
}
