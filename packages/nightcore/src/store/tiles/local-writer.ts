import { mkdirSync } from "node:fs";
import { type Bytes, fail, ok, type Result } from "#core";
import { makeLogKey, makeMlDsaKey } from "#ledger";
import type { Appended, LedgerFault, LedgerWriter, Recovery } from "#ports";
import { publicKeyOf, sha256, signerOf } from "#store/keys";
import { faultOfError, ledgerFault, nodeFiles } from "./file-layer.ts";
import { acquireLock, type LedgerLock } from "./lock.ts";
import { openCore } from "./opening.ts";
import { SEGMENT_BYTES } from "./segment.ts";
import type { CommitAnswer, WriterCore } from "./writer-core.ts";
import { keyObjectOf, LOCK_WAIT_MS, type LedgerWriterOptions, PUBLISH_AFTER_MS } from "./writer-options.ts";

/** What a writer consists of once it is open, whichever thread it is in. */
export type OpenCore = { readonly core: WriterCore; readonly lock: LedgerLock; readonly recovery: Recovery };

/** Takes the lock and opens the ledger in this thread. */
export async function lockAndOpen(options: LedgerWriterOptions): Promise<Result<OpenCore, LedgerFault>> {
  const { folder } = options;
  const key = keyObjectOf(options.key);
  const create = options.create ?? true;
  const logKey = makeLogKey(sha256, options.origin, publicKeyOf(key));
  if (!logKey.ok) return fail(ledgerFault("ledger/corrupt-checkpoint", "", `${logKey.fault.code}: the origin cannot name a log`));
  const { mlDsaKey } = options;
  const mlDsa44 = mlDsaKey === undefined ? undefined : makeMlDsaKey(sha256, options.origin, publicKeyOf(mlDsaKey));
  if (mlDsa44?.ok === false)
    return fail(ledgerFault("ledger/corrupt-checkpoint", "", `${mlDsa44.fault.code}: the origin cannot name an ML-DSA-44 key`));
  try {
    if (create) mkdirSync(folder, { recursive: true });
    else if (!nodeFiles.exists(folder)) return fail(ledgerFault("ledger/absent", "", ""));
  } catch (error) {
    return fail(faultOfError(error, ""));
  }
  const lock = await acquireLock(folder, options.lockWaitMs ?? LOCK_WAIT_MS);
  if (!lock.ok) return lock;
  const files = options.files ?? nodeFiles;
  const seal = options.entries !== "raw";
  const opened = openCore({
    files,
    folder,
    segmentBytes: options.segmentBytes ?? SEGMENT_BYTES,
    logKey: logKey.value,
    sign: signerOf(key),
    second: mlDsa44 === undefined || mlDsaKey === undefined ? undefined : { key: mlDsa44.value, sign: signerOf(mlDsaKey) },
    seal,
    create,
    repair: options.repair ?? false,
    witnessed: options.witnessed,
    newest: options.newest ?? false,
    archive: options.archive,
  });
  if (!opened.ok) {
    lock.value.release();
    return opened;
  }
  return ok({ ...opened.value, lock: lock.value });
}

/** Opens a writer that works in the calling thread. */
export async function openLocalWriter(options: LedgerWriterOptions): Promise<Result<LedgerWriter, LedgerFault>> {
  const opened = await lockAndOpen(options);
  return opened.ok ? ok(new LocalWriter(opened.value, options.publishAfterMs ?? PUBLISH_AFTER_MS)) : opened;
}

type Waiting = {
  readonly payloads: readonly Bytes[];
  readonly answer: (answer: Result<readonly Appended[], LedgerFault>) => void;
};

/** Writes in the calling thread. Calls of one turn of the event loop share a flush: no timer, no wait. */
class LocalWriter implements LedgerWriter {
  readonly openedSize: number;
  readonly recovery: Recovery;
  readonly #core: WriterCore;
  readonly #lock: LedgerLock;
  readonly #publishAfterMs: number;
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  #closing: Promise<Result<string, LedgerFault>> | undefined;

  constructor({ core, lock, recovery }: OpenCore, publishAfterMs: number) {
    this.openedSize = core.size;
    this.recovery = recovery;
    this.#core = core;
    this.#lock = lock;
    this.#publishAfterMs = publishAfterMs;
  }

  append(payloads: readonly Bytes[]): Promise<Result<readonly Appended[], LedgerFault>> {
    if (this.#closing !== undefined) return Promise.resolve(fail(ledgerFault("ledger/closed", "", "")));
    return new Promise((answer) => {
      this.#waiting.push({ payloads, answer });
      if (this.#waiting.length === 1) setImmediate(() => void this.#flush());
    });
  }

  async publish(): Promise<Result<string, LedgerFault>> {
    await this.#flush();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#core.publish();
  }

  close(): Promise<Result<string, LedgerFault>> {
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  async #finish(): Promise<Result<string, LedgerFault>> {
    await this.#flush();
    clearTimeout(this.#timer);
    try {
      return await this.#core.close();
    } finally {
      this.#lock.release();
    }
  }

  async #flush(): Promise<void> {
    if (this.#core.isBehind) await this.#core.publish();
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    const answers = this.#core.commit(waiting.map(({ payloads }) => payloads));
    for (const [i, { answer }] of waiting.entries()) answer(appendedOf(answers[i]));
    if (this.#timer !== undefined || !this.#core.unpublished) return;
    // Never keeps a process alive: close() publishes, and so does the next opening after a crash.
    this.#timer = setTimeout(() => void this.publish(), this.#publishAfterMs).unref();
  }
}

/** One {@link Appended} for each entry of a request. */
export function appendedOf(answer: CommitAnswer | undefined): Result<readonly Appended[], LedgerFault> {
  if (answer === undefined) return fail(ledgerFault("ledger/write-failed", "", "the writer gave no answer"));
  if (!answer.ok) return answer;
  const { first, count, checkpoint } = answer.value;
  return ok(Array.from({ length: count }, (_, i) => ({ index: first + i, checkpoint })));
}
