import type { Cancellation, EngineFault, EngineJob, Print } from "#ports";
import type { GuestOutcome } from "../wire/answer.ts";
import { Assignment, type JobEnd } from "./assignment.ts";
import type { Launch } from "./launch.ts";
import { SandboxProcess } from "./sandbox-process.ts";

const RUNS_MAX = 100_000; // LIMIT: what leaks in V8 or in us is given back to the system after so many runs

const SOON_MS = 1; // what waits so long is not worth waking another process for, which then competes for the processor's cache

/** Faults after which a process is as it was before: nothing ran, or the guest ended in the way that guests may. */
const HARMLESS: ReadonlySet<string> = new Set([
  "engine/unsupported-feature",
  "engine/unknown-import",
  "engine/no-entry",
  "engine/bad-argument",
  "engine/memory-exceeded",
  "engine/trap",
  "engine/fuel-exhausted",
]);

/** How many processes a pool has: as many as may run jobs at once, and more that wait to take the place of one that is killed. */
export type PoolSize = { readonly slots: number; readonly spares?: number };

/**
 * Sandbox processes, of which a fixed number runs jobs at once. They are started before they are needed and replaced after a kill,
 * after a fault that is not harmless, and after {@link RUNS_MAX} runs; spares are started when a guest is slow for the
 * first time, or its process dies. Jobs begin in the order in which they came, and go to a process that had their tenant before,
 * if there is one; short ones to as few processes as keep up with them.
 */
export class Pool {
  readonly #launch: Launch;
  readonly #slots: number;
  readonly #spares: number;
  readonly #processes = new Set<SandboxProcess>();
  readonly #queue: Assignment[] = [];
  #wanted: number;
  #pending = 0;
  #staffing = false;
  #closed = false;

  constructor(launch: Launch, { slots, spares = 0 }: PoolSize) {
    this.#launch = launch;
    this.#slots = slots;
    this.#spares = spares;
    this.#wanted = slots;
    this.#staff();
  }

  async run(job: EngineJob, cancellation: Cancellation | undefined, print?: Print): Promise<JobEnd> {
    if (this.#closed) return failed({ code: "engine/unavailable", detail: "the engine is closed" });
    if (cancellation?.aborted === true) return failed(CANCELLED);
    const assignment = new Assignment(job, print);
    const cancel = (): void => this.#cancel(assignment);
    cancellation?.addEventListener("abort", cancel);
    if (this.#pending++ === 0) this.#hold(true);
    this.#queue.push(assignment);
    this.#dispatch();
    const end = await assignment.ended;
    if (--this.#pending === 0) this.#hold(false);
    cancellation?.removeEventListener("abort", cancel);
    assignment.feed?.close();
    return assignment.feed === undefined ? end : { ...end, input: assignment.feed.read };
  }

  /** An idle pool does not keep the worker's event loop alive; one that a job waits for does. */
  #hold(hold: boolean): void {
    for (const process of this.#processes) process.hold(hold);
  }

  #cancel(assignment: Assignment): void {
    assignment.cancelled = true;
    for (const process of this.#processes) process.cancel(assignment);
    if (!assignment.settled) assignment.settle(failed(CANCELLED));
  }

  #dispatch(): void {
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      const place = next.settled ? undefined : this.#placeFor(next);
      if (place === undefined && !next.settled) break;
      this.#queue.shift();
      place?.give(next);
    }
    if (this.#queue.length > 0 && this.#countAlive() < this.#slots) this.#staffSoon();
  }

  /**
   * A process that is done with what it has in less time than waking another takes; or one that has nothing to do, as long as a slot
   * is free; or one that takes the job behind those that it has.
   */
  #placeFor(assignment: Assignment): SandboxProcess | undefined {
    let busy = 0;
    let [soon, idle, behind]: (SandboxProcess | undefined)[] = [];
    for (const process of this.#processes) {
      if (!process.started || process.dead) continue;
      if (process.load > 0) busy++;
      if (process.runs >= RUNS_MAX) continue;
      if (process.load === 0) {
        if (idle === undefined || process.tenant === assignment.job.tenant) idle = process;
      } else if (process.canFollow(assignment)) {
        if (behind === undefined || process.load < behind.load) behind = process;
        if (process.waitMs <= SOON_MS && (soon === undefined || process.load > soon.load)) soon = process;
      }
    }
    return soon ?? (busy < this.#slots && idle !== undefined ? idle : behind);
  }

  #countAlive(): number {
    let alive = 0;
    for (const process of this.#processes) if (!process.dead) alive++;
    return alive;
  }

  #staff(): void {
    for (let alive = this.#countAlive(); alive < this.#wanted; alive++) this.#start();
  }

  /** Starts what is missing in the event loop's next turn: starting a process holds the loop up, and there may be a job to send. */
  #staffSoon(): void {
    if (this.#staffing || this.#closed) return;
    this.#staffing = true;
    setImmediate(() => {
      this.#staffing = false;
      if (!this.#closed) this.#staff();
    });
  }

  #start(): void {
    const process: SandboxProcess = new SandboxProcess(this.#launch, {
      onOutcome: (outcome) => this.#judge(process, outcome),
      onReturned: (assignments) => this.#takeBack(assignments),
      onSlow: () => this.#wantSpares(),
      onDead: () => {
        if (process.runs > 0) this.#wantSpares();
        this.#dispatch();
      },
    });
    this.#processes.add(process);
    if (this.#pending > 0) process.hold(true);
    void process.exited.then(() => this.#processes.delete(process));
    void process.ready.then((fault) => this.#welcome(fault));
  }

  /** A process that does not start costs a job that waits for it its run, unless there are others. */
  #welcome(fault: EngineFault | undefined): void {
    if (fault !== undefined && this.#countAlive() === 0) this.#queue.shift()?.settle(failed(fault));
    if (fault === undefined || this.#countAlive() === 0) this.#dispatch();
  }

  /** After an outcome: whether its process may go on. */
  #judge(process: SandboxProcess, { fault }: GuestOutcome): void {
    const worn = process.runs >= RUNS_MAX && process.load === 0;
    const spent = worn || (fault !== undefined && !HARMLESS.has(fault.code));
    if (spent) process.kill({ code: "engine/sandbox-died", detail: "replaced" });
    else this.#dispatch();
  }

  /** A process may have to be killed, or has been: from now on its place is to be taken at once. */
  #wantSpares(): void {
    this.#wanted = this.#slots + this.#spares;
    this.#staffSoon();
  }

  /** Jobs that were given to a process and want another begin before all that came after them. */
  #takeBack(assignments: readonly Assignment[]): void {
    if (this.#closed) for (const one of assignments) one.settle(failed(CLOSING));
    else this.#queue.unshift(...assignments);
    this.#dispatch();
  }

  /** Kills every process and waits until the system has them all back. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const waiting of this.#queue.splice(0)) waiting.settle(failed(CLOSING));
    const all = [...this.#processes];
    for (const process of all) process.hold(true);
    for (const process of all) process.kill(CLOSING);
    await Promise.all(all.map((process) => process.exited));
  }
}

const CANCELLED: EngineFault = { code: "engine/cancelled", detail: "before it began" };
const CLOSING: EngineFault = { code: "engine/cancelled", detail: "the engine was closed" };

function failed(fault: EngineFault): JobEnd {
  return { fault, wallMs: 0 };
}
