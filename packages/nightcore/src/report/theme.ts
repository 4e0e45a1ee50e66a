/**
 * The style sheet of every page. Each text colour has at least 4.5:1 on each of the three grounds (theme.test.ts computes
 * it). No `style` attribute is ever used, because the policy of the page forbids it: sizes that depend on data are SVG.
 */
export const THEME = `
:root { color-scheme: dark; --ground: #0b0e14; --panel: #11161f; --raised: #182030; --line: #263043;
  --text: #e7ebf3; --muted: #9fabc0; --link: #8ab8ff; --track: #263043;
  --ran: #58cf98; --failed: #ff9a66; --denied: #ff7a88; --held: #edc25c; --quarantined: #d19cff; --verified: #74bdff; --fault: #c7cedb;
  --sans: ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
* { box-sizing: border-box; }
html { background: var(--ground); color: var(--text); font: 15px/1.5 var(--sans); -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 82rem; padding: 2rem 1.5rem 3rem; }
h1 { font-size: 1.6rem; line-height: 1.25; font-weight: 650; letter-spacing: -0.01em; margin: 0.2rem 0 0.3rem; }
h2 { font-size: 1.05rem; font-weight: 650; margin: 2.5rem 0 0.75rem; }
p { margin: 0.25rem 0; max-width: 80ch; } body > header p { max-width: none; }
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.brand { color: var(--muted); font-size: 0.8rem; letter-spacing: 0.12em; text-transform: uppercase; }
.muted, .hint, caption { color: var(--muted); }
.mono, code, pre { font-family: var(--mono); font-size: 0.85em; }
.foreign { unicode-bidi: isolate; overflow-wrap: anywhere; }
.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
.skip { position: absolute; left: -100vw; } .skip:focus { position: static; }
.hidden-label { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.counts { display: flex; flex-wrap: wrap; gap: 0.5rem; list-style: none; margin: 1.25rem 0 0.75rem; padding: 0; }
.counts li { flex: 1 1 7rem; background: var(--panel); border: 1px solid var(--line); border-radius: 10px; padding: 0.6rem 0.9rem 0.7rem; }
.counts b { display: block; font-size: 1.7rem; line-height: 1.2; font-weight: 650; font-variant-numeric: tabular-nums; }
.counts li.none b, .counts li.none span { color: var(--muted); font-weight: 450; }
.counts span { font-size: 0.85rem; }

svg.bar { display: block; width: 100%; height: 0.5rem; border-radius: 3px; background: var(--track); }
svg.proportions { height: 0.6rem; border-radius: 4px; }
rect.ran { fill: var(--ran); } rect.failed { fill: var(--failed); } rect.denied { fill: var(--denied); } rect.held { fill: var(--held); }
rect.quarantined { fill: var(--quarantined); } rect.verified { fill: var(--verified); } rect.fault { fill: var(--fault); }
rect.used { fill: var(--link); } rect.full { fill: var(--failed); }
b.ran, .badge.ran { color: var(--ran); } b.failed, .badge.failed { color: var(--failed); } b.denied, .badge.denied { color: var(--denied); }
b.held, .badge.held { color: var(--held); } b.quarantined, .badge.quarantined { color: var(--quarantined); }
b.verified, .badge.verified { color: var(--verified); } b.fault, .badge.fault { color: var(--fault); }
.badge { display: inline-block; border: 1px solid currentColor; border-radius: 99px; padding: 0.05rem 0.6rem; font-size: 0.8rem; font-weight: 600; white-space: nowrap; }
.badge.imported, .badge.changed { color: var(--held); border-style: dashed; }
.badge.same { color: var(--muted); border-color: var(--line); font-weight: 450; }
.badge + .badge { margin-left: 0.3rem; }
.code { font-family: var(--mono); font-size: 0.78rem; font-weight: 450; color: var(--muted); overflow-wrap: anywhere; }
.message { display: block; } .message::first-letter { text-transform: uppercase; }
.small { font-size: 0.87rem; }

table { border-collapse: collapse; width: 100%; }
caption { text-align: left; font-size: 0.85rem; padding: 0 0 0.5rem; }
th { text-align: left; font-weight: 600; }
thead th { font-size: 0.78rem; color: var(--muted); padding: 0.5rem 0.9rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
thead button { all: unset; cursor: pointer; color: inherit; } thead button:focus-visible { outline: 2px solid var(--link); }
thead th[aria-sort=ascending] button::after { content: " \\2191"; } thead th[aria-sort=descending] button::after { content: " \\2193"; }
tbody th, tbody td { padding: 0.7rem 0.9rem; vertical-align: top; }
.panel { background: var(--panel); border: 1px solid var(--line); border-radius: 12px; overflow-x: auto; }
.panel > table > caption { padding: 0.8rem 0.9rem 0.4rem; }
.rows > tbody + tbody { border-top: 1px solid var(--line); }
.rows > tbody[hidden] { display: none; }
.rows th[scope=row] { width: 14rem; }
.rows .why { min-width: 16rem; } .rows .budgets { width: 21rem; }
.rows ul { list-style: none; margin: 0; padding: 0; } .rows li + li { margin-top: 0.45rem; }
.rows tr.more > td { padding-top: 0; padding-bottom: 0.6rem; } .rows tr:not(.more) > * { padding-bottom: 0.45rem; }
.name { font-size: 1rem; }
.chart td, .chart th { padding: 0.32rem 0.9rem; vertical-align: middle; }
.chart tbody th { font-weight: 450; width: 14rem; max-width: 14rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.chart td.quantity { width: 7rem; text-align: right; } .chart tbody tr:last-child > * { padding-bottom: 0.9rem; }
.chart .axis { display: none; color: var(--muted); font-size: 0.8rem; }

.meters { display: grid; grid-template-columns: auto minmax(4rem, 1fr) auto; gap: 0.2rem 0.7rem; align-items: center; margin: 0; font-size: 0.8rem; }
.meters > div { display: contents; } .meters dt { color: var(--muted); } .meters dd { margin: 0; }
.meters dd.number { text-align: right; }
summary { cursor: pointer; color: var(--link); font-size: 0.85rem; width: fit-content; }
details[open] { background: var(--raised); border-radius: 8px; padding: 0.5rem 0.8rem; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 0.3rem 1.2rem; margin: 0.6rem 0 0.2rem; font-size: 0.87rem; }
.facts dt { color: var(--muted); } .facts dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
pre { background: var(--ground); border: 1px solid var(--line); border-radius: 8px; padding: 0.55rem 0.75rem; margin: 0.1rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
pre.output { max-height: 16rem; overflow-y: auto; }

.tools { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; margin: 0 0 0.75rem; }
.tools input, .tools button { font: inherit; font-size: 0.87rem; color: var(--text); background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 0.35rem 0.7rem; }
.tools input { flex: 0 1 18rem; min-width: 10rem; } .tools button { cursor: pointer; }
.tools button[aria-pressed=true] { background: var(--raised); border-color: var(--link); }
.tools output { color: var(--muted); font-size: 0.85rem; }
svg.spark { display: block; width: 100%; height: 3.5rem; } svg.spark polyline { fill: none; stroke: var(--link); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
svg.spark rect { fill: var(--link); } svg.spark rect.claim { fill: var(--held); }
.tenant { background: var(--panel); border: 1px solid var(--line); border-radius: 12px; margin: 1.25rem 0; overflow-x: auto; }
.tenant > header { display: grid; grid-template-columns: minmax(0, 1fr) minmax(10rem, 24rem); gap: 1rem; padding: 1rem 0.9rem 0.6rem; align-items: end; }
.tenant h2 { margin: 0; font-size: 1.1rem; } .tenant figure { margin: 0; } .tenant figcaption { font-size: 0.78rem; color: var(--muted); text-align: right; }
.history th, .history td { padding: 0.5rem; } .history th:first-child, .history td:first-child { padding-left: 0.9rem; } .history tbody td { font-size: 0.87rem; } .history .badge { font-size: 0.75rem; }
.history td.record .code { display: block; min-width: 11.5rem; } .history td:first-child { white-space: normal; overflow-wrap: anywhere; min-width: 12.3rem; }
.history tbody tr { border-top: 1px solid var(--line); } .history tr.claim { background: repeating-linear-gradient(135deg, transparent 0 10px, #151b27 10px 20px); }
footer { margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; font-size: 0.9rem; }

@media screen and (max-width: 62rem) {
  .rows thead, .history thead { display: none; }
  .rows tr, .rows tbody, .rows th[scope=row], .rows td, .history td { display: block; width: auto; }
  .rows tbody { padding: 0.6rem 0; } .rows tbody th, .rows tbody td { padding: 0.3rem 0.9rem; } .rows .why { min-width: 0; } .rows .budgets { width: auto; max-width: 30rem; }
  .history tr { padding: 0.5rem 0; display: grid; grid-template-columns: 1fr 1fr; } .history tbody td { padding: 0.15rem 0.9rem; }
  .history td:nth-child(n + 7) { grid-column: 1 / -1; } .history td:first-child, .history td.record .code { min-width: 0; }
  .history tr.claim td:nth-child(-n + 2) { grid-column: 1 / -1; }
  .history td[data-label]::before { content: attr(data-label) " "; color: var(--muted); font-size: 0.8rem; }
}
@media screen and (max-width: 40rem) {
  body { padding: 1.25rem 0.9rem 2rem; }
  .counts li { flex-basis: 5.5rem; padding: 0.45rem 0.7rem; } .counts b { font-size: 1.35rem; }
  .chart thead { display: none; } .chart tr { display: grid; grid-template-columns: minmax(0, 1fr) 6rem; padding: 0.3rem 0.9rem; }
  .chart tbody tr > * { padding: 0.05rem 0; } .chart tbody tr:last-child > * { padding-bottom: 0.05rem; }
  .chart tbody th { grid-column: 1 / -1; width: auto; max-width: none; font-weight: 600; } .chart td.quantity { width: auto; }
  .chart .axis { display: inline-block; width: 2.4rem; } .chart td:not(.quantity) { display: grid; grid-template-columns: 2.4rem 1fr; align-items: center; }
  .facts { grid-template-columns: 1fr; gap: 0; } .facts dd { margin-bottom: 0.5rem; }
  .tenant > header { grid-template-columns: 1fr; } .tenant figcaption { text-align: left; }
}
@media print {
  :root { color-scheme: light; --ground: #fff; --panel: #fff; --raised: #fff; --line: #bbb; --text: #000; --muted: #444; --link: #1d4ed8; --track: #ddd;
    --ran: #0a6b3d; --failed: #a8410a; --denied: #b0162a; --held: #7a5600; --quarantined: #6b21a8; --verified: #0b5cad; --fault: #333; }
  html { font-size: 11px; } body { max-width: none; padding: 0; } .tools, .skip, summary { display: none; }
  details::details-content { content-visibility: visible; display: block; }
  .rows > tbody, .tenant tr { break-inside: avoid; } .panel, .tenant { overflow: visible; } svg.bar, svg.spark { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .history tr.claim { background: none; }
}
`;
