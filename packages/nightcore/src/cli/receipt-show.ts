import { explainLedgerFault } from "#ports";
import { readReceipt } from "#store/tiles";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import { findRun, indexesOf } from "./recorded-run.ts";
import { logKeyOf, openView, type View } from "./session.ts";
import { unwrap } from "./unwrap.ts";
import { readIfThere } from "#store/workspace";
import { parseSignedCheckpoint } from "#ledger";

/** Prints the receipt of one run: every entry that the log has of it, each with its inclusion proof and the checkpoint. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, positionals } = invocation;
  const [asked] = positionals;
  if (asked === undefined)
    throw usageStop("a run is needed", "`nightcore run` names it, and `nightcore inspect-state --all-tenants` lists them");
  const view = await openView(invocation);
  try {
    const row = findRun(view.rows, asked);
    const vkey = logKeyOf(view);
    const indexes = indexesOf(row);
    const cosigned = readCosigned(view, Math.max(...indexes));
    const request = { run: String(row["run"]), vkey, indexes, ...(cosigned === undefined ? {} : { checkpoint: cosigned }) };
    const receipt = readReceipt(view.reader, request);
    terminal.print(Buffer.from(unwrap(receipt, explainLedgerFault)).toString("utf8"));
  } finally {
    view.close();
  }
  return EXIT.ok;
}

/** The cosigned checkpoint, where it covers an entry; receipts of newer entries come under the log's own until it is submitted. */
function readCosigned({ layout, reader }: View, index: number): string | undefined {
  const note = Buffer.from(readIfThere(layout.witnessed) ?? "").toString("utf8");
  const head = parseSignedCheckpoint(note);
  return head.ok && index < head.value.size && head.value.size <= reader.published.size ? note : undefined;
}
