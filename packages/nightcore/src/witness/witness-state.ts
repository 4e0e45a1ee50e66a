import { DatabaseSync } from "node:sqlite";
import type { WitnessedHead } from "#ledger";

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

  close(): void {
    this.#db.close();
  }
}
