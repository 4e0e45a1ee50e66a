import type { KeyObject } from "node:crypto";
import { Worker } from "node:worker_threads";
import { type Bytes, fail, ok, type Result } from "#core";
import type { Appended, LedgerFault, LedgerWriter, Recovery } from "#ports";
import { ledgerFault } from "./file-layer.ts";
import { SEGMENT_BYTES } from "./segment.ts";
import { type FromThread, packRequests, type ThreadOptions, type ToThread } from "./thread-protocol.ts";
import { appendedOf } from "./local-writer.ts";
import { LOCK_WAIT_MS, type LedgerWriterOptions, PUBLISH_AFTER_MS } from "./writer-options.ts";

/** LIMIT: batches under way at once. While one is flushed the next is already there; a third would only split the second. */
const BATCHES_MAX = 2;
/**
 * What takes about a millisecond to sign. It is sent before this turn of the event loop is over, so that the thread need not wait
 * for whoever makes entries for longer than that.
 */
const EARLY_BYTES = 64 * 1024;
/** LIMIT: batches under way at once, where the next one has so many bytes. */
const EARLY_BATCHES_MAX = 4;
/** LIMIT: what one batch may gather before it is sent, so that a flush stays a fraction of a second. */
const BATCH_BYTES_MAX = 1024 * 1024;

/** Starts the writer thread and waits until it has opened the ledger. */
export function openThreadWriter(
  options: LedgerWriterOptions & { readonly key: KeyObject },
): Promise<Result<LedgerWriter, LedgerFault>> {
  const workerData: ThreadOptions = {
    folder: options.folder,
    origin: options.origin,
    key: options.key,
    mlDsaKey: options.mlDsaKey,
    lockWaitMs: options.lockWaitMs ?? LOCK_WAIT_MS,
    create: options.create ?? true,
    witnessed: options.witnessed,
    archive: options.archive,
    entries: options.entries ?? "sealed",
    publishAfterMs: options.publishAfterMs ?? PUBLISH_AFTER_MS,
    segmentBytes: options.segmentBytes ?? SEGMENT_BYTES,
  };
  // The published package is JavaScript; in development the sources run as they are.
  const file = import.meta.url.endsWith(".ts") ? "./writer-thread.ts" : "./writer-thread.js";
  const worker = new Worker(new URL(file, import.meta.url), { workerData });
  return new Promise((resolve) => {
    const died = (why: unknown): void => {
      const detail = why instanceof Error ? `: ${why.message}` : "";
      resolve(fail(ledgerFault("ledger/write-failed", "", `the writer thread did not start${detail}`)));
    };
    worker.once("error", died);
    worker.once("exit", died);
    worker.once("message", (message: FromThread) => {
      worker.off("error", died);
      worker.off("exit", died);
      if (message.kind === "opened") return resolve(ok(new ThreadWriter(worker, workerData, message)));
      void worker.terminate();
      resolve(fail(message.kind === "refused" ? message.fault : ledgerFault("ledger/write-failed", "", "unexpected answer")));
    });
  });
}

type Waiting = {
  readonly payloads: readonly Bytes[];
  readonly answer: (answer: Result<readonly Appended[], LedgerFault>) => void;
};
type Heard = (answer: Result<string, LedgerFault>) => void;

/** Gathers appends into batches for the writer thread: the next batch leaves when an earlier one is durable, without a timer. */
class ThreadWriter implements LedgerWriter {
  readonly openedSize: number;
  readonly recovery: Recovery;
  readonly #worker: Worker;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  readonly #earlyBytes: number;
  readonly #batches: (readonly Waiting[])[] = [];
  readonly #publishing: Heard[] = [];
  #afterAppends: ToThread[] = [];
  #closing: { readonly promise: Promise<Result<string, LedgerFault>>; readonly heard: Heard } | undefined;
  #dead: LedgerFault | undefined;

