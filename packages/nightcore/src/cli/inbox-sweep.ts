import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { escapeControls, fail, ok } from "#core";
import { explainInboxFault, explainLedgerFault, type PendingFile } from "#ports";
import { readClearance, type SubmissionEvent } from "#state";
import { openBlobs } from "#store/blobs";
import { ARCHIVE_LIMITS, listPending, placeSubmission, readArchive, settlePending } from "#store/inbox";
import { type Acceptance, aboutModule, judgeSubmission } from "#worker";
import { openPatientSession } from "./actor.ts";
import { cancelOnSignal } from "./interruption.ts";
import { nowText } from "./inbox-words.ts";
import { EXIT, type Invocation } from "./invocation.ts";
import { crypto, openConfiguration, type Session } from "./session.ts";
import { unwrap } from "./unwrap.ts";

const POLL_MS = 1000; // LIMIT: how long a file lies there before it is looked at
// LIMIT: stored without compression, and the directory of an archive that is full of its longest names
const ARCHIVE_OVERHEAD_BYTES = ARCHIVE_LIMITS.entries * (ARCHIVE_LIMITS.smallFileBytes + 1024);

/** Takes in what lies in `inbox/agent/pending`: judged, recorded, placed under `modules/`, and executed by nobody. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json } = invocation;
  if (!invocation.flag("follow")) {
    const taken = await sweep(invocation);
    if (json) terminal.print(JSON.stringify({ submissions: taken }));
    else if (taken.length === 0) terminal.say("nothing waits in inbox/agent/pending");
    return taken.some(({ finding }) => finding !== null) ? EXIT.denied : EXIT.ok;
  }
  const stop = cancelOnSignal();
  const { layout, configuration } = await openConfiguration(invocation);
  terminal.say("watching inbox/agent/pending; interrupt to end");
  while (!stop.aborted) {
    // The log is locked only while there is something to record.
    if (listPending(layout.inbox.pending, configuration.moduleBytesMax).length > 0) await sweep(invocation);
    await wait(POLL_MS, undefined, { signal: stop }).catch(() => undefined);
  }
  return EXIT.ok;
}

async function sweep(invocation: Invocation): Promise<readonly SubmissionEvent[]> {
  const { terminal } = invocation;
  const session = await openPatientSession(invocation);
  try {
    const { layout, configuration } = session;
    const taken: SubmissionEvent[] = [];
    for (const { read } of listPending(layout.inbox.pending, configuration.moduleBytesMax + ARCHIVE_OVERHEAD_BYTES)) {
      const file = read();
      if (file === undefined) continue;
      const event = await takeIn(session, file);
      taken.push(event);
      const name = escapeControls(event.file);
      if (event.finding === null)
        terminal.say(
          `${terminal.paint("green", "taken in")}  ${name} as ${event.tenant}; \`nightcore inbox show ${event.tenant}\``,
        );
      else terminal.say(`${terminal.paint("red", "refused")}   ${name}: ${event.finding.message} [${event.finding.code}]`);
    }
    return taken;
  } finally {
    await session.finish();
  }
}

/** Judges one file, records what was found, and only then places it. Dying in between leaves the file where it was, to be taken in again. */
async function takeIn(session: Session, file: PendingFile): Promise<SubmissionEvent> {
  const { layout, configuration, rows, recorder } = session;
  const { moduleBytesMax } = configuration;
  const at = nowText(session);
  const judged = judgeSubmission({ file, unpacked: await unpack(file, moduleBytesMax) }, at, { rows, crypto, moduleBytesMax });
  let { event } = judged;
  if (judged.acceptance !== undefined) keepBytes(session, judged.acceptance);
  if (!isRepeated(session, event)) await record(session, event);
  if (judged.acceptance !== undefined) {
    const placed = placeSubmission(join(layout.modules, judged.acceptance.tenant), judged.acceptance.files);
    if (!placed.ok) {
      const finding = { code: placed.fault.code, ...explainInboxFault(placed.fault) };
      event = { ...event, tenant: null, digest: null, finding };
      await record(session, event);
    }
  }
  rows.commit(recorder.applied);
  const { pending, processed, rejected } = layout.inbox;
  settlePending(pending, event.finding === null ? processed : rejected, { name: file.name, at });
  return event;
}

async function unpack({ name, content }: PendingFile, moduleBytesMax: number) {
  if (!content.ok) return content;
  if (name.toLowerCase().endsWith(".zip")) return readArchive(content.value, moduleBytesMax);
  if (content.value.length <= moduleBytesMax) return ok(new Map([["module.wasm", content.value]]));
  const detail = `${content.value.length} bytes, and at most ${moduleBytesMax} are read`;
  return fail({ code: "inbox/too-large", detail } as const);
}

/** What the log names by digest is kept: a person compares with it later. */
function keepBytes({ layout }: Session, { digest, manifest, files }: Acceptance): void {
  const blobs = openBlobs(layout.blobs);
  blobs.put(digest, files.get("module.wasm") ?? new Uint8Array());
  blobs.put(manifest, files.get("manifest.json") ?? new Uint8Array());
}

// The same file again, right after itself, says nothing new: an agent that repeats itself does not fill the log.
function isRepeated({ rows }: Session, { id, tenant, digest }: SubmissionEvent): boolean {
  const known = rows.get("submissions", id);
  if (known === undefined || tenant === null) return known !== undefined;
  return readClearance(rows, tenant)?.submitted.at(-1)?.digest === digest;
}

async function record({ recorder }: Session, event: SubmissionEvent): Promise<void> {
  const { tenant, digest, id } = event;
  const about = tenant === null || digest === null ? { name: "inbox/agent/pending", digest: id } : aboutModule(tenant, digest);
  unwrap(await recorder.record([{ about, event: { kind: "submission", ...event } }]), explainLedgerFault);
}
