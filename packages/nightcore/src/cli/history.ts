import { escapeControls } from "#core";
import type { HistoryEntry, HistoryTenant, RunStatus } from "#report";
import type { Row, Rows } from "#state";

/** Every tenant that has a history here, witnessed or imported, with its entries in the order of time. */
export function readHistories(rows: Rows, tenant?: string): readonly HistoryTenant[] {
  const where = tenant === undefined ? {} : { tenant };
  const byTenant = new Map<string, HistoryEntry[]>();
  const add = (row: Row, entry: HistoryEntry) => {
    const name = String(row["tenant"]);
    byTenant.set(name, [...(byTenant.get(name) ?? []), entry]);
  };
  for (const row of rows.scan("imported", { where, orderBy: "at" })) if (row["tenant"] !== null) add(row, importedEntry(row));
  for (const row of rows.scan("runs", { where, orderBy: "decided_at" })) add(row, witnessedEntry(row));
  const byTime = (entries: readonly HistoryEntry[]) => entries.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  return [...byTenant]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, entries]) => ({ tenant: name, entries: byTime(entries) }));
}

function witnessedEntry(row: Row): HistoryEntry {
  return {
    kind: "witnessed",
    at: text(row, "decided_at") ?? "",
    run: text(row, "run") ?? "",
    status: statusOf(row),
    digest: text(row, "digest"),
    sizeBytes: number(row, "size_bytes"),
    wallMs: number(row, "wall_ms"),
    verified: row["verified"] === 1,
    logIndexes: (text(row, "indexes") ?? "").split(",").map(Number),
  };
}

// `allowed` and `started` are what a reader sees of a run that another process has under way.
function statusOf(row: Row): RunStatus {
  const status = text(row, "status");
  return status === "allowed" || status === "started" || status === "deciding" ? "fault" : (status as RunStatus);
}

function importedEntry(row: Row): HistoryEntry {
  return {
    kind: "imported",
    at: text(row, "at") ?? "",
    source: text(row, "source") ?? "",
    claim: escapeControls(text(row, "status") ?? ""),
    digest: text(row, "digest"),
    sizeBytes: number(row, "size_bytes"),
    wallMs: number(row, "wall_ms"),
    verified: row["verified"] === null ? undefined : row["verified"] === 1,
  };
}

function text(row: Row, column: string): string | undefined {
  const value = row[column];
  return typeof value === "string" ? value : undefined;
}

function number(row: Row, column: string): number | undefined {
  const value = row[column];
  return typeof value === "number" ? value : undefined;
}
