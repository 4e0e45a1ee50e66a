import type { ChildProcess } from "node:child_process";
import type { Duplex } from "node:stream";
import type { Bytes, Digest } from "#core";
import type { EngineFault } from "#ports";
import { type ControlGroup, processBytesFor } from "../confinement/control-group.ts";
import { answerBytesMax, decodeAnswer, type GuestOutcome, type SandboxAnswer } from "../wire/answer.ts";
import { FrameSplitter } from "../wire/framing.ts";
import { encodeInput, encodeJob } from "../wire/job.ts";
import { WireError, WireReader } from "../wire/reader.ts";
import { Alarm } from "./alarm.ts";
import type { Assignment } from "./assignment.ts";
import type { Launch } from "./launch.ts";
import { Outbox } from "./outbox.ts";
import { Printed } from "./printed.ts";
import { spawnSandbox } from "./spawning.ts";

const READY_BYTES_MAX = 64;
const READY_MS_MAX = 30_000; // LIMIT: a loaded machine starts a process in a second; longer means that it cannot
const START_END_MS_MAX = 3_000; // LIMIT: what has not ended by itself then is killed

const LOAD_MAX = 32; // LIMIT: jobs in a process at once, one of which runs; what it reads and we write together costs one call
const QUICK_MS = 5; // a process whose last job took longer is given the next one only when it is done
const STALL_MS = 10; // what waits behind a job that takes longer goes to another process
const SLOW_MS = 100; // most guests have ended; of one that has not, nobody knows

const REPLACED: EngineFault = { code: "engine/sandbox-died", detail: "replaced" };

/** Whom a process tells what becomes of the jobs that it was given. */
export type Employer = {
  /** One has ended with an outcome that is believed. */
  onOutcome(outcome: GuestOutcome): void;
  /** Some want another process, in the order in which they were given: this one is dead, or takes too long over the one before. */
  onReturned(assignments: readonly Assignment[]): void;
  /** One takes so long that it may have to be killed. */
  onSlow(): void;
  onDead(): void;
};

/** A job that has been sent. */
type Asked = {
  readonly assignment: Assignment;
  readonly answerBytesMax: number;
  readonly printed: Printed | undefined;
  readonly withBytes: boolean;
  /** When it was written, or when the answer before its own was read: from then on it may run. */
  startedMs: number;
  slow: boolean;
};

/**
 * One sandbox process as the worker sees it: something that may lie. It runs one job at a time, and can be sent a few more of the
 * same tenant meanwhile, so that it need not wait for the worker between short ones. It answers within a bound and a deadline or is
 * killed, and nothing that it sends is used before it has been checked.
 */
export class SandboxProcess {
  readonly #child: ChildProcess;
  readonly #channel: Duplex;
  readonly #employer: Employer;
  /** Absent where the kernel holds its processes to no limits. */
  readonly #group: ControlGroup | undefined;
  readonly #splitter = new FrameSplitter();
  readonly #outbox: Outbox;
  readonly #alarm = new Alarm(() => this.#look());
  readonly #modules = new Set<Digest>();
  readonly #starting = Promise.withResolvers<EngineFault | undefined>();
  readonly exited: Promise<void>;
  /** Whose job it was given last. INVARIANT: all that it has been asked and has not answered are theirs. */
  #tenant: string | undefined;
  readonly #asked: Asked[] = [];
  #lastMs = Infinity;
  #paceMs = Infinity;
  #overtaken = false;
  #dead: EngineFault | undefined;
  #started = false;
  runs = 0;

