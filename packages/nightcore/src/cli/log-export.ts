import { parseEnvelope, parseStatement, verifyEnvelope } from "#attest";
import { encodeHex, quote } from "#core";
import { makeTreeHash } from "#ledger";
import { explainLedgerFault, type LedgerFault } from "#ports";
import { EXPORT_FORMS, type ExportForm, renderCheckpointLine, renderExportLines } from "#report";
import { readEvent } from "#state";
import type { TilesReader } from "#store/tiles";
import { type Invocation, usageStop } from "./invocation.ts";
import { crypto, type View } from "./session.ts";
import { stopOf } from "./unwrap.ts";
import { SOFTWARE } from "./version.ts";

/** What is needed to read entries for others: its name and its key. */
export type ExportSource = Pick<View, "configuration" | "publicKey">;

/** The lines of published entries, each with its signature checked, in the order of the log. */
export function* renderEntries(
  reader: TilesReader,
  {
    source,
    from,
    to,
    form,
  }: { readonly source: ExportSource; readonly from: number; readonly to: number; readonly form: ExportForm },
): Generator<string> {
  const { publicKey } = source;
  const { origin } = source.configuration;
  const hash = makeTreeHash(crypto.sha256);
  let index = from;
  for (const envelope of reader.entries(from, Math.min(to, reader.published.size))) {
    const parsed = parseEnvelope(envelope);
    const payload = parsed.ok ? verifyEnvelope(parsed.value, publicKey, crypto.verifyEd25519) : parsed;
    const statement = payload.ok ? parseStatement(payload.value) : payload;
    if (!statement.ok) throw stopOf(damaged(index, statement.fault.code), explainLedgerFault);
    const { predicateType, predicate } = statement.value;
    const event = readEvent(predicateType, predicate);
    const leaf = encodeHex(hash.leaf(envelope));
    yield* renderExportLines({ index, leaf, origin, software: SOFTWARE, event, predicateType, predicate, envelope }, form);
    index++;
  }
}

/** The line that ends an export or a batch. */
export function renderEnd({ published, checkpoint }: TilesReader, { configuration }: ExportSource, to: number): string {
  return renderCheckpointLine({ origin: configuration.origin, next: Math.min(to, published.size), checkpoint });
}

/** The form of `--form`, JSON lines unless said otherwise. */
export function readExportForm(invocation: Invocation): ExportForm {
  const asked = invocation.text("form") ?? "jsonl";
  const form = EXPORT_FORMS.find((known) => known === asked);
  if (form === undefined) throw usageStop(`there is no form ${quote(asked)}`, `one of ${EXPORT_FORMS.join(", ")}`);
  return form;
}

/** A whole number of an option; undefined when the option is not there. */
export function readIndex(invocation: Invocation, name: string): number | undefined {
  const text = invocation.text(name);
  if (text === undefined) return undefined;
  if (!/^(0|[1-9]\d{0,14})$/.test(text)) throw usageStop(`\`--${name}\` ${quote(text)} is not an index`, "entries count from 0");
  return Number(text);
}

function damaged(index: number, detail: string): LedgerFault {
  return { code: "ledger/corrupt-tile", where: `entry ${index}`, detail };
}
