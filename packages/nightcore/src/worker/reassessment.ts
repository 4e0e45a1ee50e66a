import { type Budgets, isJsonObject, type Json, type RunId } from "#core";
import type { Facts } from "#guardian";
import { type AssessmentEvent, type Event, evolve, MemoryRows, type OutcomeEvent, stepsOf } from "#state";
import { assessmentEvents, assessOutcome } from "./assessment.ts";

/** An assessment that is not what follows from the log: what stands there, and what should; null for none. */
export type Misassessment = {
  /** The entry of the outcome, or of an assessment that belongs to none. */
  readonly index: number;
  readonly run: RunId;
  readonly recorded: AssessmentEvent | null;
  readonly follows: AssessmentEvent | null;
};

/** What came of assessing a log again. */
export type Reassessment = {
  readonly runs: number;
  /** Of these, with something unusual. */
  readonly unusual: number;
  readonly differences: readonly Misassessment[];
};

/**
 * Makes every assessment of a log again, from its entries alone and in their order: those that found something, and those that
 * found nothing. Entries that this version does not know are undefined.
 */
export function assessAgain(entries: Iterable<Event | undefined>): Reassessment {
  const history = new History();
  const granted = new Map<RunId, { facts?: Facts; budgets?: Budgets }>();
  const differences: Misassessment[] = [];
  let runs = 0;
  let unusual = 0;
  let index = 0;
  let expected: Expected | undefined;
  const settle = (recorded: AssessmentEvent | null) => {
    if (expected !== undefined && encode(recorded) !== encode(expected.follows)) differences.push({ ...expected, recorded });
    expected = undefined;
  };
  const take = (event: Event | undefined) => {
    const assessment = event?.kind === "assessment" ? event : undefined;
    if (assessment !== undefined && assessment.run !== expected?.run)
      differences.push({ index, run: assessment.run, recorded: assessment, follows: null });
    settle(assessment !== undefined && assessment.run === expected?.run ? assessment : null);
    if (event?.kind === "decision") granted.set(event.run, { facts: event.facts as unknown as Facts });
    if (event?.kind === "intent") granted.set(event.run, { ...granted.get(event.run), budgets: event.budgets });
    if (event?.kind === "outcome" && event.assessed !== undefined) {
      const follows = assess(event, granted.get(event.run), history.at(Math.min(event.assessed.entries, index)));
      expected = { index, run: event.run, follows };
      runs++;
      if (follows !== null) unusual++;
    }
    if (event?.kind === "outcome") granted.delete(event.run);
  };
  for (const entry of entries) {
    for (const event of entry === undefined ? [undefined] : stepsOf(entry)) take(event);
    history.add(entry);
    index++;
  }
  settle(null);
  return { runs, unusual, differences };
}

type Expected = { readonly index: number; readonly run: RunId; readonly follows: AssessmentEvent | null };

// An outcome that nothing granted has no assessment that would follow from the log.
function assess(outcome: OutcomeEvent, granted: { facts?: Facts; budgets?: Budgets } | undefined, rows: MemoryRows) {
  if (granted?.facts === undefined || granted.budgets === undefined) return null;
  const { facts, budgets } = granted;
  const [first] = assessmentEvents(outcome, assessOutcome({ facts, intent: { budgets }, outcome }, rows), undefined);
  return first?.event.kind === "assessment" ? first.event : null;
}

/** Folds a log up to where it is asked for, which never lies before where it was asked for last: writers append in order. */
class History {
  readonly #rows = new MemoryRows();
  #waiting: (Event | undefined)[] = [];
  #folded = 0;

  add(event: Event | undefined): void {
    this.#waiting.push(event);
  }

  at(entries: number): MemoryRows {
    const count = Math.max(0, entries - this.#folded);
    this.#waiting.slice(0, count).forEach((event, n) => {
      // Nothing else bears on a history, and there is a great deal else.
      if (event?.kind === "outcome" || event?.kind === "assessment") evolve(this.#rows, event, { index: this.#folded + n });
    });
    this.#waiting = this.#waiting.slice(count);
    this.#folded += count;
    return this.#rows;
  }
}

/** One text for equal members, in whatever order they were written. */
function encode(event: AssessmentEvent | null): string {
  return JSON.stringify(event, (_, value: Json) =>
    isJsonObject(value) ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))) : value,
  );
}
