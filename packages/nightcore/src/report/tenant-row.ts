import type { Budgets } from "#core";
import { renderBar } from "./bar-chart.ts";
import { html, type Markup, trustMarkup } from "./markup.ts";
import { encodeCount, encodeDuration, encodeSize } from "./quantity.ts";
import { type LogView, readKnownUsage, type RunReason, type RunRow, type RunStatus } from "./run-report.ts";

/** What each status means, in the words of the page. */
export const STATUS_WORDS: Readonly<Record<RunStatus, string>> = {
  ran: "ran",
  failed: "failed",
  denied: "denied",
  held: "held",
  quarantined: "quarantined",
  verified: "verified only",
  fault: "fault",
};

/** A tenant's two rows, in a body of their own so that a filter moves both: what happened and why, and the evidence. */
export function renderTenantRow(row: RunRow, log: LogView): Markup {
  return html`<tbody data-tenant="${row.tenant}" data-status="${row.status}" data-wall="${row.used?.wallMs ?? ""}">
    <tr>
      <th scope="row"><span class="name foreign">${row.tenant}</span>${renderDigestLine(row)}</th>
      <td><span class="badge ${row.status}">${STATUS_WORDS[row.status]}</span></td>
      <td class="why">${renderWhy(row)}</td>
      <td class="budgets">${renderMeters(row)}</td>
    </tr>
    <tr class="more">
      <td colspan="4">
        <details>
          <summary>Evidence, and how to check it</summary>
          ${renderEvidence(row, log)}
        </details>
      </td>
    </tr>
  </tbody>`;
}

function renderDigestLine(row: RunRow): Markup {
  if (row.digest === undefined) return html`<br /><span class="code">no bytes were read</span>`;
  const size = row.sizeBytes === undefined ? "" : ` \u00b7 ${encodeSize(row.sizeBytes)}`;
  return html`<br /><span class="code">${row.digest.slice(0, 12)}…${size}</span>`;
}

function renderWhy(row: RunRow): Markup {
  if (row.reasons.length > 0) return renderReasons([...row.reasons, ...row.findings]);
  const findings = row.findings.length > 0 ? renderReasons(row.findings) : undefined;
  return html`<span class="message foreign">${sentenceOf(row)}</span>${renderStanding(row)}${findings}`;
}

function renderReasons(reasons: readonly RunReason[]): Markup {
  return html`<ul>
    ${reasons.map(renderReason)}
  </ul>`;
}

function sentenceOf(row: RunRow): string {
  const returned = row.results.length > 0 ? `, and returned ${row.results.join(", ")}` : "";
  if (row.exitCode !== undefined) return `ended with exit code ${row.exitCode}${returned}`;
  if (row.status === "verified") return "verified and allowed; nothing was executed, because only that was asked for";
  return "no reason was recorded";
}

/** On whose word it ran, and with what. */
function renderStanding({ signer, capabilities }: RunRow): Markup {
  const signature = signer === undefined ? "" : `signed by ${signer.keyId.slice(0, 8)}\u2026 (${signer.role}) \u00b7 `;
  const granted = capabilities.length === 0 ? "no capability" : capabilities.join(", ");
  return html`<span class="hint small foreign">${signature}${granted}</span>`;
}

function renderReason(reason: RunReason): Markup {
  const hint = reason.hint === undefined ? undefined : html`<br /><span class="hint small foreign">${reason.hint}</span>`;
  return html`<li><span class="message foreign">${reason.message}</span><span class="code">${reason.code}</span>${hint}</li>`;
}

type Meter = readonly [label: string, used: number | undefined, granted: number, encode: (quantity: number) => string];

function renderMeters(row: RunRow): Markup {
  if (row.granted === undefined) return html`<span class="muted">nothing was granted</span>`;
  return html`<dl class="meters">${metersOf(row, row.granted).map((meter) => renderMeter(meter, row.status))}</dl>`;
}

function metersOf(row: RunRow, granted: Budgets): readonly Meter[] {
  const used = readKnownUsage(row);
  return [
    ["time", used.wallMs, granted.wallMs, encodeDuration],
    ["fuel", used.fuel, granted.fuel, encodeCount],
    ["memory", used.memoryBytes, granted.memoryBytes, encodeSize],
    ["output", used.outputBytes, granted.outputBytes, encodeSize],
  ];
}

/** A budget that is used up is worth a colour only where the run did not end well: all of one's memory is a normal thing to use. */
function renderMeter([label, used, granted, encode]: Meter, status: RunStatus): Markup {
  const share = used === undefined ? 0 : granted === 0 ? Math.min(1, used) : used / granted;
  const bar = renderBar(share, share >= 1 && status !== "ran" ? "full" : "used");
  const quantity = used === undefined ? "not known" : encode(used);
  return html`<div>
    <dt>${label}</dt>
    <dd>${bar}</dd>
    <dd class="number">${quantity} <span class="muted">of ${encode(granted)}</span></dd>
  </div>`;
}

function renderEvidence(row: RunRow, log: LogView): Markup {
  const { hostCalls } = readKnownUsage(row);
  const facts: readonly (readonly [name: string, value: Markup | undefined])[] = [
    ["SHA-256", mono(row.digest)],
    [
      "Signed by",
      row.signer && html`<span class="mono">${row.signer.keyId}</span> <span class="muted foreign">${row.signer.role}</span>`,
    ],
    ["Verdict", row.verdict === undefined ? undefined : html`${row.verdict}`],
    [
      "Granted",
      row.granted &&
        html`<span class="foreign">${row.capabilities.length === 0 ? "no capability" : row.capabilities.join(", ")}</span>`,
    ],
    ["Host calls", hostCalls === undefined ? undefined : html`<span class="number">${encodeCount(hostCalls)}</span>`],
    ["Engine", row.engine === undefined ? undefined : html`<span class="foreign">${row.engine}</span>`],
    ["Isolation", row.isolation.length === 0 ? undefined : html`<span class="foreign">${row.isolation.join(" \u00b7 ")}</span>`],
    ["From admission to record", html`${encodeDuration(row.durationMs)}`],
    ["Output", row.output === undefined || row.output === "" ? undefined : renderOutput(row.output)],
    ["Run", mono(row.run)],
    [
      "Entries in the log",
      row.logIndexes.length === 0 ? undefined : html`<span class="mono">${row.logIndexes.join(", ")}</span>`,
    ],
    ["Check it", row.run === undefined ? undefined : html`<pre class="foreign">${checkCommand(row.run, log.verifierKey)}</pre>`],
  ];
  const known = facts.filter(([, value]) => value !== undefined);
  return html`<dl class="facts">
    ${known.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`;
}

function mono(text: string | undefined): Markup | undefined {
  return text === undefined ? undefined : html`<span class="mono foreign">${text}</span>`;
}

const NEWLINE = trustMarkup("\n");

/** Lines stay lines; everything else that could move a cursor or reorder text is shown as an escape. */
function renderOutput(output: string): Markup {
  const lines = output.replaceAll("\r\n", "\n").split("\n");
  return html`<pre class="output">${lines.map((line, at) => html`${at > 0 && NEWLINE}${line}`)}</pre>`;
}

/** The command that checks one receipt with nothing but the log's public key. */
export function checkCommand(run: string, verifierKey: string): string {
  const key = quoteForShell(verifierKey);
  return `nightcore receipt show ${quoteForShell(run)} > r.json && nightcore receipt verify r.json --log-key ${key}`;
}

// POSIX 2.2.2: everything between single quotes is literal, and a single quote cannot stand there.
function quoteForShell(word: string): string {
  return /^[\w.+/=:-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
