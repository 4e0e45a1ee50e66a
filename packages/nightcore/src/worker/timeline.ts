import { type Clock, encodeTime, parseTime } from "#core";
import type { Event } from "#state";

/**
 * The time that the log tells: the clock's, and never less than what the log has seen. A clock that was set back changes no
 * order, and revives nothing that has expired; how far it is behind is recorded.
 */
export class Timeline {
  readonly #clock: Clock;
  #latestMs: number;
  #isTold = false;

  /** `latest`: the largest time of any entry; undefined for a log without one. */
  constructor(clock: Clock, latest: string | undefined) {
    this.#clock = clock;
    this.#latestMs = latest === undefined ? 0 : (parseTime(latest) ?? 0);
  }

  /** Milliseconds since the epoch, never less than an entry's time. */
  readonly now: Clock = () => Math.max(this.#clock(), this.#latestMs);

  /** What the machine's clock says, right or wrong. */
  get clock(): Clock {
    return this.#clock;
  }

  /**
   * Events as they are to be recorded now, in this order: none is earlier than the entry before it. Where the clock is found
   * behind the log, an event says so first; once, until the clock has caught up.
   */
  stamp<T extends { readonly event: Event }>(
    recorded: readonly T[],
  ): { readonly told: readonly Event[]; readonly stamped: readonly T[] } {
    const clockMs = this.#clock();
    const behindMs = this.#latestMs - clockMs;
    const told: Event[] = [];
    if (behindMs > 0 && !this.#isTold)
      told.push({ kind: "clock", at: encodeTime(this.#latestMs), clock: encodeTime(clockMs), behindMs });
    this.#isTold = behindMs > 0;
    const stamped = recorded.map((one) => ({ ...one, event: this.#notBefore(one.event) }));
    return { told, stamped };
  }

  /** What was told of the clock was not recorded, and is told again. */
  forget(): void {
    this.#isTold = false;
  }

  #notBefore(event: Event): Event {
    const atMs = parseTime(event.at) ?? 0;
    if (atMs < this.#latestMs) return { ...event, at: encodeTime(this.#latestMs) };
    this.#latestMs = atMs;
    return event;
  }
}
