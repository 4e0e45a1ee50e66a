import {
  type AcknowledgementLevel,
  type Bytes,
  fail,
  isJsonObject,
  type Json,
  ok,
  parseAcknowledgementLevel,
  parseJson,
  parseUtf8,
  type Result,
  utf8,
} from "#core";
import { ENTRY_BYTES_MAX } from "./entry-bundle.ts";

/** One recorded event of a run: the exact text of its envelope and the proof that the log holds it. */
export type ReceiptEntry = { readonly envelope: string; readonly proof: string };

/** What is handed out for a run. `logKey` says which key to ask for; it is never what the receipt is verified with. */
export type Receipt = {
  readonly run: string;
  readonly logKey: string;
  /** What the run's last entry had reached when it was told of. A claim: the verifier compares it. Absent: `durable`. */
  readonly acknowledged?: AcknowledgementLevel;
  readonly entries: readonly ReceiptEntry[];
};

export type ReceiptFormatFault = { readonly code: "ledger/receipt-malformed"; readonly what: string };

const FORMAT = "nightcore-receipt/v1";
const ENTRIES_MAX = 256; // LIMIT: a run has about 6 entries; approvals add some
const RECEIPT_BYTES_MAX = 16 * 1024 * 1024; // LIMIT: 256 entries of 64 KiB
const FIELDS = ["format", "run", "logKey", "acknowledged", "entries"];

/** One JSON document with one line per entry, and a newline at its end. */
export function encodeReceipt(receipt: Receipt): Uint8Array {
  const entries = receipt.entries.map(({ envelope, proof }) => `  ${JSON.stringify({ envelope, proof })}`).join(",\n");
  const { run, logKey } = receipt;
  const head = [`"format":${JSON.stringify(FORMAT)}`, `"run":${JSON.stringify(run)}`, `"logKey":${JSON.stringify(logKey)}`];
  if (receipt.acknowledged !== undefined) head.push(`"acknowledged":${JSON.stringify(receipt.acknowledged)}`);
  return utf8(`{${head.join(",\n ")},\n "entries":[\n${entries}\n ]}\n`);
}

/** Reads a receipt's form: strict JSON, exactly these members, 1 to 256 entries. What it claims is not checked here. */
export function parseReceipt(bytes: Bytes): Result<Receipt, ReceiptFormatFault> {
  const malformed = (what: string) => fail({ code: "ledger/receipt-malformed", what } as const);
  const document = parseJson(bytes, RECEIPT_BYTES_MAX);
  if (!document.ok) return malformed(`it is not strict JSON (${document.fault.code})`);
  if (!isJsonObject(document.value)) return malformed("it is not an object");
  const unknown = Object.keys(document.value).filter((key) => !FIELDS.includes(key));
  if (unknown.length > 0) return malformed("it has members that a receipt does not have");
  const { format, run, logKey, acknowledged, entries } = document.value;
  if (format !== FORMAT) return malformed(`\`format\` is not ${FORMAT}`);
  if (typeof run !== "string" || run === "") return malformed("`run` is not a text");
  if (typeof logKey !== "string") return malformed("`logKey` is not a text");
  const level = parseAcknowledgementLevel(acknowledged);
  if (acknowledged !== undefined && level === undefined) return malformed("`acknowledged` is not a level");
  if (!Array.isArray(entries) || entries.length < 1 || entries.length > ENTRIES_MAX) {
    return malformed("`entries` is not a list of 1 to 256");
  }
  const parsed: ReceiptEntry[] = [];
  for (const entry of entries as readonly Json[]) {
    const read = parseEntry(entry);
    if (read === undefined) return malformed("an entry is not an envelope and a proof");
    parsed.push(read);
  }
  return ok({ run, logKey, ...(level === undefined ? {} : { acknowledged: level }), entries: parsed });
}

function parseEntry(entry: Json): ReceiptEntry | undefined {
  if (!isJsonObject(entry) || Object.keys(entry).length !== 2) return undefined;
  const { envelope, proof } = entry;
  if (typeof envelope !== "string" || typeof proof !== "string") return undefined;
  if (envelope.length > ENTRY_BYTES_MAX || !envelope.isWellFormed() || !proof.isWellFormed()) return undefined;
  return { envelope, proof };
}

/** The receipt entry of a log entry's exact bytes. Undefined for bytes that are not UTF-8, which no envelope of ours is. */
export function makeReceiptEntry(envelope: Bytes, proof: string): ReceiptEntry | undefined {
  const text = parseUtf8(envelope);
  return text.ok ? { envelope: text.value, proof } : undefined;
}
