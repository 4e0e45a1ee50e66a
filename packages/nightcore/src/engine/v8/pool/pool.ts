import type { Cancellation, EngineJob, Print } from "#ports";
import type { Launch } from "./launch.ts";
import { type JobEnd, SandboxProcess } from "./sandbox-process.ts";

const RUNS_MAX = 10_000; // LIMIT: what leaks in V8 or in us is given back to the system after so many runs

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

const CLOSED: JobEnd = { fault: { code: "engine/unavailable", detail: "the engine is closed" }, wallMs: 0 };

/**
 * A fixed number of slots, each with one sandbox process that runs one job at a time. Processes are started before they are
 * needed and replaced after a kill, after a fault that is not harmless, and after {@link RUNS_MAX} runs.
 */
export class Pool {
  readonly #launch: Launch;
  readonly #idle: SandboxProcess[] = [];
  readonly #all = new Set<SandboxProcess>();
  readonly #queue: ((process: SandboxProcess | undefined) => void)[] = [];
  #closed = false;

  constructor(launch: Launch, slots: number) {
    this.#launch = launch;
    for (let i = 0; i < slots; i++) this.#offer(this.#start());
  }

  #start(): SandboxProcess {
    const process = new SandboxProcess(this.#launch);
    this.#all.add(process);
    void process.exited.then(() => this.#all.delete(process));
    return process;
  }

  #offer(process: SandboxProcess): void {
    const next = this.#queue.shift();
    if (next !== undefined) next(process);
    else this.#idle.push(process);
  }

  /** A process that is free, or undefined when the pool closes before there is one. */
  #acquire(): Promise<SandboxProcess | undefined> {
    const process = this.#idle.shift();
    if (process !== undefined) return Promise.resolve(process);
    return new Promise((resolve) => this.#queue.push(resolve));
  }

  async run(job: EngineJob, cancellation: Cancellation | undefined, print?: Print): Promise<JobEnd> {
    if (this.#closed) return CLOSED;
    let process = await this.#acquire();
    if (process === undefined) return CLOSED;
    if (process.dead && !this.#closed) process = this.#start();
    process.hold(true);
    const unavailable = await process.ready;
    const end =
      unavailable === undefined ? await this.#runReady(process, job, { cancellation, print }) : { fault: unavailable, wallMs: 0 };
    const fault = "fault" in end ? end.fault : end.outcome.fault;
    const spent = "fault" in end || (fault !== undefined && !HARMLESS.has(fault.code)) || process.runs >= RUNS_MAX;
    process.hold(false);
    if (!spent) this.#offer(process);
    else {
      process.kill({ code: "engine/sandbox-died", detail: "replaced" });
      if (!this.#closed) this.#offer(this.#start());
    }
    return end;
  }

  async #runReady(
    process: SandboxProcess,
    job: EngineJob,
    { cancellation, print }: { readonly cancellation: Cancellation | undefined; readonly print: Print | undefined },
  ): Promise<JobEnd> {
    if (this.#closed) return CLOSED;
    if (cancellation?.aborted === true) return { fault: { code: "engine/cancelled", detail: "before it began" }, wallMs: 0 };
    return process.run(job, cancellation, print);
  }

  /** Kills every process and waits until the system has them all back. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const next of this.#queue.splice(0)) next(undefined);
    const all = [...this.#all];
    for (const process of all) process.hold(true);
    for (const process of all) process.kill({ code: "engine/cancelled", detail: "the engine was closed" });
    await Promise.all(all.map((process) => process.exited));
  }
}
