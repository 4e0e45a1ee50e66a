import { encodeTime } from "#core";
import { explainLedgerFault } from "#ports";
import type { Event } from "#state";
import { openBlobs } from "#store/blobs";
import { deletionEvents, findExpired } from "#worker";
import { EXIT, type Invocation } from "./invocation.ts";
import { openReader, openSession, readEntries, type Session } from "./session.ts";
import { unwrap } from "./unwrap.ts";

const ENTRIES_AT_ONCE = 10_000; // LIMIT: events held in memory

/** Deletes the blobs that the policy keeps no longer: first their digests go into the log, then the bytes go. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json } = invocation;
  const dry = invocation.flag("dry-run");
  const session = await openSession(invocation, { thread: false });
  try {
    const { inputsDays, outputsDays } = session.configuration.retention;
    const policy = { inputsDays, outputsDays };
    const blobs = openBlobs(session.layout.blobs);
    const nowMs = Date.now();
    const named = findExpired(readAll(session), policy, { blobs, rows: session.rows, nowMs });
    // What an earlier call deleted is not there any more; what it recorded and did not come to is deleted now.
    const expired = named.filter((digest) => blobs.get(digest) !== undefined);
    const unrecorded = expired.filter((digest) => session.rows.get("deleted_blobs", digest) === undefined);
    let deleted = { blobs: 0, bytes: 0 };
    if (!dry) {
      const events = deletionEvents(unrecorded, { policy, at: encodeTime(nowMs) });
      const about = { name: "retention", digest: null };
      if (events.length > 0) unwrap(await session.recorder.record(events.map((event) => ({ about, event }))), explainLedgerFault);
      deleted = blobs.delete(new Set(expired));
    }
    if (json) terminal.print(JSON.stringify({ policy, expired, deleted: dry ? null : deleted }));
    const kept = policy.inputsDays === 0 && policy.outputsDays === 0 ? "; the configuration keeps everything" : "";
    terminal.say(
      dry
        ? `${expired.length} blobs would be deleted${kept}`
        : `${deleted.blobs} blobs of ${deleted.bytes} bytes deleted, ${unrecorded.length} of them newly recorded${kept}`,
    );
  } finally {
    await session.finish();
  }
  return EXIT.ok;
}

/** Every event of the log, a batch at a time. */
function* readAll(session: Session): Generator<Event> {
  const { publicKey } = session;
  const reader = openReader(session);
  try {
    for (let from = 0; from < reader.size; from += ENTRIES_AT_ONCE) {
      const to = Math.min(reader.size, from + ENTRIES_AT_ONCE);
      yield* unwrap(readEntries(reader, { from, to, publicKey }), explainLedgerFault);
    }
  } finally {
    reader.close();
  }
}
