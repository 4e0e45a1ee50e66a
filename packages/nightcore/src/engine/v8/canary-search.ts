import { type Bytes, type Canary, canaryNeedles, encodeCanaryName } from "#core";

/** Looks for what decoys hold in bytes that a guest hands out. */
export class CanarySearch {
  readonly #needles: readonly (readonly [name: string, needle: Bytes])[];
  /** How far back the beginning of something may lie that is complete only now. */
  readonly overlap: number;

  constructor(canaries: readonly Canary[]) {
    this.#needles = canaries.flatMap((canary) =>
      canaryNeedles(canary).map((needle) => [encodeCanaryName(canary), needle] as const),
    );
    this.overlap = Math.max(0, ...this.#needles.map(([, needle]) => needle.length - 1));
  }

  get isEmpty(): boolean {
    return this.#needles.length === 0;
  }

  /** The first decoy whose value is in these bytes. */
  find(bytes: Bytes): string | undefined {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    return this.#needles.find(([, needle]) => view.includes(needle))?.[0];
  }
}
