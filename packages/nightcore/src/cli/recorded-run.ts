import { quote } from "#core";
import type { AssessmentEvent, Row, Rows } from "#state";
import type { RecordedRun } from "#worker";
import { CommandStop, EXIT } from "./invocation.ts";
import { readEntry, type View } from "./session.ts";

const BEGINNING_MIN = 8; // LIMIT: fewer characters of a run's identifier are only its time

/** A run by its identifier or the beginning of it. */
export function findRun(rows: Rows, asked: string): Row {
  const exact = rows.get("runs", asked);
  if (exact !== undefined) return exact;
  const found = asked.length < BEGINNING_MIN ? [] : rows.scan("runs", {}).filter((row) => String(row["run"]).startsWith(asked));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const hint = `give a run's identifier, or at least ${BEGINNING_MIN} characters of its beginning that no other shares`;
  throw new CommandStop({
    code: "state/run-unknown",
    message: found.length > 1 ? `${found.length} runs begin with ${quote(asked)}` : `the log knows no run ${quote(asked)}`,
    hint,
    exit: EXIT.usage,
  });
}

/** The indexes of a run's entries in the log. */
export function indexesOf(row: Row): readonly number[] {
  return String(row["indexes"]).split(",").map(Number);
}

/**
 * What the log itself says of a run: the projection only says where. Each entry's signature is checked, and entries of
 * another run are not taken.
 */
export function readRecordedRun(view: Pick<View, "reader" | "publicKey">, row: Row): RecordedRun {
  let run: RecordedRun = { intent: undefined, outcome: undefined };
  for (const index of indexesOf(row)) {
    for (const event of readEntry(view, index)) {
      if (event.kind === "intent" && event.run === row["run"]) run = { ...run, intent: event };
      if (event.kind === "outcome" && event.run === row["run"]) run = { ...run, outcome: event };
    }
  }
  return run;
}

/** What was found about a run after it ended, as the log says; undefined where it has no assessment, as for nearly every run. */
export function readAssessment(view: Pick<View, "rows" | "reader" | "publicKey">, run: string): AssessmentEvent | undefined {
  const [notice] = view.rows.scan("notices", { where: { run, kind: "assessment" }, limit: 1 });
  if (notice === undefined) return undefined;
  const [event] = readEntry(view, Number(notice["log_index"]));
  return event?.kind === "assessment" && event.run === run ? event : undefined;
}
