import { explainLedgerFault } from "#ports";
import { type DecisionEvent, stepsOf } from "#state";
import { indexesOf } from "./recorded-run.ts";
import { openEntry, type View } from "./session.ts";
import { unwrap } from "./unwrap.ts";

/** A decision with the index of its entry. */
export type RecordedDecision = { readonly index: number; readonly event: DecisionEvent };

// A run begins with its passage. Before there were passages, it began with its admission, its verification and its decision.
const LONE_DECISION_AT = 2;

/**
 * Reads decisions from the log, the oldest first, each with its signature checked. `since`: not before that time; `latest`: so
 * many of the newest and no more. The projection says where they stand, and what they say is the log's.
 */
export function* readDecisions(
  { rows, reader, publicKey }: Pick<View, "rows" | "reader" | "publicKey">,
  { since, latest }: { readonly since?: string | undefined; readonly latest?: number },
): Generator<RecordedDecision> {
  const range = since === undefined ? undefined : { column: "decided_at", from: since };
  const runs = rows.scan("runs", {
    range,
    orderBy: "decided_at",
    descending: true,
    ...(latest === undefined ? {} : { limit: latest }),
  });
  const indexes = runs.flatMap((row) => {
    const of = indexesOf(row);
    const index = of[LONE_DECISION_AT] ?? of[0];
    return index === undefined ? [] : [index];
  });
  const wanted = new Set(indexes);
  if (wanted.size === 0) return;
  const sorted = [...wanted].toSorted((a, b) => a - b);
  let index = sorted[0] ?? 0;
  for (const entry of reader.entries(index, (sorted.at(-1) ?? index) + 1)) {
    if (wanted.has(index)) {
      const event = unwrap(openEntry(entry, index, publicKey), explainLedgerFault);
      for (const step of event === undefined ? [] : stepsOf(event)) if (step.kind === "decision") yield { index, event: step };
    }
    index++;
  }
}
