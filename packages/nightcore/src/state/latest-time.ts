import type { Rows } from "./rows.ts";

/**
 * The largest time of any entry, by the rows; undefined for a log without entries. Each kind of entry leaves its time in one of
 * these columns: decisions and what is recorded with them, outcomes, everything else.
 */
export function readLatestTime(rows: Rows): string | undefined {
  const columns = [
    ["runs", "decided_at"],
    ["tenants", "last_seen_at"],
    ["notices", "at"],
  ] as const;
  const times = columns.map(([table, column]) => rows.scan(table, { orderBy: column, descending: true, limit: 1 })[0]?.[column]);
  return times.reduce<string | undefined>(
    (latest, at) => (typeof at === "string" && !(latest !== undefined && latest > at) ? at : latest),
    undefined,
  );
}
