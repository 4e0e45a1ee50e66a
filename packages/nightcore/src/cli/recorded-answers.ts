import { CEDAR_COMPILER, type KnownAnswers } from "#cedar";
import { readAnswerIndex, type Event, type Rows } from "#state";
import { sha256 } from "#store/keys";
import { openLedgerReader } from "#store/tiles";
import { takeAnswer } from "#worker";
import { readEntries, type Session } from "./session.ts";

type AnsweringLog = Pick<Session, "layout" | "publicKey"> & { readonly rows: Pick<Rows, "get"> };

/**
 * The answers that a session's log has. The projection only says where to look: what counts is the entry, with the node's
 * signature. An entry that is not there, cannot be read or was not signed is no answer, and Cedar is asked.
 */
export function openRecordedAnswers(log: AnsweringLog): KnownAnswers {
  return {
    sha256,
    find(question) {
      const index = readAnswerIndex(log.rows, question);
      return index === undefined
        ? undefined
        : takeAnswer(readEntry(log, index), index, { question, engine: { name: CEDAR_COMPILER } });
    },
  };
}

/** What an entry says, its signature checked; nothing, whatever keeps it from being read: others tell of a damaged log. */
function readEntry({ layout, publicKey }: AnsweringLog, index: number): readonly Event[] {
  try {
    const reader = openLedgerReader({ folder: layout.ledger });
    if (!reader.ok) return [];
    const events = readEntries(reader.value, { from: index, to: index + 1, publicKey });
    return events.ok ? events.value : [];
  } catch {
    return [];
  }
}
