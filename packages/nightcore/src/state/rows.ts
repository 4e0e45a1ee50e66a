import { APPROVAL_TABLES, type ApprovalTableName } from "./approval-tables.ts";

/** What a column holds. */
export type Value = string | number | null;
/** One row of a projection, by column. */
export type Row = { readonly [column: string]: Value };

/** The projections. */
export type TableName =
  | "runs"
  | "tenants"
  | "modules"
  | "blocks"
  | "blocked"
  | "consents"
  | "flows"
  | "trust"
  | "imported"
  | "notices"
  | "deleted_blobs"
  | "standing"
  | "policy_versions"
  | "policy_heads"
  | "answers"
  | ApprovalTableName;
/** A column's type, in SQLite's words. */
export type ColumnType = "text" | "integer" | "real";
/** What a table looks like; `key` is unique. */
export type Table = {
  readonly key: string;
  readonly columns: Readonly<Record<string, ColumnType>>;
  /** Each index by its columns, in their order. */
  readonly indexes: readonly (readonly string[])[];
};

/**
 * The projections as data: a store creates these tables, and nothing else, for this schema version. Whoever changes a
 * column raises the version, and every database is rebuilt from the log.
 */
export const SCHEMA_VERSION = 5;

/** Every projection and its columns. */
export const TABLES: Readonly<Record<TableName, Table>> = {
  runs: {
    key: "run",
    columns: {
      run: "text",
      tenant: "text",
      digest: "text",
      size_bytes: "integer",
      mode: "text",
      status: "text",
      code: "text",
      message: "text",
      verified: "integer",
      key_id: "text",
      policy: "text",
      decided_at: "text",
      finished_at: "text",
      exit_code: "integer",
      wall_ms: "real",
      fuel: "integer",
      memory_bytes: "integer",
      output_bytes: "integer",
      indexes: "text",
    },
    // With the time behind each, so that the newest of a kind are found without sorting all of them.
    indexes: [
      ["tenant", "decided_at"],
      ["digest", "decided_at"],
      ["status", "decided_at"],
      ["key_id", "decided_at"],
      ["policy", "decided_at"],
      ["decided_at"],
    ],
  },
  tenants: {
    key: "tenant",
    columns: {
      tenant: "text",
      first_seen_at: "text",
      last_seen_at: "text",
      last_run: "text",
      last_status: "text",
      last_ran_digest: "text",
      decisions: "integer",
      executions: "integer",
      failures: "integer",
    },
    indexes: [],
  },
  modules: {
    key: "digest",
    columns: {
      digest: "text",
      first_seen_at: "text",
      first_tenant: "text",
      size_bytes: "integer",
      manifest_was_signed: "integer",
      executions: "integer",
      failures: "integer",
    },
    indexes: [],
  },
  // Every block that there ever was; `released_at` is null while it is in force.
  blocks: {
    key: "id",
    columns: {
      id: "text",
      kind: "text",
      target: "text",
      reason: "text",
      cause: "text",
      caused_by: "text",
      run: "text",
      kill_order: "text",
      at: "text",
      log_index: "integer",
      released_at: "text",
      released_index: "integer",
    },
    indexes: [["log_index"], ["kind", "target"], ["released_at"], ["kill_order"]],
  },
  // The ids of the blocks in force, by `<kind>:<target>`, so that a decision asks once for each thing that it looks at. All blocks
  // on imports stand under one subject, and `order:<id>` leads to the block that records an order of the kill switch.
  blocked: { key: "subject", columns: { subject: "text", ids: "text" }, indexes: [] },
  // Who asked for the end of a block, one row for each block.
  consents: {
    key: "id",
    columns: { id: "text", block: "text", key_id: "text", person: "text", at: "text", log_index: "integer" },
    indexes: [["block"]],
  },
  // What runs were given and what they left, by digest: `in`, `out`, and `in-tree`, `out-tree` where a blob lists the digests.
  flows: {
    key: "id",
    columns: { id: "text", run: "text", direction: "text", digest: "text", log_index: "integer" },
    // Those of a run follow each other by their key.
    indexes: [["direction", "digest"]],
  },
  trust: { key: "name", columns: { name: "text", digest: "text", at: "text", log_index: "integer" }, indexes: [] },
  imported: {
    key: "id",
    columns: {
      id: "text",
      kind: "text",
      source: "text",
      tenant: "text",
      digest: "text",
      size_bytes: "integer",
      verified: "integer",
      status: "text",
      wall_ms: "real",
      at: "text",
    },
    indexes: [["tenant"], ["digest"]],
  },
  // Entries that belong to no run, and replays: where they stand, so that they can be found.
  notices: {
    key: "log_index",
    columns: { log_index: "integer", kind: "text", at: "text", run: "text", tenant: "text", digest: "text", key_id: "text" },
    indexes: [["kind"], ["digest"], ["at"], ["run"], ["tenant"], ["key_id"]],
  },
  ...APPROVAL_TABLES,
  deleted_blobs: { key: "digest", columns: { digest: "text", at: "text", log_index: "integer" }, indexes: [] },
  // What runs have shown: of each tenant, of each module, and of each module under each tenant (state/standing.ts).
  standing: {
    key: "subject",
    columns: {
      subject: "text",
      tenant: "text",
      digest: "text",
      points: "integer",
      at: "text",
      samples: "text",
      strikes: "text",
      evidence: "text",
      log_index: "integer",
    },
    indexes: [["tenant"], ["digest"]],
  },
  policy_versions: {
    key: "number",
    columns: {
      number: "integer",
      version: "text",
      comment: "text",
      proposed_at: "text",
      proposed_by: "text",
      rollback_of: "integer",
      effect: "text",
      acts: "text",
      activated_at: "text",
      approvers: "text",
      log_index: "integer",
    },
    indexes: [["version"]],
  },
  // Which version is in force (`active`), which is tried beside it (`tried`), which number was given last (`newest`), and under which
  // one the newest answer was taken from the log, from where (`answered`).
  policy_heads: {
    key: "name",
    columns: { name: "text", number: "integer", version: "text", at: "text", log_index: "integer" },
    indexes: [],
  },
  // Where Cedar's answers stand in the log, by the first digits of their questions (state/answer.ts).
  answers: { key: "slot", columns: { slot: "text", question: "text", log_index: "integer" }, indexes: [] },
};

