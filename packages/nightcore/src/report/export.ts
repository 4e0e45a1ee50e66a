import { type Bytes, encodeBase64, type Json } from "#core";
import { stepsOf } from "#state";
import { type LoggedEvent, renderOcsf } from "./ocsf.ts";

/** The forms of an exported entry. */
export const EXPORT_FORMS = ["jsonl", "ocsf"] as const;
export type ExportForm = (typeof EXPORT_FORMS)[number];

/** An entry to export: `event` is undefined for a kind that this version does not know; then only `jsonl` says what it holds. */
export type ExportedEntry = Omit<LoggedEvent, "event"> & {
  readonly event: LoggedEvent["event"] | undefined;
  readonly predicateType: string;
  readonly predicate: Json;
  /** The leaf itself: with it a reader can verify what stands beside it. */
  readonly envelope: Bytes;
};

/**
 * One entry as lines of JSON, without their newlines. `jsonl`: one, with index, leaf hash, the predicate in plain sight, and the
 * exact envelope as base64. `ocsf`: an event for a SIEM, and one for each step of a passage; an entry of a later version is event
 * log activity with no more than its type.
 */
export function renderExportLines(entry: ExportedEntry, form: ExportForm): readonly string[] {
  const { index, leaf, origin, predicateType, predicate, envelope, event } = entry;
  if (form === "jsonl")
    return [JSON.stringify({ origin, index, leaf, predicateType, predicate, envelope: encodeBase64(envelope) })];
  const at = typeof predicate === "object" && predicate !== null && "at" in predicate ? predicate["at"] : undefined;
  const unknown = { kind: predicateType, at: typeof at === "string" ? at : "" } as unknown as LoggedEvent["event"];
  const steps = stepsOf(event ?? unknown);
  return steps.map((step) => JSON.stringify(renderOcsf({ ...entry, event: step, isStep: steps.length > 1 })));
}

/** The line after a batch: up to which entry it goes, and the signed checkpoint that covers all of it. */
export function renderCheckpointLine(batch: {
  readonly origin: string;
  readonly next: number;
  readonly checkpoint: string;
}): string {
  return JSON.stringify(batch);
}
