import type { Digest } from "#core";
import type { DecisionEvent } from "./events.ts";
import type { Rows, Value } from "./rows.ts";

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
  const answered = { version: answeredBy === undefined ? null : version, log_index: answeredBy ?? index };
  rows.put("policy_heads", { name: "answered", number: null, at: event.at, ...answered });
  // What was taken from the log is there already.
  if (answeredBy !== undefined || event.verdict !== "allow") return;
  rows.put("answers", { slot: question.slice(0, SLOT_DIGITS), question, log_index: index });
}

/** The index of the entry that may have the answer; whoever goes by it reads that entry. Undefined: no entry is known. */
export function readAnswerIndex(rows: Pick<Rows, "get">, question: Digest): number | undefined {
  const { question: noted, log_index: index } = rows.get("answers", question.slice(0, SLOT_DIGITS)) ?? {};
  return noted === question && isIndex(index) ? index : undefined;
}

/** The index of the entry that the newest decision under this version was answered by: most likely the next one is too. */
export function readExpectedAnswer(rows: Pick<Rows, "get">, version: string): number | undefined {
  const { version: answered, log_index: index } = rows.get("policy_heads", "answered") ?? {};
  return answered === version && isIndex(index) ? index : undefined;
}

function isIndex(value: Value | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