  constructor(launch: Launch, employer: Employer) {
    this.#employer = employer;
    ({ child: this.#child, channel: this.#channel, group: this.#group } = spawnSandbox(launch));
    this.#outbox = new Outbox(this.#channel);
    this.exited = new Promise<void>((resolve) => {
      this.#child.once("exit", () => resolve());
      this.#child.once("error", () => resolve());
    }).then(() => this.#group?.remove());
    this.#child.once("error", (error) => this.#fail({ code: "engine/unavailable", detail: error.message }));
    this.#child.once("exit", (code, signal) => {
      this.#fail({
        code: "engine/sandbox-died",
        detail: signal === null ? `exit code ${code ?? "unknown"}` : `signal ${signal}`,
      });
    });
    this.#channel.on("error", () => this.kill({ code: "engine/sandbox-died", detail: "the channel broke" }));
    this.#channel.on("data", (chunk: Bytes) => this.#receive(chunk));
    this.#alarm.setWithin(READY_MS_MAX);
    void this.ready.then((fault) => launch.onStarted?.(fault));
    this.hold(false);
  }

  /** Resolves when it can be given jobs, or with the reason for which it never will be. */
  get ready(): Promise<EngineFault | undefined> {
    return this.#starting.promise;
  }

  get started(): boolean {
    return this.#started;
  }

  get dead(): boolean {
    return this.#dead !== undefined;
  }

  get tenant(): string | undefined {
    return this.#tenant;
  }

  /** How many jobs it has been given and has not ended. */
  get load(): number {
    return this.#asked.length;
  }

  /** How long a job would wait behind those that it has, if they take as long as those before them did. */
  get waitMs(): number {
    return this.#paceMs * this.#asked.length;
  }

  /**
   * Whether a job may wait in the process behind those that it has: they are the same tenant's, nobody listens to them, and the last
   * one was over in no time.
   */
  canFollow({ job, print, feed }: Assignment): boolean {
    const [front] = this.#asked;
    if (front === undefined || front.printed !== undefined || print !== undefined) return false;
    if (front.assignment.feed !== undefined || feed !== undefined) return false; // what comes next on the channel is input
    if (this.#overtaken || this.#lastMs > QUICK_MS || this.#asked.length >= LOAD_MAX) return false;
    return this.#tenant === job.tenant && this.#modules.has(job.digest);
  }

  /** Sends a job. Its deadline counts from the first byte written, or from the answer before its own. */
  give(assignment: Assignment): void {
    this.runs++;
    const { job, print } = assignment;
    this.#group?.raise(processBytesFor(job));
    // Who asked to hear the guest is not told twice what it prints: the module goes along, so that the job is put once.
    const withBytes = print !== undefined || !this.#modules.has(job.digest);
    const printed = print && new Printed(print, job.budgets.outputBytes);
    this.#ask({ assignment, answerBytesMax: answerBytesMax(job), printed, withBytes, startedMs: 0, slow: false });
  }

  #ask(asked: Asked): void {
    const { job, print } = asked.assignment;
    const sameTenant = this.#tenant === job.tenant;
    this.#tenant = job.tenant;
    this.#outbox.send(encodeJob(job, { withBytes: asked.withBytes, sameTenant, streamed: print !== undefined }));
    if (this.#asked.push(asked) === 1) this.#begin();
    else this.#alarm.setWithin(STALL_MS);
  }

  /** The first job that is asked may run from now on. */
  #begin(): void {
    const [front] = this.#asked;
    if (front === undefined) return void (this.#overtaken = false);
    // Called off while it waited behind another: the process has come to it and is ended before it gets anywhere.
    if (front.assignment.cancelled) return this.kill(REPLACED);
    front.startedMs = performance.now();
    this.#alarm.setWithin(this.#nextLookMs(front, 0));
  }

  /** The alarm comes sooner than a deadline while a job is not slow yet, and where there is something to save when it stalls. */
  #nextLookMs({ assignment, slow }: Asked, tookMs: number): number {
    const leftMs = assignment.job.budgets.wallMs - tookMs;
    const worthIt = !slow || assignment.settled || this.#asked.length > 1;
    return worthIt ? Math.min(leftMs, STALL_MS) : leftMs;
  }

  /** What the alarm is for: a start that takes too long, a deadline, jobs behind one that is slow, and one that nobody waits for. */
  #look(): void {
    if (!this.#started) return this.kill({ code: "engine/unavailable", detail: "the sandbox did not start in time" });
    const [front, ...behind] = this.#asked;
    if (front === undefined) return;
    const { wallMs } = front.assignment.job.budgets;
    const tookMs = performance.now() - front.startedMs;
    if (tookMs >= wallMs) return this.kill({ code: "engine/deadline", detail: `after ${wallMs} ms` });
    if (tookMs >= STALL_MS) {
      if (front.assignment.settled) return this.kill(REPLACED);
      if (behind.length > 0 && !this.#overtaken) {
        this.#overtaken = true;
        this.#employer.onReturned(behind.map((one) => one.assignment));
      }
    }
    if (tookMs >= SLOW_MS && !front.slow) {
      front.slow = true;
      this.#employer.onSlow();
    }
    this.#alarm.setWithin(this.#nextLookMs(front, tookMs));
  }

  #receive(chunk: Bytes): void {
    if (this.#dead !== undefined) return;
    let bytesMax = this.#started ? 0 : READY_BYTES_MAX;
    for (const asked of this.#asked) bytesMax = Math.max(bytesMax, asked.answerBytesMax);
    if (bytesMax === 0) return this.kill({ code: "engine/protocol", detail: "it spoke without being asked" });
    const sinceMs = this.#asked[0]?.startedMs ?? -Infinity;
    const messages = this.#splitter.push(chunk, bytesMax);
    if (messages === undefined) return this.kill({ code: "engine/protocol", detail: "an answer is too long" });
    this.#paceMs = (performance.now() - sinceMs) / messages.length;
    // An answer to a job that is given only while these are read would be one to something that it cannot have heard.
    let answersMax = this.#started ? this.#asked.length : 1;
    try {
      for (const [n, message] of messages.entries()) {
        if (this.dead) return; // whoever heard a piece ended the run, or an outcome ended the process
        const answer = decodeAnswer(new WireReader(message), this.#asked[0]?.assignment.job);
        if (answer.kind === "piece") {
          const printed = this.#asked[0]?.printed;
          if (printed === undefined) throw new WireError("a piece that was not asked for");
          printed.take(answer);
          continue;
        }
        const last = n === messages.length - 1 && this.#splitter.pending === 0;
        if (this.#asked[0]?.assignment.feed?.waiting === true) throw new WireError("it did not wait for its input");
        if (answer.kind === "need-input") {
          if (!last) throw new WireError("it did not wait for its input");
          this.#feed();
          continue;
        }
        if (--answersMax === 0 && !last) throw new WireError("more than one answer");
        this.#hear(answer);
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.kill({ code: "engine/protocol", detail: error.message });
    }
  }

  #hear(answer: SandboxAnswer): void {
    const [front] = this.#asked;
    if (front === undefined) {
      if (answer.kind !== "ready") throw new WireError("the first answer is not `ready`");
      this.#started = true;
      this.#starting.resolve(undefined);
    } else if (answer.kind === "outcome") {
      this.#conclude(front, answer.outcome);
    } else if (answer.kind === "need-module" && !front.withBytes) {
      this.#ask({ ...front, withBytes: true });
      this.#asked.shift();
      this.#begin();
    } else throw new WireError(`unexpected \`${answer.kind}\``);
  }

  /** Hands the guest that runs the next of its input when it comes. Its deadline goes on meanwhile. */
  #feed(): void {
    const [front] = this.#asked;
    const feed = front?.assignment.feed;
    if (feed === undefined) throw new WireError("it asked for input that there is not");
    if (feed.ended) throw new WireError("it asked for input behind the end");
    if (front?.assignment.job.capabilities.includes("stdin") !== true)
      throw new WireError("it asked for input that was not granted");
    void feed.next().then((piece) => {
      if (this.dead || this.#asked[0] !== front) return;
      if (piece.ok) this.#outbox.send(encodeInput(piece.value));
      else this.kill(piece.fault);
    });
  }

  #conclude({ printed, assignment, startedMs }: Asked, outcome: GuestOutcome): void {
    printed?.compare(outcome);
    this.#asked.shift();
    this.#lastMs = performance.now() - startedMs;
    if (outcome.fault?.code !== "engine/invalid-module") this.#modules.add(assignment.job.digest);
    this.#begin();
    assignment.settle({ outcome, wallMs: this.#lastMs });
    this.#employer.onOutcome(outcome);
  }

  /** Ends the process if it is running this job. */
  cancel(assignment: Assignment): void {
    if (this.#asked[0]?.assignment === assignment) this.kill({ code: "engine/cancelled", detail: "" });
  }

  /** SIGKILL, and the fault becomes the end of the job that runs. The first reason stands. */
  kill(fault: EngineFault): void {
    this.#fail(fault);
    this.#channel.destroy();
    if (this.#started) this.#child.kill("SIGKILL");
    else this.#abandonStart();
  }

  /**
   * No guest is in a process that is still starting, and it ends by itself when it finds nobody at the channel. Bubblewrap
   * killed in the middle of its start would leave behind what it has cloned, waiting for it for ever.
   */
  #abandonStart(): void {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), START_END_MS_MAX);
    timer.unref();
    void this.exited.then(() => clearTimeout(timer));
  }

  #fail(fault: EngineFault): void {
    if (this.#dead !== undefined) return;
    this.#dead = fault.code === "engine/sandbox-died" ? this.#diagnose(fault) : fault;
    this.#alarm.clear();
    this.#starting.resolve({ code: "engine/unavailable", detail: fault.detail });
    const [front, ...behind] = this.#asked.splice(0);
    front?.assignment.settle({ fault: this.#dead, wallMs: performance.now() - front.startedMs });
    if (behind.length > 0 && !this.#overtaken) this.#employer.onReturned(behind.map((one) => one.assignment));
    this.#employer.onDead();
  }

  /** Why it died by itself: the kernel says when it was for want of memory, and the process can say nothing about that. */
  #diagnose(fault: EngineFault): EngineFault {
    return this.#group?.outOfMemory === true ? { code: "engine/sandbox-out-of-memory", detail: fault.detail } : fault;
  }

  /** An idle process does not keep the worker's event loop alive; one that a job waits for does. */
  hold(hold: boolean): void {
    if (hold) this.#child.ref();
    else this.#child.unref();
    // A socket that is closed puts it off until it is connected, which it never will be, and each time again.
    if (this.#channel.destroyed) return;
    const channel = this.#channel as Duplex & { ref?(): void; unref?(): void };
    if (hold) channel.ref?.();
    else channel.unref?.();
  }
}
