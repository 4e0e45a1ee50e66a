import type { AcknowledgementLevel } from "#core";
import { explainLedgerFault } from "#ports";
import { readReceipt } from "#store/tiles";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import { findRun, indexesOf } from "./recorded-run.ts";
import { logKeyOf, openView, readEntry, type View } from "./session.ts";
import { unwrap } from "./unwrap.ts";
import { isQuorumOf, readLogPolicy } from "./witnessing.ts";
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
    const acknowledged = readAcknowledged(view, invocation, { indexes, cosigned });
    const request = {
      ...{ run: String(row["run"]), vkey, indexes },
      ...(cosigned === undefined ? {} : { checkpoint: cosigned }),
      ...(acknowledged === undefined ? {} : { acknowledged }),
    };
    const receipt = readReceipt(view.reader, request);
    terminal.print(Buffer.from(unwrap(receipt, explainLedgerFault)).toString("utf8"));
  } finally {
    view.close();
  }
  return EXIT.ok;
}

const MISSES_MAX = 2; // LIMIT: of a round that was under way when the entry came, and of the entry's own

/**
 * The level to claim for a run: what its decision asked for, unless the log knows of a miss, and never more than the receipt's
 * checkpoint can show. Undefined where no more than `durable` was asked for.
 */
function readAcknowledged(
  { reader, rows, publicKey, configuration }: View,
  { root }: Invocation,
  { indexes, cosigned }: { readonly indexes: readonly number[]; readonly cosigned: string | undefined },
): AcknowledgementLevel | undefined {
  const read = (index: number) => readEntry({ reader, publicKey }, index);
  const decision = indexes.flatMap(read).find(({ kind }) => kind === "decision");
  const asked = decision?.kind === "decision" ? decision.acknowledgement?.level : undefined;
  if (asked === undefined) return undefined;
  const last = Math.max(...indexes);
  const after = { column: "log_index", from: last + 1 };
  const misses = rows.scan("notices", { where: { kind: "acknowledgement" }, range: after, limit: MISSES_MAX });
  for (const row of misses) {
    const [miss] = read(Number(row["log_index"]));
    if (miss?.kind === "acknowledgement" && miss.from <= last && last < miss.to) return miss.reached;
  }
  const { policy } = configuration.acknowledgement;
  if (asked !== "witnessed") return asked;
  return cosigned !== undefined && policy !== "" && isQuorumOf(readLogPolicy(root, policy), cosigned) ? "witnessed" : "published";
}

/** The cosigned checkpoint, where it covers an entry; receipts of newer entries come under the log's own until it is submitted. */
function readCosigned({ layout, reader }: View, index: number): string | undefined {
  const note = Buffer.from(readIfThere(layout.witnessed) ?? "").toString("utf8");
  const head = parseSignedCheckpoint(note);
  return head.ok && index < head.value.size && head.value.size <= reader.published.size ? note : undefined;
}
