import type { EngineFault, EngineJob, Print } from "#ports";
import type { GuestOutcome } from "../wire/answer.ts";

/** How a job ended, and how long it took from the first byte written until the answer was read. */
export type JobEnd = { readonly wallMs: number } & ({ readonly outcome: GuestOutcome } | { readonly fault: EngineFault });

/** A job that a pool has taken on. It ends once: where two processes were given it, the first end stands. */
export class Assignment {
  readonly job: EngineJob;
  /** Undefined: nobody asked to hear what the guest prints before it ends. */
  readonly print: Print | undefined;
  readonly ended: Promise<JobEnd>;
  readonly #resolve: (end: JobEnd) => void;
  #settled = false;

  constructor(job: EngineJob, print: Print | undefined) {
    this.job = job;
    this.print = print;
    const { promise, resolve } = Promise.withResolvers<JobEnd>();
    this.ended = promise;
    this.#resolve = resolve;
  }

  get settled(): boolean {
    return this.#settled;
  }

  settle(end: JobEnd): void {
    this.#settled = true;
    this.#resolve(end);
  }
}
