import { CEDAR_COMPILER, type KnownAnswers } from "#cedar";
import { type Event, readAnswerIndex, readExpectedAnswer, type Rows } from "#state";
import { sha256 } from "#store/keys";
import { openPublishedReader } from "#store/tiles";
import { takeAnswer } from "#worker";
import { readEntries, type Session } from "./session.ts";

type AnsweringLog = Pick<Session, "layout" | "publicKey"> & { readonly rows: Pick<Rows, "get"> };

/**
 * The answers that a session's log has. The projection only says where to look: what counts is the entry, with the node's
 * signature. An entry that is not published yet, cannot be read or was not signed is no answer, and Cedar is asked.
 */
export function openRecordedAnswers(log: AnsweringLog): KnownAnswers {
  let ahead: { readonly index: number; readonly events: readonly Event[] } | undefined;
  const read = (index: number) => (ahead?.index === index ? ahead.events : readEntry(log, index));
  return {
    sha256,
    find(question) {
      const index = readAnswerIndex(log.rows, question);
      if (index === undefined) return undefined;
      return takeAnswer(read(index), index, { question, engine: { name: CEDAR_COMPILER } });
    },
    expect(version) {
      const index = readExpectedAnswer(log.rows, version);
      if (index === undefined) return false;
      ahead = { index, events: readEntry(log, index) };
      return ahead.events.length > 0;
    },
  };
}

/** What an entry says, its signature checked; nothing, whatever keeps it from being read: others tell of a damaged log. */
function readEntry({ layout, publicKey }: AnsweringLog, index: number): readonly Event[] {
  try {
    const reader = openPublishedReader({ folder: layout.ledger });
    if (!reader.ok) return [];
    const events = readEntries(reader.value, { from: index, to: index + 1, publicKey });
    return events.ok ? events.value : [];
  } catch {
    return [];
  }
}
