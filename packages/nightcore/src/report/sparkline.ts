import type { HistoryEntry } from "./history-report.ts";
import { html, type Markup } from "./markup.ts";
import { encodeDuration } from "./quantity.ts";

const POINTS_MAX = 120; // LIMIT: more points than this lie closer together than a pixel
const WIDTH = 240;
const HEIGHT = 40;

/** The durations of a history as a line, the oldest at the left, imported claims marked; nothing for fewer than two. */
export function renderSparkline(entries: readonly HistoryEntry[]): Markup | undefined {
  const timed = entries.flatMap((entry) => (entry.wallMs === undefined ? [] : [{ wallMs: entry.wallMs, kind: entry.kind }]));
  const recent = timed.slice(-POINTS_MAX);
  if (recent.length < 2) return undefined;
  const wallMsMax = Math.max(...recent.map((point) => point.wallMs), Number.MIN_VALUE);
  const placed = recent.map(({ wallMs, kind }, at) => ({
    x: 3 + ((WIDTH - 6) * at) / (recent.length - 1),
    y: HEIGHT - 3 - ((HEIGHT - 6) * wallMs) / wallMsMax,
    kind,
  }));
  const line = placed.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
  const dots = placed.map(
    ({ x, y, kind }) =>
      html`<rect
        class="${kind === "imported" ? "claim" : "run"}"
        x="${(x - 1.2).toFixed(1)}"
        y="${(y - 1.6).toFixed(1)}"
        width="2.4"
        height="3.2"
      />`,
  );
  const caption = `${recent.length} durations, at most ${encodeDuration(wallMsMax)}`;
  return html`<figure>
    <svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${caption}">
      <polyline points="${line}" />
      ${dots}
    </svg>
    <figcaption>${caption}</figcaption>
  </figure>`;
}
