import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import { type Duplex, PassThrough } from "node:stream";
import type { Bytes, Digest } from "#core";
import type { Cancellation, EngineFault, EngineJob, Print } from "#ports";
import { FILTER_FD } from "../confinement/bubblewrap.ts";
import { coverInherited } from "../confinement/inherited.ts";
import { answerBytesMax, type AskedJob, decodeAnswer, type GuestOutcome, type SandboxAnswer } from "../wire/answer.ts";
import { FrameSplitter } from "../wire/framing.ts";
import { encodeJob } from "../wire/job.ts";
import { WireError, WireReader } from "../wire/reader.ts";
import type { Launch } from "./launch.ts";
import { Printed } from "./printed.ts";

const READY_BYTES_MAX = 64;
const READY_MS_MAX = 30_000; // LIMIT: a loaded machine starts a process in a second; longer means that it cannot

const START_END_MS_MAX = 3_000; // LIMIT: what has not ended by itself then is killed

/** How a job ended, and how long it took from the first byte written until the answer was read. */
export type JobEnd = { readonly wallMs: number } & ({ readonly outcome: GuestOutcome } | { readonly fault: EngineFault });

type Waiter = {
  readonly messageBytesMax: number;
  readonly asked: AskedJob | undefined;
  /** Undefined: it is not asked to tell what the guest prints before it ends. */
  readonly printed: Printed | undefined;
  resolve(end: SandboxAnswer | EngineFault): void;
};

/**
 * One sandbox process as the worker sees it: something that may lie. It is asked one thing at a time, answers within a bound and
 * a deadline or is killed, and nothing that it sends is used before it has been checked.
 */
export class SandboxProcess {
  readonly #child: ChildProcess;
  readonly #channel: Duplex;
  readonly #splitter = new FrameSplitter();
  readonly #modules = new Set<Digest>();
  readonly ready: Promise<EngineFault | undefined>;
  readonly exited: Promise<void>;
  /** Whose job it ran last. */
  #tenant: string | undefined;
  #waiter: Waiter | undefined;
  #dead: EngineFault | undefined;
  #started = false;
  runs = 0;

