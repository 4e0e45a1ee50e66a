import { quote } from "#core";
import { explainLedgerFault } from "#ports";
import type { Rows } from "#state";
import { readReceipt } from "#store/tiles";
import { CommandStop, EXIT, type Invocation, usageStop } from "./invocation.ts";
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
    const indexes = String(row["indexes"]).split(",").map(Number);
    const receipt = readReceipt(view.reader, { run: String(row["run"]), vkey: logKeyOf(view), indexes });
    terminal.print(Buffer.from(unwrap(receipt, explainLedgerFault)).toString("utf8"));
  } finally {
    view.close();
  }
  return EXIT.ok;
}

/** A run by its identifier or the beginning of it. */
function findRun(rows: Rows, asked: string) {
  const exact = rows.get("runs", asked);
  if (exact !== undefined) return exact;
  const found = asked.length < 8 ? [] : rows.scan("runs", {}).filter((row) => String(row["run"]).startsWith(asked));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const hint = "give a run's identifier, or at least 8 characters of its beginning that no other shares";
  throw new CommandStop({
    code: "state/run-unknown",
    message: found.length > 1 ? `${found.length} runs begin with ${quote(asked)}` : `the log knows no run ${quote(asked)}`,
    hint,
    exit: EXIT.usage,
  });
}
