import { join, relative } from "node:path";
import { escapeControls, parseTenantName, quote } from "#core";
import type { HistoryEntry, HistoryTenant } from "#report";
import { replaceReport } from "#store/workspace";
import { readHistories } from "./history.ts";
import { CommandStop, EXIT, type Invocation, usageStop } from "./invocation.ts";
import { openView } from "./session.ts";

/** Shows what the log knows of tenants, and writes each history to `logs/<tenant>_proof_history.json` in v39's form. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json } = invocation;
  const tenant = invocation.text("tenant");
  const all = invocation.flag("all-tenants");
  if ((tenant === undefined) !== all)
    throw usageStop("either `--tenant T` or `--all-tenants` is needed", "see `nightcore help inspect-state`");
  const view = await openView(invocation);
  const histories = readHistories(view.rows, tenant);
  const { root, logs } = view.layout;
  view.close();
  if (tenant !== undefined && histories.length === 0) {
    throw new CommandStop({
      code: "state/tenant-unknown",
      message: `the log knows no tenant ${quote(tenant)}`,
      hint: "run it first, or import its history",
      exit: EXIT.usage,
    });
  }
  const summaries = histories.map(summarise);
  for (const history of histories) {
    // A tenant whose folder could not name one (it is in the log as refused) gets no file of its own.
    if (!parseTenantName(history.tenant).ok) continue;
    const path = join(logs, `${history.tenant}_proof_history.json`);
    const text = `${JSON.stringify(history.entries.map(proofOf), null, 2)}\n`;
    // Every record of ours names its run, or the file that it was imported from.
    const kept = replaceReport(path, text, (before) => /"(?:run|imported_from)":/.test(before));
    if (kept !== undefined) terminal.say(`kept v39's file as ${relative(root, kept)}; \`nightcore state import\` takes it in`);
    if (!json && !invocation.flag("summary")) terminal.say(relative(root, path));
  }
  if (json) {
    const tenants = histories.map(({ entries }, n) => ({ ...summaries[n], ...(invocation.flag("summary") ? {} : { entries }) }));
    terminal.print(JSON.stringify({ tenants }));
    return EXIT.ok;
  }
  for (const { name, total, executed, verifiedPercent, averageBytes, first, last, imported } of summaries) {
    terminal.print(
      `${escapeControls(name)}: ${total} records (${imported} imported), ${executed} executed, ${verifiedPercent} % verified, ${averageBytes} bytes on average`,
    );
    terminal.print(`  first ${first}  last ${last}`);
  }
  if (!invocation.flag("summary")) for (const history of histories) printEntries(invocation, history);
  return EXIT.ok;
}

function summarise({ tenant, entries }: HistoryTenant) {
  const sizes = entries.map(({ sizeBytes }) => sizeBytes).filter((size) => size !== undefined);
  const verified = entries.filter((entry) => entry.verified === true).length;
  return {
    name: tenant,
    total: entries.length,
    imported: entries.filter(({ kind }) => kind === "imported").length,
    executed: entries.filter((entry) => entry.kind === "witnessed" && (entry.status === "ran" || entry.status === "failed"))
      .length,
    verifiedPercent: entries.length === 0 ? 0 : Math.round((100 * verified) / entries.length),
    averageBytes: sizes.length === 0 ? 0 : Math.round(sizes.reduce((sum, size) => sum + size, 0) / sizes.length),
    first: entries[0]?.at ?? "",
    last: entries.at(-1)?.at ?? "",
  };
}

function proofOf(entry: HistoryEntry) {
  const ours =
    entry.kind === "witnessed"
      ? { run: entry.run, status: entry.status, log_indexes: entry.logIndexes }
      : { imported_from: entry.source };
  return {
    sha256: entry.digest?.toUpperCase() ?? "",
    size: entry.sizeBytes ?? 0,
    verified: entry.verified ?? false,
    timestamp: entry.at,
    ...ours,
  };
}

function printEntries({ terminal }: Invocation, { tenant, entries }: HistoryTenant): void {
  for (const entry of entries.slice(-50)) {
    const what =
      entry.kind === "witnessed" ? `${entry.status.padEnd(11)} ${entry.run}` : `imported    ${escapeControls(entry.source)}`;
    terminal.print(`${entry.at}  ${escapeControls(tenant)}  ${(entry.digest ?? "").slice(0, 16).padEnd(16)}  ${what}`);
  }
}