  constructor(worker: Worker, { entries }: ThreadOptions, { size, recovery }: FromThread & { readonly kind: "opened" }) {
    this.openedSize = size;
    this.recovery = recovery;
    this.#worker = worker;
    this.#earlyBytes = entries === "sealed" ? EARLY_BYTES : Infinity; // what is not signed takes no time
    worker.on("message", (message: FromThread) => this.#hear(message));
    worker.on("error", (error) => this.#die(error instanceof Error ? error.message : "the writer thread failed"));
    worker.on("exit", () => this.#die("the writer thread ended"));
  }

  append(payloads: readonly Bytes[]): Promise<Result<readonly Appended[], LedgerFault>> {
    const refused = this.#dead ?? (this.#closing === undefined ? undefined : ledgerFault("ledger/closed", "", ""));
    if (refused !== undefined) return Promise.resolve(fail(refused));
    return new Promise((answer) => {
      this.#waiting.push({ payloads, answer });
      this.#waitingBytes += bytesOf(payloads);
      // Sent once this turn's other appends are in as well.
      if (this.#waiting.length === 1) setImmediate(() => this.#send());
      if (this.#waitingBytes >= this.#earlyBytes) this.#send();
    });
  }

  publish(): Promise<Result<string, LedgerFault>> {
    const refused = this.#dead ?? (this.#closing === undefined ? undefined : ledgerFault("ledger/closed", "", ""));
    if (refused !== undefined) return Promise.resolve(fail(refused));
    return new Promise((heard) => {
      this.#publishing.push(heard);
      this.#afterAppends.push({ kind: "publish" });
      this.#send();
    });
  }

  close(): Promise<Result<string, LedgerFault>> {
    if (this.#closing !== undefined) return this.#closing.promise;
    if (this.#dead !== undefined) return Promise.resolve(fail(this.#dead));
    const { promise, resolve } = Promise.withResolvers<Result<string, LedgerFault>>();
    this.#closing = { promise, heard: resolve };
    this.#afterAppends.push({ kind: "close" });
    this.#send();
    return promise;
  }

  #send(): void {
    while (this.#waiting.length > 0 && this.#batches.length < this.#batchesMax && this.#dead === undefined) {
      const batch = this.#takeBatch();
      const message = packRequests(batch.map(({ payloads }) => payloads));
      this.#batches.push(batch);
      this.#worker.postMessage(message, [message.bytes.buffer]);
    }
    if (this.#waiting.length > 0) return;
    for (const message of this.#afterAppends) this.#worker.postMessage(message);
    this.#afterAppends = [];
  }

  get #batchesMax(): number {
    return this.#waitingBytes >= this.#earlyBytes ? EARLY_BATCHES_MAX : BATCHES_MAX;
  }

  #takeBatch(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#waiting.length && bytes < BATCH_BYTES_MAX) bytes += bytesOf(this.#waiting[count++]?.payloads ?? []);
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, count);
  }

  #hear(message: FromThread): void {
    if (message.kind === "appended") {
      this.#answer(message);
      this.#send();
    } else if (message.kind === "published" || message.kind === "closed") {
      const heard = message.kind === "published" ? this.#publishing.shift() : this.#closing?.heard;
      heard?.(message.fault === undefined ? ok(message.checkpoint) : fail(message.fault));
      if (message.kind === "closed") this.#dead = ledgerFault("ledger/closed", "", "");
    }
  }

  #answer({ first, faults, checkpoint }: FromThread & { readonly kind: "appended" }): void {
    const batch = this.#batches.shift() ?? [];
    let refused = 0;
    for (const [i, { payloads, answer }] of batch.entries()) {
      const index = first[i] ?? -1;
      const fault = index < 0 ? faults[refused++] : undefined;
      answer(fault === undefined ? appendedOf(ok({ first: index, count: payloads.length, checkpoint })) : fail(fault));
    }
  }

  /** The thread is gone: nobody knows what became of what was under way, so all of it failed. */
  #die(detail: string): void {
    this.#dead ??= ledgerFault("ledger/write-failed", "", detail);
    const fault = this.#dead;
    const waiting = [...this.#batches.splice(0).flat(), ...this.#waiting.splice(0)];
    for (const { answer } of waiting) answer(fail(fault));
    for (const heard of this.#publishing.splice(0)) heard(fail(fault));
    this.#closing?.heard(fail(fault));
  }
}

function bytesOf(payloads: readonly Bytes[]): number {
  return payloads.reduce((sum, payload) => sum + payload.length, 0);
}
