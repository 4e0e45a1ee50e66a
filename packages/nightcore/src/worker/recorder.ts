import { encodeStatement, type Subject } from "#attest";
import { type Bytes, type Digest, digestOf, fail, ok, type Result, type RunId, type Sha256, utf8 } from "#core";
import type { LedgerFault, LedgerWriter } from "#ports";
import { type Event, EVENT_TYPES, evolve, type Rows, stepsOf } from "#state";
import type { Timeline } from "./timeline.ts";

/** The log, its projection, and a hash for the names of what has no bytes. */
export type RecorderPowers = {
  readonly ledger: LedgerWriter;
  readonly rows: Rows;
  readonly sha256: Sha256;
  /** Without one, events are recorded with the times that they have. */
  readonly timeline?: Timeline;
};

/** An event, and what it is about. */
export type Recorded = { readonly about: About; readonly event: Event };

/** What an entry is about: a module's bytes, or, where there are none, the run or the workspace itself. */
export type About = { readonly name: string; readonly digest: Digest | null };

/**
 * Puts events into the log and, once they are durable, into the projection. Appends may overlap; the projection still sees
 * the entries in the order of the log.
 */
export class Recorder {
  readonly #powers: RecorderPowers;
  readonly #waiting = new Map<number, Event>();
  #applied: number;

  /** `applied`: entries that the rows already contain; must be all that the log held when it was opened. */
  constructor(powers: RecorderPowers, applied: number) {
    this.#powers = powers;
    this.#applied = applied;
  }

  /** Entries that the rows contain. */
  get applied(): number {
    return this.#applied;
  }

  /**
   * Appends all events or none, durably, and returns the indexes of their entries, which are one for each but for a passage that
   * is too long. No entry is earlier than the one before it. `ledger`: another way into the same log, past what the recorder's
   * own way waits for.
   */
  async record(
    given: readonly Recorded[],
    ledger: LedgerWriter = this.#powers.ledger,
  ): Promise<Result<readonly number[], LedgerFault>> {
    const { told, stamped } = this.#powers.timeline?.stamp(given) ?? { told: [], stamped: given };
    const entries = [...told.map((event): Recorded => ({ about: CLOCK, event })), ...stamped].flatMap((one) => this.#encode(one));
    const payloads = entries.map(({ payload }) => payload);
    const appended = await ledger.append(payloads);
    if (!appended.ok) {
      if (told.length > 0) this.#powers.timeline?.forget();
      return fail(appended.fault);
    }
    const indexes = appended.value.map(({ index }) => index);
    indexes.forEach((index, n) => {
      const event = entries[n]?.event;
      if (event !== undefined) this.#waiting.set(index, event);
    });
    this.#applyInOrder();
    return ok(indexes.slice(told.length));
  }

  #applyInOrder(): void {
    for (let event = this.#waiting.get(this.#applied); event !== undefined; event = this.#waiting.get(this.#applied)) {
      evolve(this.#powers.rows, event, { index: this.#applied });
      this.#waiting.delete(this.#applied);
      this.#applied++;
    }
  }

  /** One entry; of a passage that would be too long for one, an entry for each step. */
  #encode({ about, event }: Recorded): readonly Encoded[] {
    const { kind, ...predicate } = event;
    const { name, digest } = about;
    // in-toto wants a digest of every subject; what has no bytes is named by the digest of its name.
    const sha256 = digest ?? digestOf(this.#powers.sha256, utf8(name));
    const subject: readonly Subject[] = [{ name, digest: { sha256 } }];
    const payload = encodeStatement({ subject, predicateType: EVENT_TYPES[kind], predicate });
    if (kind !== "passage" || payload.length <= PASSAGE_BYTES_MAX) return [{ event, payload }];
    return stepsOf(event).flatMap((step) => this.#encode({ about, event: step }));
  }
}

type Encoded = { readonly event: Event; readonly payload: Bytes };

const PASSAGE_BYTES_MAX = 48 * 1024; // LIMIT: of a payload, so that its envelope has less than the 65,535 bytes of an entry

const CLOCK: About = { name: "clock", digest: null };

/** An entry about a module's bytes, under its tenant. */
export function aboutModule(tenant: string, digest: Digest): About {
  return { name: `${tenant}/module.wasm`, digest };
}

/** An entry about a run that had no bytes. */
export function aboutRun(run: RunId): About {
  return { name: `run/${run}`, digest: null };
}
