import { createHash } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type Question, type Row, type Rows, SCHEMA_VERSION, type TableName, TABLES, type Value } from "#state";

const RECENT_MAX = 1000; // LIMIT: of a table, rows of a few hundred bytes
const ASCII = /^[\x20-\x7e]*$/;

/**
 * The projection on disk: the rows of `#state`, with the number of entries applied in the same transaction. All of it is
 * derived; a file that is missing, damaged or of another schema is made anew and folded again from the log.
 */
export class Projection implements Rows {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  /** Rows put since the last commit, by table and key: a row that changes five times in a batch is written once. */
  readonly #pending = new Map<TableName, Map<string, Row>>();
  /** Rows as the database has them, and undefined for those that it has not: a warm tenant asks for the same few in each run. */
  readonly #recent = new Map<TableName, Map<string, Row | undefined>>();
  /**
   * The last key of a table in the database, undefined where that has no row: what comes behind it need not be asked for. So it is with
   * everything where nothing is blocked, and with each new run, since identifiers of runs begin with their time.
   */
  readonly #last = new Map<TableName, string | undefined>();
  #applied: number;

  private constructor(db: DatabaseSync, applied: number) {
    this.#db = db;
    this.#applied = applied;
  }

  /** Opens `file`, or makes it. `rebuilt` says that what was there could not be used and was dropped. */
  static open(file: string): { readonly projection: Projection; readonly rebuilt: boolean } {
    let rebuilt = false;
    try {
      return { projection: Projection.#openSound(file), rebuilt };
    } catch {
      rebuilt = true;
    }
    Projection.remove(file);
    return { projection: Projection.#openSound(file), rebuilt };
  }

  /** Opens `file` to look at it, and leaves it as it is: undefined when it cannot be used. */
  static openExisting(file: string): Projection | undefined {
    try {
      return existsSync(file) ? Projection.#openSound(file) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Deletes the database and what SQLite keeps beside it. */
  static remove(file: string): void {
    for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(file + suffix, { force: true });
  }

  static #openSound(file: string): Projection {
    const db = new DatabaseSync(file);
    try {
      // synchronous=NORMAL is enough: a lost transaction is folded again, since the applied count goes with it.
      db.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=5000;");
      const version = db.prepare("PRAGMA user_version").get()?.user_version;
      if (version === 0) db.exec(createSchema());
      else if (version !== SCHEMA_VERSION) throw new Error("another schema");
      const meta = db.prepare("SELECT applied FROM meta").get();
      return new Projection(db, Number(meta?.applied ?? 0));
    } catch (error) {
      db.close();
      throw error;
    }
  }

  /** Entries of the log that the rows contain. */
  get applied(): number {
    return this.#applied;
  }

  get(table: TableName, key: string): Row | undefined {
    const pending = this.#pending.get(table)?.get(key);
    if (pending !== undefined) return pending;
    const recent = this.#recentOf(table);
    const known = recent.get(key);
    if (known !== undefined || recent.has(key)) return known;
    if (this.#isBehindLast(table, key)) return undefined;
    const row = this.#prepare(`SELECT * FROM "${table}" WHERE "${TABLES[table].key}" = ?`).get(key) as Row | undefined;
    if (recent.size >= RECENT_MAX) recent.clear();
    recent.set(key, row);
    return row;
  }

  #recentOf(table: TableName): Map<string, Row | undefined> {
    const recent = this.#recent.get(table) ?? new Map<string, Row | undefined>();
    this.#recent.set(table, recent);
    return recent;
  }

  #isBehindLast(table: TableName, key: string): boolean {
    const { key: column, columns } = TABLES[table];
    if (!this.#last.has(table)) {
      const row = this.#prepare(`SELECT "${column}" AS last FROM "${table}" ORDER BY "${column}" DESC LIMIT 1`).get();
      this.#last.set(table, row === undefined ? undefined : String(row["last"]));
    }
    const last = this.#last.get(table);
    // SQLite compares the bytes of UTF-8, and this the units of UTF-16: for a key of ASCII that comes out the same.
    return last === undefined || (columns[column] === "text" && key > last && ASCII.test(key));
  }

  put(table: TableName, row: Row): void {
    const rows = this.#pending.get(table) ?? new Map<string, Row>();
    const key = String(row[TABLES[table].key]);
    rows.set(key, row);
    this.#pending.set(table, rows);
    this.#recent.get(table)?.delete(key);
  }

  scan(table: TableName, question: Question): readonly Row[] {
    if (this.#pending.size > 0) throw new Error("bug: scan before the rows put were committed");
    const { where = {}, range, orderBy = TABLES[table].key, descending = false, limit = -1 } = question;
    const conditions = Object.keys(where).map((name) => `"${name}" IS ?`);
    const values: Value[] = Object.values(where);
    for (const [operator, end] of [[">=", range?.from] as const, ["<=", range?.to] as const]) {
      if (range === undefined || end === undefined) continue;
      conditions.push(`"${range.column}" ${operator} ?`);
      values.push(end);
    }
    const condition = conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
    const direction = descending ? "DESC" : "ASC";
    const sql = `SELECT * FROM "${table}"${condition} ORDER BY "${orderBy}" ${direction}, "${TABLES[table].key}" ${direction} LIMIT ?`;
    return this.#prepare(sql).all(...values, limit) as unknown as readonly Row[];
  }

  /**
   * Writes every row put so far together with the number of entries they contain, in one transaction. False when another
   * process has folded further in the meantime: then nothing is written, the rows put are forgotten, and `applied` is theirs.
   */
  commit(applied: number): boolean {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const theirs = Number(this.#prepare("SELECT applied FROM meta").get()?.applied);
      const current = theirs === this.#applied;
      if (current) this.#write(applied);
      this.#db.exec("COMMIT");
      if (!current) this.#recent.clear();
      this.#last.clear();
      this.#pending.clear();
      this.#applied = current ? applied : theirs;
      return current;
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  #write(applied: number): void {
    for (const [table, rows] of this.#pending) {
      const columns = Object.keys(TABLES[table].columns);
      const names = quoteAll(columns);
      const insert = this.#prepare(`INSERT OR REPLACE INTO "${table}" (${names}) VALUES (${columns.map(() => "?").join(", ")})`);
      for (const row of rows.values()) insert.run(...columns.map((column) => row[column] ?? null));
    }
    this.#prepare("UPDATE meta SET applied = ?").run(applied);
  }

  /** SHA-256 over every row of every table in key order: equal content gives equal digests, whatever the file looks like. */
  digest(): string {
    const hash = createHash("sha256");
    for (const table of Object.keys(TABLES) as TableName[]) {
      const columns = Object.keys(TABLES[table].columns);
      for (const row of this.scan(table, {}))
        hash.update(`${table}\0${JSON.stringify(columns.map((column) => row[column] ?? null))}\n`);
    }
    return hash.digest("hex");
  }

  close(): void {
    this.#db.close();
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, (statement = this.#db.prepare(sql)));
    return statement;
  }
}

function quoteAll(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

function createSchema(): string {
  const tables = Object.entries(TABLES).map(([name, { key, columns, indexes }]) => {
    const list = Object.entries(columns).map(([column, type]) => `"${column}" ${type}${column === key ? " PRIMARY KEY" : ""}`);
    const extra = indexes.map((names) => `CREATE INDEX "${name}_${names.join("_")}" ON "${name}" (${quoteAll(names)});`);
    return `CREATE TABLE "${name}" (${list.join(", ")}) WITHOUT ROWID; ${extra.join(" ")}`;
  });
  return `BEGIN; ${tables.join("\n")} CREATE TABLE meta (applied integer NOT NULL); INSERT INTO meta VALUES (0); PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT;`;
}
