import type { Sha256 } from "#core";
import { renderBarChart, renderProportions } from "./bar-chart.ts";
import { html, type Markup } from "./markup.ts";
import { renderLogFooter, renderPage } from "./page.ts";
import { encodeCount, encodeDuration, encodeReadableTime } from "./quantity.ts";
import { countStatuses, RUN_STATUSES, type RunReport, type RunRow } from "./run-report.ts";
import { renderTenantRow, STATUS_WORDS } from "./tenant-row.ts";

/**
 * Renders logs/nightcore_dashboard.html: what ran, what did not and why, what it used of what it was granted, and how to
 * check each line. Complete without a network and without its script. `sha256` names the page's own style and script.
 */
export function renderDashboard(report: RunReport, sha256: Sha256): string {
  const proof = report.mode === "proof";
  const title = `Night Core: ${sentenceOf(report.rows)}`;
  const main = html`<header>
      <div class="brand">Night Core · ${proof ? "proof" : "run"} report</div>
      <h1>${sentenceOf(report.rows)}</h1>
      <p class="muted">
        <time datetime="${report.startedAt}">${encodeReadableTime(report.startedAt)}</time> · ${encodeDuration(report.totalMs)} in
        all · ${report.parallel} at a time${proof && " \u00b7 proof mode: verified and decided, nothing executed"}
      </p>
      <p class="muted">
        Recorded in <span class="foreign">${report.log.origin}</span>, which has ${encodeCount(report.log.size)} entries
      </p>
    </header>
    <main id="main">
      ${renderCounts(report.rows)} ${report.rows.length > 0 && renderProportions(report.rows)}
      <h2>Time and fuel</h2>
      ${renderBarChart(report.rows)}
      <h2>Tenants</h2>
      ${renderTable(report)}
    </main>
    ${renderLogFooter(report.log)}`;
  return renderPage({ title, main, sha256 });
}

/** What happened in one sentence: `14 tenants: 4 ran, 4 failed, 5 denied, 1 held`. */
function sentenceOf(rows: readonly RunRow[]): string {
  const counts = countStatuses(rows);
  const parts = RUN_STATUSES.filter((status) => counts[status] > 0).map((status) => `${counts[status]} ${STATUS_WORDS[status]}`);
  return `${rows.length} ${rows.length === 1 ? "tenant" : "tenants"}${parts.length > 0 ? `: ${parts.join(", ")}` : ""}`;
}

/** Statuses that speak of the ordinary are always shown, also with 0; the others only when they occur. */
const ALWAYS_SHOWN: ReadonlySet<string> = new Set(["ran", "failed", "denied", "held", "verified"]);

function renderCounts(rows: readonly RunRow[]): Markup {
  const counts = countStatuses(rows);
  const shown = RUN_STATUSES.filter((status) => counts[status] > 0 || ALWAYS_SHOWN.has(status));
  return html`<ul class="counts" aria-label="Tenants by status">
    ${shown.map(
      (status) =>
        html`<li class="${counts[status] === 0 ? "none" : "some"}">
          <b class="${status}">${counts[status]}</b><span>${STATUS_WORDS[status]}</span>
        </li>`,
    )}
  </ul>`;
}

function renderTable(report: RunReport): Markup {
  if (report.rows.length === 0) return html`<p class="muted">There was no tenant to run.</p>`;
  return html`<div class="panel">
    <table class="rows">
      <caption>
        Each tenant by itself; the evidence folds out
      </caption>
      <thead>
        <tr>
          <th scope="col" data-key="tenant">Tenant</th>
          <th scope="col" data-key="status">Outcome</th>
          <th scope="col">Why</th>
          <th scope="col" data-key="wall">Used of granted</th>
        </tr>
      </thead>
      ${report.rows.map((row) => renderTenantRow(row, report.log))}
    </table>
  </div>`;
}
