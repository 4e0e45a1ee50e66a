import type { TableShape } from "#wasm";

export const TABLE_ENTRIES_MAX = 1_000_000; // LIMIT: of all tables together; V8 spends 16 bytes on each, CPython has 6,000

/**
 * The maximum that each table is declared with: its own, or an equal share of what the tables together may still grow by.
 * Undefined when they begin with more than {@link TABLE_ENTRIES_MAX}.
 */
export function capTables(tables: readonly TableShape[]): readonly number[] | undefined {
  let used = 0;
  for (const table of tables) used += table.entriesMin;
  if (used > TABLE_ENTRIES_MAX) return undefined;
  const share = tables.length === 0 ? 0 : Math.floor((TABLE_ENTRIES_MAX - used) / tables.length);
  return tables.map((table) => Math.min(table.entriesMax ?? Infinity, table.entriesMin + share));
}
