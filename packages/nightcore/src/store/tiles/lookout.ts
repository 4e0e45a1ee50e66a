const SOON_MS = 0.3; // after an answer: a message, its sender's work on the answer, and two awakenings
const LOOK_MS = 0.15; // what an awakening takes and an append between two answers
const LOOKS_MAX = 8; // in a row, between two turns of the event loop

/**
 * Looks out for the next message without sleeping, where the one before came soon after its answer: then somebody appends one entry
 * after the other, and being woken for each takes half as long again as the append. It looks no longer than that would take, gives up
 * when nothing came, and leaves the event loop its turn every few messages.
 */
export class Lookout<Message> {
  readonly #poll: () => Message | undefined;
  readonly #take: (message: Message) => void;
  readonly #now: () => number;
  #answeredMs = -Infinity;
  #worthIt = false;
  #looks = 0;

  /** `poll` takes a message that is there from the queue that the event loop empties otherwise; `take` handles it. */
  constructor(poll: () => Message | undefined, take: (message: Message) => void, now = () => performance.now()) {
    this.#poll = poll;
    this.#take = take;
    this.#now = now;
  }

  /** Everything that came is answered. */
  begin(): void {
    this.#answeredMs = this.#now();
    if (!this.#worthIt) return;
    if (++this.#looks % LOOKS_MAX === 0) setImmediate(() => this.#look());
    else this.#look();
  }

  /** A message came through the event loop. */
  hear(): void {
    this.#worthIt = this.#now() - this.#answeredMs < SOON_MS;
  }

  #look(): void {
    const endMs = this.#now() + LOOK_MS;
    do {
      const message = this.#poll();
      if (message !== undefined) return this.#take(message);
    } while (this.#now() < endMs);
    this.#worthIt = false;
  }
}
