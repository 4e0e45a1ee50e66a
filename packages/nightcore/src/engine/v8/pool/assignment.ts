import type { InputRead } from "#core";
import type { EngineFault, EngineJob, Print } from "#ports";
import type { GuestOutcome } from "../wire/answer.ts";
import { Feed } from "./feed.ts";

/** How a job ended, and how long it took from the first byte written until the answer was read. */
export type JobEnd = { readonly wallMs: number; readonly input?: InputRead } & (
  | { readonly outcome: GuestOutcome }
  | { readonly fault: EngineFault }
);

/** A job that a pool has taken on. It ends once: where two processes were given it, the first end stands. */
export class Assignment {
  readonly job: EngineJob;
  /** Undefined: nobody asked to hear what the guest prints before it ends. */
  readonly print: Print | undefined;
  /** Absent where the job has all of its input. */
  readonly feed: Feed | undefined;
  readonly ended: Promise<JobEnd>;
  readonly #resolve: (end: JobEnd) => void;
  #settled = false;
  /** Whether its caller has called it off: a process that comes to it is not to run it. */
  cancelled = false;

  constructor(job: EngineJob, print: Print | undefined) {
    this.job = job;
    this.print = print;
    this.feed = job.input && new Feed(job.input);
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
