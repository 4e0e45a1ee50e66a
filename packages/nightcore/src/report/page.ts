import { encodeBase64, type Sha256, utf8 } from "#core";
import { encodeCount, encodeReadableTime } from "./quantity.ts";
import { html, type Markup, trustMarkup } from "./markup.ts";
import type { LogView } from "./run-report.ts";
import { TABLE_SCRIPT } from "./table-script.ts";
import { THEME } from "./theme.ts";

// Built outside of the template: between the tags stands the constant and not one character more, or its hash is another one.
const STYLE = trustMarkup(`<style>${THEME}</style>`);
const SCRIPT = trustMarkup(`<script>${TABLE_SCRIPT}</script>`);

/**
 * Puts content into a complete, self-contained HTML document. Its Content Security Policy (CSP Level 3, by `meta`, so that
 * it holds for a file too) forbids every load and every inline piece but the one style sheet and the one script, which are
 * named by their SHA-256. `frame-ancestors` has no effect in a `meta` and is left to whoever serves the file.
 */
export function renderPage(page: { readonly title: string; readonly main: Markup; readonly sha256: Sha256 }): string {
  const hashOf = (text: string): string => `'sha256-${encodeBase64(page.sha256(utf8(text)))}'`;
  const policy = [
    "default-src 'none'",
    `style-src ${hashOf(THEME)}`,
    `script-src ${hashOf(TABLE_SCRIPT)}`,
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
        <meta name="color-scheme" content="dark" />
        <title>${page.title}</title>
        ${STYLE}
      </head>
      <body>
        <a class="skip" href="#main">Skip to the report</a>
        ${page.main} ${SCRIPT}
      </body>
    </html> `.text;
}

/** The foot of every page: the log that it is a view of, and how to check it without believing the page. */
export function renderLogFooter(log: LogView): Markup {
  return html`<footer>
    <h2>The record</h2>
    <p>This page is a view of an append-only log. The log is the record; the page proves nothing by itself.</p>
    <dl class="facts">
      <dt>Log</dt>
      <dd class="mono foreign">${log.origin}</dd>
      <dt>Entries</dt>
      <dd class="number">${encodeCount(log.size)}</dd>
      <dt>Root hash</dt>
      <dd class="mono foreign">${log.rootHash}</dd>
      <dt>Checkpoint</dt>
      <dd><time datetime="${log.checkpointAt}">${encodeReadableTime(log.checkpointAt)}</time></dd>
      <dt>Verifier key</dt>
      <dd class="mono foreign">${log.verifierKey}</dd>
      <dt>Check the whole log</dt>
      <dd><pre>nightcore ledger verify</pre></dd>
    </dl>
  </footer>`;
}
