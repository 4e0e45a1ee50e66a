import { html, type Markup } from "./markup.ts";
import { encodeDuration, encodeShare } from "./quantity.ts";
import { countStatuses, readKnownUsage, RUN_STATUSES, type RunRow } from "./run-report.ts";

const CHART_ROWS_MAX = 25; // LIMIT: what fits on one screen; the table below holds all

/** One bar of a share between 0 and 1. The number stands beside it in text, so that the picture may be left out. */
export function renderBar(share: number, kind: string): Markup {
  const width = Math.max(share > 0 ? 0.6 : 0, Math.min(100, share * 100)).toFixed(2);
  return html`<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
    <rect class="${kind}" width="${width}" height="8" />
  </svg>`;
}

/** One bar for all tenants, cut into the statuses that occur. */
export function renderProportions(rows: readonly RunRow[]): Markup {
  const counts = countStatuses(rows);
  let from = 0;
  const parts = RUN_STATUSES.filter((status) => counts[status] > 0).map((status) => {
    const width = (100 * counts[status]) / rows.length;
    const rect = html`<rect
      class="${status}"
      x="${from.toFixed(3)}"
      width="${Math.max(0, width - 0.25).toFixed(3)}"
      height="8"
    />`;
    from += width;
    return rect;
  });
  return html`<svg class="bar proportions" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">${parts}</svg>`;
}

/** Where the time went, and how close each tenant came to the end of its fuel: the slowest first. */
export function renderBarChart(rows: readonly RunRow[]): Markup {
  const executed = rows.filter((row) => row.used !== undefined && row.granted !== undefined);
  if (executed.length === 0) return html`<p class="muted">No code was executed, so that there is nothing to measure.</p>`;
  const slowest = executed.toSorted((a, b) => (b.used?.wallMs ?? 0) - (a.used?.wallMs ?? 0)).slice(0, CHART_ROWS_MAX);
  const wallMsMax = Math.max(...slowest.map((row) => row.used?.wallMs ?? 0), Number.MIN_VALUE);
  const caption =
    executed.length > slowest.length
      ? `The slowest ${slowest.length} of ${executed.length} that were let through to the engine`
      : `The ${executed.length} that were let through to the engine, the slowest first; ${rows.length - executed.length} never started`;
  return html`<div class="panel">
    <table class="chart">
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          <th scope="col">Tenant</th>
          <th scope="col" colspan="2">Wall time</th>
          <th scope="col" colspan="2">Fuel, share of its budget</th>
        </tr>
      </thead>
      <tbody>
        ${slowest.map((row) => renderChartRow(row, wallMsMax))}
      </tbody>
    </table>
  </div>`;
}

function renderChartRow(row: RunRow, wallMsMax: number): Markup {
  const wallMs = row.used?.wallMs ?? 0;
  const { fuel } = readKnownUsage(row);
  const fuelShare = fuel === undefined ? undefined : fuel / Math.max(1, row.granted?.fuel ?? 1);
  return html`<tr>
    <th scope="row" class="foreign" title="${row.tenant}">${row.tenant}</th>
    <td><span class="axis">time</span>${renderBar(wallMs / wallMsMax, row.status)}</td>
    <td class="quantity number">${encodeDuration(wallMs)}</td>
    <td><span class="axis">fuel</span>${renderBar(fuelShare ?? 0, (fuelShare ?? 0) >= 1 ? "full" : "used")}</td>
    <td class="quantity number">${fuelShare === undefined ? "not known" : encodeShare(fuelShare)}</td>
  </tr>`;
}
