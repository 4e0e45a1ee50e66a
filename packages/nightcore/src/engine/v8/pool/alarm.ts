/**
 * Says when it is time to look at something again. It may ring early, and whoever hears it asks what is due: so a row of short jobs
 * sets one timer and not one for each. It keeps no event loop alive.
 */
export class Alarm {
  readonly #ring: () => void;
  #timer: NodeJS.Timeout | undefined;
  #atMs = Infinity;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** Rings when `delayMs` have passed, or before. */
  setWithin(delayMs: number): void {
    const atMs = performance.now() + delayMs;
    if (atMs >= this.#atMs) return;
    clearTimeout(this.#timer);
    this.#atMs = atMs;
    // Timers count whole milliseconds, and may end a part of one early.
    this.#timer = setTimeout(() => this.#fire(), Math.ceil(delayMs)).unref();
  }

  #fire(): void {
    this.clear();
    this.#ring();
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#atMs = Infinity;
  }
}
