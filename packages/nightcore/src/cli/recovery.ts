import { type Digest, encodeTime, type RunId } from "#core";
import { explainLedgerFault, type LedgerWriter } from "#ports";
import type { RestorationEvent } from "#state";
import { sha256 } from "#store/keys";
import type { Projection } from "#store/sqlite";
import { clearRestoredMark } from "#store/tiles";
import type { Layout } from "#store/workspace";
import { aboutModule, interruptedEvent, Recorder, type Timeline } from "#worker";
import type { Invocation } from "./invocation.ts";
import { unwrap } from "./unwrap.ts";

/** What was repaired outside of the ledger before it was opened, by paths relative to the ledger folder. */
export type WorkspaceRepairs = { readonly rewritten: readonly string[]; readonly removed: readonly string[] };

const FILES_NAMED_MAX = 100; // LIMIT: names in one entry

type OpenedLedger = {
  readonly ledger: LedgerWriter;
  readonly rows: Projection;
  readonly layout: Layout;
  readonly timeline: Timeline;
};

/**
 * What an opening records before anything else: why a restored log goes on, and what was mended. It waits for nobody beyond the
 * flush, since it is what makes the next step possible.
 */
export async function recordOpening(
  { ledger, rows, layout, timeline }: OpenedLedger,
  { repairs, resuming }: { readonly repairs: WorkspaceRepairs | undefined; readonly resuming: RestorationEvent | undefined },
  invocation: Invocation,
): Promise<void> {
  const recorder = new Recorder({ ledger, rows, sha256, timeline }, rows.applied);
  if (resuming !== undefined) {
    const event = { kind: "restoration", ...resuming } as const;
    unwrap(await recorder.record([{ about: { name: "restoration", digest: null }, event }]), explainLedgerFault);
    rows.commit(recorder.applied);
    clearRestoredMark(layout.ledger);
  }
  await recordRecovery({ ledger, recorder, timeline, rows }, repairs, invocation);
}

/** What opening had to mend goes into the log, and so does the end of every run that a dead worker left open. */
async function recordRecovery(
  { ledger, recorder, timeline, rows }: Omit<OpenedLedger, "layout"> & { readonly recorder: Recorder },
  repairs: WorkspaceRepairs | undefined,
  { terminal }: Invocation,
): Promise<void> {
  const open = rows.scan("runs", { where: { status: "started" } });
  const { tornBytes } = ledger.recovery;
  const rewrittenFiles = [...ledger.recovery.rewrittenFiles, ...(repairs?.rewritten ?? [])];
  const removedFiles = [...ledger.recovery.removedFiles, ...(repairs?.removed ?? [])];
  if (open.length === 0 && tornBytes === 0 && rewrittenFiles.length + removedFiles.length === 0) return;
  const nowMs = timeline.now();
  const ends = open.map((row) => {
    const tenant = String(row["tenant"]);
    const digest = String(row["digest"]) as Digest;
    return {
      about: aboutModule(tenant, digest),
      event: interruptedEvent(String(row["run"]) as RunId, { tenant, digest }, nowMs),
    };
  });
  const recovery = {
    kind: "recovery",
    at: encodeTime(nowMs),
    tornBytes,
    rewrittenFiles: rewrittenFiles.slice(0, FILES_NAMED_MAX),
    ...(removedFiles.length === 0 ? {} : { removedFiles: removedFiles.slice(0, FILES_NAMED_MAX) }),
    interruptedRuns: open.length,
  } as const;
  unwrap(await recorder.record([...ends, { about: { name: "recovery", digest: null }, event: recovery }]), explainLedgerFault);
  rows.commit(recorder.applied);
  const torn = tornBytes > 0 ? `cut ${tornBytes} bytes that were never acknowledged; ` : "";
  const files = rewrittenFiles.length > 0 ? `rewrote ${rewrittenFiles.length} derived files; ` : "";
  const gone = removedFiles.length > 0 ? `removed ${removedFiles.length} unfinished files; ` : "";
  terminal.say(
    `${terminal.paint("yellow", "recovered")}: ${torn}${files}${gone}${open.length} interrupted runs closed; recorded in the log`,
  );
}
