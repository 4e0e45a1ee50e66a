import { DatabaseSync } from "node:sqlite";
import type { WitnessedHead } from "#ledger";

const CONTRADICTIONS_MAX = 64; // LIMIT: of one log; whoever signs more of them is convicted by the first

/** Two checkpoints that one log's key has signed and that a witness could not bring together: what it cosigned, what it refused. */
export type Contradiction = {
  readonly atSeconds: number;
  readonly why: string;
  readonly cosigned: string;
  readonly refused: string;
};

/** What a witness has cosigned last of each log, durably. Two processes on one file never move a log from the same head twice. */
export class WitnessState {
  readonly #db: DatabaseSync;

  constructor(file: string) {
    this.#db = new DatabaseSync(file);
    // FULL: an answer that was given is never forgotten, whatever happens to the power.
    this.#db.exec("PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000;");
    this.#db.exec(
      "CREATE TABLE IF NOT EXISTS heads (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL)",
    );
    this.#db.exec(
      "CREATE TABLE IF NOT EXISTS contradictions (origin TEXT NOT NULL, at INTEGER NOT NULL, why TEXT NOT NULL, cosigned TEXT NOT NULL, refused TEXT NOT NULL, UNIQUE (origin, cosigned, refused))",
    );
  }

  head(origin: string): WitnessedHead | undefined {
    const row = this.#db.prepare("SELECT size, root FROM heads WHERE origin = ?").get(origin);
    return row === undefined ? undefined : { size: Number(row["size"]), root: row["root"] as Uint8Array };
  }

  /** The checkpoint that was cosigned last, with the cosignature. */
  note(origin: string): string | undefined {
    const note = this.#db.prepare("SELECT note FROM heads WHERE origin = ?").get(origin)?.["note"];
    return typeof note === "string" ? note : undefined;
  }

  /** Makes a head durable if the log still stands at `old`. False when somebody else has moved it; then nothing is written. */
  advance(origin: string, old: number, next: WitnessedHead & { readonly note: string }): boolean {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const moved = (this.head(origin)?.size ?? 0) !== old;
      if (!moved)
        this.#db
          .prepare("INSERT OR REPLACE INTO heads (origin, size, root, note) VALUES (?, ?, ?, ?)")
          .run(origin, next.size, next.root, next.note);
      this.#db.exec("COMMIT");
      return !moved;
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  /** Keeps what was refused beside what it contradicts, durably; the same twice once, and no more than there is use for. */
  keepContradiction(origin: string, { atSeconds, why, refused }: Omit<Contradiction, "cosigned">): void {
    if (this.contradictions(origin).length >= CONTRADICTIONS_MAX) return;
    this.#db
      .prepare("INSERT OR IGNORE INTO contradictions (origin, at, why, cosigned, refused) VALUES (?, ?, ?, ?, ?)")
      .run(origin, atSeconds, why, this.note(origin) ?? "", refused);
  }

  /** The contradictions of a log, the oldest first. */
  contradictions(origin: string): readonly Contradiction[] {
    const rows = this.#db
      .prepare("SELECT at, why, cosigned, refused FROM contradictions WHERE origin = ? ORDER BY rowid")
      .all(origin);
    return rows.map(({ at, why, cosigned, refused }) => ({
      atSeconds: Number(at),
      why: String(why),
      cosigned: String(cosigned),
      refused: String(refused),
    }));
  }

  close(): void {
    this.#db.close();
  }
}
