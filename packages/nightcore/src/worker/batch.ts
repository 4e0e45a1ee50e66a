import { fail, ok, type Result } from "#core";
import type { Cancellation, LedgerFault, ModuleSource } from "#ports";
import type { Pipeline } from "./pipeline.ts";
import type { RunRecord, RunRequest } from "./run-record.ts";

/** How a batch goes. */
export type BatchOptions = {
  /** Passages under way at once; more than the engine's slots, so that recording one overlaps with running another. */
  readonly concurrency: number;
  readonly cancellation?: Cancellation | undefined;
  /** Called as each one ends, in the order of ending. */
  readonly onEnd?: ((record: RunRecord) => void) | undefined;
};

/**
 * Sends many modules through the pipeline and returns their records in the order given. The first fault of the ledger ends
 * the batch: what is under way is awaited, nothing new starts. A cancelled batch returns what it has.
 */
export async function processAll(
  pipeline: Pipeline,
  jobs: readonly { readonly source: ModuleSource; readonly request: RunRequest }[],
  { concurrency, cancellation, onEnd }: BatchOptions,
): Promise<Result<readonly RunRecord[], LedgerFault>> {
  const records: (RunRecord | undefined)[] = Array.from({ length: jobs.length });
  const gate = new ByteGate(BYTES_UNDER_WAY_MAX);
  let next = 0;
  let fault: LedgerFault | undefined;
  const work = async () => {
    for (let n = next++; n < jobs.length && fault === undefined && cancellation?.aborted !== true; n = next++) {
      const job = jobs[n];
      if (job === undefined) return;
      const bytes = job.source.sizeHint();
      await gate.enter(bytes);
      const record = await pipeline.process(job.source, job.request, cancellation).finally(() => gate.leave(bytes));
      if (!record.ok) {
        fault = record.fault;
        return;
      }
      records[n] = jobs.length > 1 ? trimOutput(record.value) : record.value;
      onEnd?.(record.value);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, jobs.length) }, work));
  return fault === undefined ? ok(records.filter((record) => record !== undefined)) : fail(fault);
}

const OUTPUT_BYTES_KEPT = 64 * 1024; // LIMIT: of each stream, so that thousands of records fit into memory; the blobs have all of it

/** The record without the end of what the guest printed; `usage.outputBytes` still says how much there was. */
function trimOutput(record: RunRecord): RunRecord {
  const { stdout, stderr } = record;
  if (stdout.length <= OUTPUT_BYTES_KEPT && stderr.length <= OUTPUT_BYTES_KEPT) return record;
  return { ...record, stdout: stdout.slice(0, OUTPUT_BYTES_KEPT), stderr: stderr.slice(0, OUTPUT_BYTES_KEPT) };
}

const BYTES_UNDER_WAY_MAX = 256 * 1024 * 1024; // LIMIT: modules held in memory at once; four of the largest

/** Lets passages in as long as what they weigh together stays under a bound; one alone always gets in. First come, first in. */
class ByteGate {
  readonly #bytesMax: number;
  readonly #waiting: { readonly bytes: number; readonly enter: () => void }[] = [];
  #bytes = 0;
  #inside = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  async enter(bytes: number): Promise<void> {
    if (this.#waiting.length > 0 || !this.#fits(bytes)) await new Promise<void>((enter) => this.#waiting.push({ bytes, enter }));
    else this.#admit(bytes);
  }

  leave(bytes: number): void {
    this.#bytes -= bytes;
    this.#inside--;
    for (let first = this.#waiting[0]; first !== undefined && this.#fits(first.bytes); first = this.#waiting[0]) {
      this.#waiting.shift();
      this.#admit(first.bytes);
      first.enter();
    }
  }

  #admit(bytes: number): void {
    this.#bytes += bytes;
    this.#inside++;
  }

  #fits(bytes: number): boolean {
    return this.#inside === 0 || this.#bytes + bytes <= this.#bytesMax;
  }
}
