import { type AcknowledgementLevel, type Bytes, type Clock, fail, type Result, type Unreached } from "#core";
import type { Appended, LedgerFault, LedgerWriter, Recovery } from "#ports";

/** Why a level was not reached, in the words of the faults behind it. */
export type MissReason = { readonly code: string; readonly message: string };

/** Entries `from` to `to` (excluded) did not get beyond `reached` in time. */
export type Miss = {
  readonly from: number;
  readonly to: number;
  readonly reached: AcknowledgementLevel;
  readonly reasons: readonly MissReason[];
};

/** What asking the witnesses came to: enough of them for so many entries, too few, or one that knows another log than this. */
export type CosigningEnd =
  | { readonly kind: "met"; readonly size: number }
  | { readonly kind: "missed"; readonly reasons: readonly MissReason[] }
  | { readonly kind: "contradicted"; readonly code: "ledger/rollback" | "ledger/forked"; readonly detail: string };

/** Everything that an acknowledging writer works with. */
export type Acknowledging = {
  readonly ledger: LedgerWriter;
  readonly level: Exclude<AcknowledgementLevel, "durable">;
  readonly unreached: Unreached;
  /** Asks for cosignatures of the published checkpoint, until there are enough or the time is over. */
  readonly cosign: () => Promise<CosigningEnd>;
  /** Hears of every miss before anybody else, and puts it into the log by another way than this writer. */
  readonly onMiss: (miss: Miss) => Promise<Result<unknown, LedgerFault>>;
  readonly clock: Clock;
};

const PAUSE_MS = 60_000; // LIMIT: open and without witnesses, one round a minute waits for them; the others say that they did not

const PAUSED: MissReason = {
  code: "witness/unreachable",
  message: "the witnesses were away a moment ago and were not asked again",
};

type Waiting = { readonly from: number; readonly to: number };
type Settle = { readonly resolve: (fault: LedgerFault | undefined) => void; readonly reject: (error: unknown) => void };

/**
 * A writer whose appends resolve only once their entries have reached the level. What waits at the same time shares a
 * publication and a round of the witnesses; the next round begins when the one before is over, without a timer.
 *
 * INVARIANT: whatever it answers, the entries are durable: a level that is not reached takes nothing back. Under `fail_closed` it
 * answers `ledger/not-acknowledged` then, so that a guest does not start and an outcome is not told; under `fail_open` it answers
 * as if it had been reached, after the miss stands in the log.
 */
export class AcknowledgingWriter implements LedgerWriter {
  readonly #options: Acknowledging;
  #waiting: (Waiting & Settle)[] = [];
  #busy = false;
  #pausedUntilMs = 0;
  #witnessedSize = 0;
  #reached: AcknowledgementLevel;

  constructor(options: Acknowledging) {
    this.#options = options;
    this.#reached = options.level;
  }

  get openedSize(): number {
    return this.#options.ledger.openedSize;
  }

  get recovery(): Recovery {
    return this.#options.ledger.recovery;
  }

  /** The least level that anything appended so far was acknowledged at. */
  get reached(): AcknowledgementLevel {
    return this.#reached;
  }

  async append(payloads: readonly Bytes[]): Promise<Result<readonly Appended[], LedgerFault>> {
    const appended = await this.#options.ledger.append(payloads);
    const first = appended.ok ? appended.value[0] : undefined;
    if (first === undefined) return appended;
    const fault = await this.#reach({ from: first.index, to: first.index + payloads.length });
    return fault === undefined ? appended : fail(fault);
  }

  publish(): Promise<Result<string, LedgerFault>> {
    return this.#options.ledger.publish();
  }

  close(): Promise<Result<string, LedgerFault>> {
    return this.#options.ledger.close();
  }

  #reach(range: Waiting): Promise<LedgerFault | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...range, resolve, reject });
      if (this.#busy) return;
      this.#busy = true;
      // Once this turn's other appends are in as well.
      setImmediate(() => void this.#work());
    });
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting.splice(0);
      try {
        const fault = await this.#round(waiting);
        for (const { resolve } of waiting) resolve(fault);
      } catch (error) {
        for (const { reject } of waiting) reject(error);
      }
    }
    this.#busy = false;
  }

  /** One publication, and one round of the witnesses, for all that wait. Everything of theirs was durable before. */
  async #round(waiting: readonly Waiting[]): Promise<LedgerFault | undefined> {
    const { ledger, level, cosign, clock } = this.#options;
    // The round before may have covered them already: they were in the log when it published.
    if (waiting.every(({ to }) => to <= this.#witnessedSize)) return undefined;
    const published = await ledger.publish();
    if (!published.ok) {
      this.#reached = "durable";
      return published.fault;
    }
    if (level === "published") return undefined;
    const end = clock() < this.#pausedUntilMs ? ({ kind: "missed", reasons: [PAUSED] } as const) : await cosign();
    if (end.kind === "met") {
      this.#witnessedSize = end.size;
      return undefined;
    }
    this.#reached = "published";
    // Whoever put an older copy back is told so under either rule: nothing that follows could ever be witnessed.
    if (end.kind === "contradicted") return { code: end.code, where: "", detail: end.detail };
    if (end.reasons[0] !== PAUSED) this.#pausedUntilMs = clock() + PAUSE_MS;
    return this.#miss(waiting, end.reasons);
  }

  async #miss(waiting: readonly Waiting[], reasons: readonly MissReason[]): Promise<LedgerFault | undefined> {
    const { unreached, onMiss } = this.#options;
    const from = Math.min(...waiting.map((range) => range.from));
    const to = Math.max(...waiting.map((range) => range.to));
    const recorded = await onMiss({ from, to, reached: "published", reasons });
    if (!recorded.ok) return recorded.fault;
    if (unreached === "fail_open") return undefined;
    const why = reasons.map(({ message }) => message).join("; ");
    return { code: "ledger/not-acknowledged", where: `entries ${from} to ${to - 1}`, detail: why };
  }
}