/** Rows whose column lies between two values of its type, both included; an end that is absent is open. */
export type Range = {
  readonly column: string;
  readonly from?: string | number | undefined;
  readonly to?: string | number | undefined;
};

/** Which rows, in which order, how many. Without an order: by key. */
export type Question = {
  readonly where?: Row;
  readonly range?: Range | undefined;
  readonly orderBy?: string;
  readonly descending?: boolean;
  readonly limit?: number;
};

/** POWER: the rows of the projection. Reads see what was put before; puts replace the row of the same key. */
export type Rows = {
  get(table: TableName, key: string): Row | undefined;
  put(table: TableName, row: Row): void;
  scan(table: TableName, question: Question): readonly Row[];
};

/** The projection in memory: what tests fold into, and what shows that a store keeps the same rows. */
export class MemoryRows implements Rows {
  readonly #tables = new Map<TableName, Map<string, Row>>();

  get(table: TableName, key: string): Row | undefined {
    return this.#tables.get(table)?.get(key);
  }

  put(table: TableName, row: Row): void {
    const rows = this.#tables.get(table) ?? new Map<string, Row>();
    rows.set(String(row[TABLES[table].key]), row);
    this.#tables.set(table, rows);
  }

  scan(
    table: TableName,
    { where = {}, range, orderBy = TABLES[table].key, descending = false, limit = Infinity }: Question,
  ): readonly Row[] {
    const matching = [...(this.#tables.get(table)?.values() ?? [])].filter(
      (row) => Object.entries(where).every(([name, value]) => row[name] === value) && isWithin(row, range),
    );
    const sign = descending ? -1 : 1;
    const compare = (a: Row, b: Row) =>
      sign * (compareValues(a[orderBy], b[orderBy]) || compareValues(a[TABLES[table].key], b[TABLES[table].key]));
    return matching.toSorted(compare).slice(0, limit);
  }
}

function isWithin(row: Row, range: Range | undefined): boolean {
  if (range === undefined) return true;
  const value = row[range.column];
  if (value === null || value === undefined) return false;
  return (
    (range.from === undefined || compareValues(value, range.from) >= 0) &&
    (range.to === undefined || compareValues(value, range.to) <= 0)
  );
}

// SQLite's order: NULL first, numbers before texts, texts by code unit (all of ours are UTF-8 sorted as binary).
function compareValues(a: Value | undefined, b: Value | undefined): number {
  if (a === b) return 0;
  if (a === null || a === undefined) return -1;
  if (b === null || b === undefined) return 1;
  if (typeof a === typeof b) return a < b ? -1 : 1;
  return typeof a === "number" ? -1 : 1;
}
