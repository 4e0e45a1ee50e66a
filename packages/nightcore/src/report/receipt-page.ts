import { encodeBase64, type Sha256, utf8 } from "#core";
import { html, trustMarkup } from "./markup.ts";
import { RECEIPT_SCRIPT } from "./receipt-script.ts";
import { THEME } from "./theme.ts";

const STYLE = `${THEME}
.drop { border: 2px dashed var(--line); border-radius: 12px; padding: 1.4rem 1.2rem; background: var(--panel); }
.drop.over { border-color: var(--link); background: var(--raised); }
textarea { width: 100%; min-height: 3rem; font: 0.85em/1.4 var(--mono); color: var(--text); background: var(--panel);
  border: 1px solid var(--line); border-radius: 8px; padding: 0.5rem 0.7rem; resize: vertical; }
label { display: block; margin: 1rem 0 0.3rem; font-weight: 600; }
.verdict { font-size: 1.2rem; font-weight: 650; margin: 1.5rem 0 0.75rem; }
.verdict.ok, .badge.ok { color: var(--ran); } .verdict.failed { color: var(--denied); } .badge.absent, .badge.skipped { color: var(--muted); }
.checks td:first-child { width: 7rem; } .checks td:nth-child(2) { width: 17rem; font-weight: 600; } .checks tr + tr { border-top: 1px solid var(--line); }
@media (prefers-color-scheme: light) {
  :root { color-scheme: light; --ground: #ffffff; --panel: #f6f8fb; --raised: #eaf0f8; --line: #c9d2df; --text: #10161f; --muted: #4a566a;
    --link: #0b5cad; --ran: #0a6b3d; --denied: #b0162a; --failed: #a8410a; }
}
@media (max-width: 45rem) { .checks tr, .checks td { display: block; } .checks td, .checks td:first-child, .checks td:nth-child(2) { width: auto; padding: 0.2rem 0.9rem; } }
`;

/** What the page is made of. `verifier`: `nightcore/verify` as a script that defines `nightcoreVerify`. */
export type ReceiptPage = {
  readonly verifier: string;
  /** Verifier keys that the page proposes; whoever opens it may put in others. */
  readonly logKey: string | undefined;
  readonly sha256: Sha256;
};

/**
 * One HTML file that checks receipts with the network off. Its policy forbids every load, and every script and style but its
 * own three, by their hashes. What is dropped on it stays in it.
 */
export function renderReceiptPage({ verifier, logKey, sha256 }: ReceiptPage): string {
  // Whatever ends a script early would let the rest of it become markup.
  if (/<\/script|<!--/i.test(verifier)) throw new Error("bug: the verifier's script cannot stand inside of a page");
  const hashOf = (text: string): string => `'sha256-${encodeBase64(sha256(utf8(text)))}'`;
  const policy = [
    "default-src 'none'",
    `style-src ${hashOf(STYLE)}`,
    `script-src ${hashOf(verifier)} ${hashOf(RECEIPT_SCRIPT)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <meta name="color-scheme" content="dark light" />
        <title>Night Core: check a receipt</title>
        ${trustMarkup(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <header>
          <div class="brand">Night Core · receipt</div>
          <h1>Check a receipt</h1>
          <p class="muted">
            Everything happens in this page. It asks the network for nothing, and nothing that you drop here leaves it.
          </p>
        </header>
        <main id="main">
          <div class="drop" id="drop">
            <p>Drop a receipt here, or choose a file. <code>nightcore receipt show RUN</code> prints one.</p>
            <input type="file" id="file" aria-label="Receipt file" />
          </div>
          <label for="log-key">The log's verifier keys, one in a line</label>
          <textarea id="log-key" spellcheck="false" autocomplete="off">${logKey ?? ""}</textarea>
          <p class="muted small">
            The checks are worth what these keys are worth. What came with the page is the word of whoever made the page: compare
            it with what the log's operator published elsewhere.
          </p>
          <label for="witness-keys">Witnesses' verifier keys, one in a line, or a policy with its quorum (may stay empty)</label>
          <textarea id="witness-keys" spellcheck="false" autocomplete="off"></textarea>
          <div id="result" aria-live="polite"></div>
          <noscript
            ><p>This page needs its script; without it, use <code>nightcore receipt verify</code>.</p></noscript
          >
        </main>
        ${trustMarkup(`<script>${verifier}</script>`)} ${trustMarkup(`<script>${RECEIPT_SCRIPT}</script>`)}
      </body>
    </html> `.text;
}
