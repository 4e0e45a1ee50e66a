import type { Digest } from "#core";
import type { DecisionEvent } from "./events.ts";
import type { Rows } from "./rows.ts";

/** LIMIT: 4096 rows, of some hundred bytes. Questions that begin with the same three digits share one, and the newest has it. */
const SLOT_DIGITS = 3;

/**
 * Notes where the log has an answer of Cedar's. Only an allow is one, for it alone is without reasons: that no policy stood in its
 * way, and which permitted it, is all there is to it. `version`: that of the policies, null where none is known.
 */
export function evolveAnswer(
  rows: Rows,
  event: DecisionEvent,
  { index, version }: { index: number; version: string | null },
): void {
  const { question, answeredBy } = event;
  if (question === undefined) return;
  const fromLog = answeredBy !== undefined;
  rows.put("policy_heads", {
    ...{ name: "answered", number: null, version: fromLog ? version : null, at: event.at, log_index: index },
  });
  // What was taken from the log is there already.
  if (fromLog || event.verdict !== "allow") return;
  rows.put("answers", { slot: question.slice(0, SLOT_DIGITS), question, log_index: index });
}

/** The index of the entry that may have the answer; whoever goes by it reads that entry. Undefined: no entry is known. */
export function readAnswerIndex(rows: Pick<Rows, "get">, question: Digest): number | undefined {
  const { question: noted, log_index: index } = rows.get("answers", question.slice(0, SLOT_DIGITS)) ?? {};
  return noted === question && typeof index === "number" && Number.isSafeInteger(index) && index >= 0 ? index : undefined;
}

/** Whether the newest answer under this version came from the log, as the next one then will. A guess, on which nothing is decided. */
export function isAnsweredByLog(rows: Pick<Rows, "get">, version: Digest): boolean {
  return rows.get("policy_heads", "answered")?.version === version;
}