  constructor(launch: Launch) {
    this.#child = spawn(launch.command, launch.args, {
      stdio: stdioOf(launch),
      env: {},
      windowsHide: true,
    });
    // Out of descriptors, Node gives the child no streams at all; `error` follows on its own.
    const streams = this.#child.stdio as ChildProcess["stdio"] | undefined;
    this.#channel = (streams?.[3] ?? new PassThrough()) as Duplex;
    if (launch.filter !== undefined) handOver(streams?.[FILTER_FD] as Duplex | null | undefined, launch.filter);
    this.exited = new Promise((resolve) => {
      this.#child.once("exit", () => resolve());
      this.#child.once("error", () => resolve());
    });
    this.#child.once("error", (error) => this.#fail({ code: "engine/unavailable", detail: error.message }));
    this.#child.once("exit", (code, signal) => {
      this.#fail({
        code: "engine/sandbox-died",
        detail: signal === null ? `exit code ${code ?? "unknown"}` : `signal ${signal}`,
      });
    });
    this.#channel.on("error", () => this.kill({ code: "engine/sandbox-died", detail: "the channel broke" }));
    this.#channel.on("data", (chunk: Bytes) => this.#receive(chunk));
    this.ready = this.#awaitReady();
    void this.ready.then((fault) => launch.onStarted?.(fault));
    this.hold(false);
  }

  get dead(): boolean {
    return this.#dead !== undefined;
  }

  async #awaitReady(): Promise<EngineFault | undefined> {
    const timer = setTimeout(
      () => this.kill({ code: "engine/unavailable", detail: "the sandbox did not start in time" }),
      READY_MS_MAX,
    );
    timer.unref();
    const answer = await this.#ask([], READY_BYTES_MAX, { asked: undefined, printed: undefined });
    clearTimeout(timer);
    this.#started = !("code" in answer);
    if ("code" in answer) return { code: "engine/unavailable", detail: answer.detail };
    return answer.kind === "ready"
      ? undefined
      : this.kill({ code: "engine/protocol", detail: "the first answer is not `ready`" });
  }

  /** Runs a job with its deadline counted from the first byte written. The caller has awaited `ready`, and runs one at a time. */
  async run(job: EngineJob, cancellation: Cancellation | undefined, print?: Print): Promise<JobEnd> {
    if (this.#dead !== undefined) return { fault: this.#dead, wallMs: 0 };
    const startedMs = performance.now();
    this.runs++;
    const deadline = setTimeout(
      () => this.kill({ code: "engine/deadline", detail: `after ${job.budgets.wallMs} ms` }),
      job.budgets.wallMs,
    );
    const cancel = (): void => void this.kill({ code: "engine/cancelled", detail: "" });
    cancellation?.addEventListener("abort", cancel);
    try {
      const end = await this.#converse(job, print);
      return { ...end, wallMs: performance.now() - startedMs };
    } finally {
      clearTimeout(deadline);
      cancellation?.removeEventListener("abort", cancel);
    }
  }

  async #converse(
    job: EngineJob,
    print: Print | undefined,
  ): Promise<{ readonly outcome: GuestOutcome } | { readonly fault: EngineFault }> {
    const bytesMax = answerBytesMax(job);
    // Who asked to hear the guest is not told twice what it prints: the module goes along, so that the job is put once.
    const known = print === undefined && this.#modules.has(job.digest);
    const streamed = print !== undefined;
    const printed = print && new Printed(print, job.budgets.outputBytes);
    const sameTenant = this.#tenant === job.tenant;
    this.#tenant = job.tenant;
    let answer = await this.#ask(encodeJob(job, { withBytes: !known, sameTenant, streamed }), bytesMax, { asked: job, printed });
    if (known && "kind" in answer && answer.kind === "need-module")
      answer = await this.#ask(encodeJob(job, { withBytes: true, sameTenant, streamed }), bytesMax, { asked: job, printed });
    if ("code" in answer) return { fault: answer };
    if (answer.kind !== "outcome")
      return { fault: this.kill({ code: "engine/protocol", detail: `unexpected \`${answer.kind}\`` }) };
    if (answer.outcome.fault?.code !== "engine/invalid-module") this.#modules.add(job.digest);
    return { outcome: answer.outcome };
  }

  #ask(
    frame: readonly Bytes[],
    messageBytesMax: number,
    { asked, printed }: Pick<Waiter, "asked" | "printed">,
  ): Promise<SandboxAnswer | EngineFault> {
    return new Promise((resolve) => {
      if (this.#dead !== undefined) return resolve(this.#dead);
      this.#waiter = { messageBytesMax, asked, printed, resolve };
      if (frame.length > 1) this.#channel.cork();
      for (const part of frame) this.#channel.write(part);
      if (frame.length > 1) this.#channel.uncork();
    });
  }

  #receive(chunk: Bytes): void {
    const waiter = this.#waiter;
    if (this.#dead !== undefined) return;
    if (waiter === undefined) return void this.kill({ code: "engine/protocol", detail: "it spoke without being asked" });
    const messages = this.#splitter.push(chunk, waiter.messageBytesMax);
    if (messages === undefined) return void this.kill({ code: "engine/protocol", detail: "an answer is too long" });
    try {
      for (const [n, message] of messages.entries()) {
        if (this.#dead !== undefined) return; // whoever heard a piece ended the run
        const last = n === messages.length - 1 && this.#splitter.pending === 0;
        this.#hear(waiter, message, last);
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.kill({ code: "engine/protocol", detail: error.message });
    }
  }

  /** Passes a piece on, or ends the waiting with an answer, which has to be the last that was said. */
  #hear(waiter: Waiter, message: Bytes, last: boolean): void {
    const answer = decodeAnswer(new WireReader(message), waiter.asked);
    if (answer.kind === "piece") {
      if (waiter.printed === undefined) throw new WireError("a piece that was not asked for");
      waiter.printed.take(answer);
      return;
    }
    if (!last) throw new WireError("more than one answer");
    if (answer.kind === "outcome") waiter.printed?.compare(answer.outcome);
    this.#waiter = undefined;
    waiter.resolve(answer);
  }

  /** SIGKILL, and the fault becomes the answer to whatever is waited for. The first reason stands. */
  kill(fault: EngineFault): EngineFault {
    this.#fail(fault);
    this.#channel.destroy();
    if (this.#started) this.#child.kill("SIGKILL");
    else this.#abandonStart();
    return fault;
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
    this.#dead ??= fault;
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.resolve(this.#dead);
  }

  /** An idle process does not keep the worker's event loop alive; one that a job waits for does. */
  hold(hold: boolean): void {
    const channel = this.#channel as Duplex & { ref?(): void; unref?(): void };
    if (hold) {
      this.#child.ref();
      channel.ref?.();
    } else {
      this.#child.unref();
      channel.unref?.();
    }
  }
}

/** The channel, the filter where there is one, and nothing else that the worker holds. */
function stdioOf({ filter, inherited }: Launch): StdioOptions {
  const own = ["ignore", "ignore", "ignore", "pipe", ...(filter === undefined ? [] : ["pipe" as const])] as const;
  return [...coverInherited(own, inherited ?? [])];
}

/** Sends what is read to its end before Node starts; the other side closes the descriptor then. */
function handOver(stream: Duplex | null | undefined, bytes: Bytes): void {
  if (stream === null || stream === undefined) return;
  stream.on("error", () => undefined); // it ends without having read: its exit says why
  stream.write(bytes);
  // A socket takes so little at once, and closes at once too. `end` would wait for the event loop, and the start with it.
  if (stream.writableLength === 0) stream.destroy();
  else stream.resume().end();
}
