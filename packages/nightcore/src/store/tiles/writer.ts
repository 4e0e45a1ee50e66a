import type { Result } from "#core";
import type { LedgerFault, LedgerWriter } from "#ports";
import { keyObjectOf, type LedgerWriterOptions } from "./writer-options.ts";

/**
 * Opens the one writer of a ledger, or says why it cannot be written; {@link LedgerWriter} tells what its promises mean. What
 * the chosen variant does not need is not loaded.
 */
export async function openLedgerWriter(options: LedgerWriterOptions): Promise<Result<LedgerWriter, LedgerFault>> {
  if (!options.thread) return (await import("./local-writer.ts")).openLocalWriter(options);
  return (await import("./thread-writer.ts")).openThreadWriter({ ...options, key: keyObjectOf(options.key) });
}
