import { explainLedgerFault } from "#ports";
import { readReceipt } from "#store/tiles";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import { findRun, indexesOf } from "./recorded-run.ts";
import { logKeyOf, openView } from "./session.ts";
import { unwrap } from "./unwrap.ts";

/** Prints the receipt of one run: every entry that the log has of it, each with its inclusion proof and the checkpoint. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, positionals } = invocation;
  const [asked] = positionals;
  if (asked === undefined)
    throw usageStop("a run is needed", "`nightcore run` names it, and `nightcore inspect-state --all-tenants` lists them");
  const view = await openView(invocation);
  try {
    const row = findRun(view.rows, asked);
    const receipt = readReceipt(view.reader, { run: String(row["run"]), vkey: logKeyOf(view), indexes: indexesOf(row) });
    terminal.print(Buffer.from(unwrap(receipt, explainLedgerFault)).toString("utf8"));
  } finally {
    view.close();
  }
  return EXIT.ok;
}
