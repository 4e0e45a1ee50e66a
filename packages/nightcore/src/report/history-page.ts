import type { Sha256 } from "#core";
import {
  compareHistory,
  type HistoryChange,
  type HistoryEntry,
  type HistoryReport,
  type HistoryTenant,
} from "./history-report.ts";
import { html, type Markup } from "./markup.ts";
import { renderLogFooter, renderPage } from "./page.ts";
import { encodeCount, encodeDelta, encodeDuration, encodeReadableTime, encodeSize } from "./quantity.ts";
import { renderSparkline } from "./sparkline.ts";
import { STATUS_WORDS } from "./tenant-row.ts";

const ENTRIES_MAX = 200; // LIMIT: rows per tenant on a page that people read; the log holds all

/**
 * Renders logs/nightcore_history_dashboard.html: each tenant's runs, the newest first, with what changed from one to the
 * next. Imported records are marked as the claims that they are and are never counted as runs.
 */
export function renderHistory(report: HistoryReport, sha256: Sha256): string {
  const tenants = report.tenants.length;
  const title = `Night Core: the history of ${tenants} ${tenants === 1 ? "tenant" : "tenants"}`;
  const main = html`<header>
      <div class="brand">Night Core · historical ledger</div>
      <h1>The history of ${tenants} ${tenants === 1 ? "tenant" : "tenants"}</h1>
      <p class="muted">
        <time datetime="${report.createdAt}">${encodeReadableTime(report.createdAt)}</time> · the newest run of each tenant first,
        compared with the one before it
      </p>
    </header>
    <main id="main">
      ${renderTotals(report)} ${report.tenants.map((tenant) => renderTenant(tenant))}
      ${tenants === 0 && html`<p class="muted">Nothing has been run or imported yet.</p>`}
    </main>
    ${renderLogFooter(report.log)}`;
  return renderPage({ title, main, sha256 });
}

function renderTotals(report: HistoryReport): Markup {
  const entries = report.tenants.flatMap((tenant) => tenant.entries);
  const changes = report.tenants.flatMap((tenant) => compareHistory(tenant.entries).flatMap(({ change }) => change ?? []));
  const totals: readonly (readonly [count: number, words: string])[] = [
    [entries.filter((entry) => entry.kind === "witnessed").length, "runs witnessed"],
    [entries.filter((entry) => entry.kind === "imported").length, "records imported"],
    [changes.filter((change) => change.digestChanged).length, "digest changes"],
    [changes.filter((change) => change.verificationChanged).length, "verification changes"],
  ];
  const items = totals.map(
    ([count, words]) => html`<li class="${count === 0 ? "none" : "some"}"><b>${encodeCount(count)}</b><span>${words}</span></li>`,
  );
  return html`<ul class="counts" aria-label="Totals">
    ${items}
  </ul>`;
}

function renderTenant({ tenant, entries }: HistoryTenant): Markup {
  const newest = compareHistory(entries).toReversed().slice(0, ENTRIES_MAX);
  const claims = entries.filter((entry) => entry.kind === "imported").length;
  const counted = `${entries.length - claims} witnessed${claims > 0 ? `, ${claims} imported` : ""}`;
  const cut = entries.length > newest.length ? `; the newest ${newest.length} are shown` : "";
  return html`<section class="tenant">
    <header>
      <div>
        <h2 class="foreign">${tenant}</h2>
        <p class="muted">${counted}${cut}</p>
      </div>
      ${renderSparkline(entries)}
    </header>
    <table class="history">
      <caption class="hidden-label">
        Runs and records of ${tenant}
      </caption>
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Outcome</th>
          <th scope="col">Time</th>
          <th scope="col">Δ Time</th>
          <th scope="col">Size</th>
          <th scope="col">Δ Size</th>
          <th scope="col">SHA-256</th>
          <th scope="col">Verification</th>
          <th scope="col">Record</th>
        </tr>
      </thead>
      <tbody>
        ${newest.map(({ entry, change }) => renderEntry(entry, change))}
      </tbody>
    </table>
  </section>`;
}

function renderEntry(entry: HistoryEntry, change: HistoryChange | undefined): Markup {
  const verification = entry.verified === undefined ? "not said" : entry.verified ? "verified" : "not verified";
  return html`<tr class="${entry.kind === "imported" ? "claim" : "run"}">
    <td class="number"><time datetime="${entry.at}">${encodeReadableTime(entry.at)}</time></td>
    <td>${renderOutcome(entry)}</td>
    ${cell("Time", quantity(entry.wallMs, encodeDuration))} ${cell("\u0394 Time", delta(change?.wallMsDelta, encodeDuration))}
    ${cell("Size", quantity(entry.sizeBytes, encodeSize))} ${cell("\u0394 Size", delta(change?.sizeBytesDelta, encodeSize))}
    <td data-label="SHA-256">
      <span class="mono foreign" title="${entry.digest ?? ""}"
        >${entry.digest === undefined ? "\u2013" : `${entry.digest.slice(0, 12)}\u2026`}</span
      >
      ${change?.digestChanged === true && html`<span class="badge changed">SHA-256 Changed</span>`}
    </td>
    <td data-label="Verification">
      ${verification} ${change?.verificationChanged === true && html`<span class="badge changed">Verification Changed</span>`}
    </td>
    <td class="record" data-label="Record">${renderRecord(entry)}</td>
  </tr>`;
}

function renderOutcome(entry: HistoryEntry): Markup {
  if (entry.kind === "witnessed") return html`<span class="badge ${entry.status}">${STATUS_WORDS[entry.status]}</span>`;
  const badge = html`<span class="badge imported">imported, not witnessed</span>`;
  if (entry.claim === "") return badge;
  return html`${badge}<br /><span class="hint foreign">claims “${entry.claim}”</span>`;
}

function renderRecord(entry: HistoryEntry): Markup {
  if (entry.kind === "imported") return html`<span class="code foreign">${entry.source}</span>`;
  return html`<span class="code foreign">${entry.run}</span><span class="code">entries ${entry.logIndexes.join(", ")}</span>`;
}

function cell(label: string, text: string): Markup {
  return html`<td class="number" data-label="${label}">${text}</td>`;
}

function quantity(value: number | undefined, encode: (quantity: number) => string): string {
  return value === undefined ? "\u2013" : encode(value);
}

function delta(value: number | undefined, encode: (quantity: number) => string): string {
  return value === undefined ? "\u2013" : encodeDelta(value, encode);
}
