import { CEDAR_COMPILER, type KnownAnswers } from "#cedar";
import type { Digest } from "#core";
import { readAnswerIndex } from "#state";
import { sha256 } from "#store/keys";
import { openLedgerReader, type TilesReader } from "#store/tiles";
import { takeAnswer } from "#worker";
import { readEntries, type Session } from "./session.ts";

/**
 * The answers that a session's log has. The projection only says where to look: what counts is the entry, with the node's
 * signature. An entry that is not there, cannot be read or was not signed is no answer.
 */
export function openRecordedAnswers({ layout, rows, publicKey }: Pick<Session, "layout" | "rows" | "publicKey">): KnownAnswers {
  let reader: TilesReader | undefined;
  return {
    sha256,
    find(question: Digest) {
      const index = readAnswerIndex(rows, question);
      if (index === undefined) return undefined;
      if (reader === undefined) {
        const opened = openLedgerReader({ folder: layout.ledger });
        if (!opened.ok) return undefined;
        reader = opened.value;
      }
      const events = readEntries(reader, { from: index, to: index + 1, publicKey });
      return events.ok ? takeAnswer(events.value, index, { question, engine: { name: CEDAR_COMPILER } }) : undefined;
    },
  };
}
