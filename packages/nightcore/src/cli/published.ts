import { join } from "node:path";
import { explainLedgerFault } from "#ports";
import { type Layout, readIfThere } from "#store/workspace";
import { stopOf } from "./unwrap.ts";

/** The checkpoint that the log has published last, as its exact text. */
export function readPublishedCheckpoint({ ledger }: Layout): string {
  const bytes = readIfThere(join(ledger, "public", "checkpoint"));
  if (bytes === undefined)
    throw stopOf({ code: "ledger/absent", where: "public/checkpoint", detail: "" } as const, explainLedgerFault);
  return Buffer.from(bytes).toString("utf8");
}
