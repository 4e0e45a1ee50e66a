import {
  type Bytes,
  digestOf,
  encodeTime,
  type Explanation,
  fail,
  isJsonObject,
  ok,
  parseJson,
  parseTime,
  parseUtf8,
  quote,
  type Result,
  type Sha256,
  utf8,
} from "#core";
import type { ImportedRecord } from "#state";

const CHAIN_BYTES_MAX = 64 * 1024 * 1024; // LIMIT: a chain is read whole
const LINE_BYTES_MAX = 1024 * 1024;
const GENESIS = "0".repeat(64);

/** `line` counts from 1. */
export type ChainFault =
  | { readonly code: "import/chain-broken"; readonly file: string; readonly line: number; readonly what: string }
  | { readonly code: "import/chain-cut"; readonly file: string; readonly lines: number };

export function explainChainFault(fault: ChainFault): Explanation {
  const hint = "nothing was imported; keep the file as evidence";
  return fault.code === "import/chain-broken"
    ? { message: `${quote(fault.file)} is no unbroken chain: line ${fault.line} ${fault.what}`, hint }
    : { message: `${quote(fault.file)} ends after ${fault.lines} lines, and \`audit.tail\` names another end`, hint };
}

/** The chain as found, and the hash of its last line where `audit.tail` lies beside it. */
export type AuditChainFile = {
  readonly name: string;
  readonly bytes: Bytes;
  readonly tail?: Bytes | undefined;
  readonly sha256: Sha256;
};

/**
 * Verifies v39's `audit.jsonl` and reads it as claims. A line's hash is the SHA-256 of its own text with the value of
 * `this_hash_hex`, its last member, empty; each names its predecessor's, the first 64 zeros. An unsigned chain shows no more
 * than that nobody edited the middle without rewriting the rest; with `audit.tail`, that its end is the one last written.
 */
export function parseAuditChain(
  file: AuditChainFile,
): Result<{ readonly kind: string; readonly records: readonly ImportedRecord[] }, ChainFault> {
  const broken = (line: number, what: string) => fail({ code: "import/chain-broken", file: file.name, line, what } as const);
  const text = file.bytes.length > CHAIN_BYTES_MAX ? undefined : parseUtf8(file.bytes);
  if (text?.ok !== true) return broken(1, "is too long or not UTF-8");
  const lines = text.value.split("\n");
  if (lines.at(-1) !== "") return broken(lines.length, "does not end with a newline, so it was cut");
  const records: ImportedRecord[] = [];
  let previous = GENESIS;
  for (const [n, line] of lines.slice(0, -1).entries()) {
    const read = readLine(line, previous, file.sha256);
    if (typeof read === "string") return broken(n + 1, read);
    records.push(read.record);
    previous = read.hash;
  }
  if (file.tail !== undefined && Buffer.from(file.tail).toString("utf8").trim().toLowerCase() !== previous)
    return fail({ code: "import/chain-cut", file: file.name, lines: records.length });
  return ok({ kind: "v39 audit chain", records });
}

/** A line that continues the chain, or what is wrong with it. */
function readLine(line: string, previous: string, sha256: Sha256): { record: ImportedRecord; hash: string } | string {
  const parsed = parseJson(utf8(line), LINE_BYTES_MAX);
  if (!parsed.ok || !isJsonObject(parsed.value)) return "is not a JSON object";
  const { ts, event, prev_hash_hex: before, this_hash_hex: hash } = parsed.value;
  if (typeof event !== "string" || typeof hash !== "string") return "lacks `event` or `this_hash_hex`";
  const ms = typeof ts === "string" ? parseTime(ts) : undefined;
  if (ms === undefined) return "has no RFC 3339 time in `ts`";
  if (before !== previous) return "does not name the hash of the line before it";
  // The writer's members stand in a fixed order with this one last, so the text itself is what was hashed, but for its value.
  const end = `"this_hash_hex":"${hash}"}`;
  if (!line.endsWith(end)) return "does not end with `this_hash_hex`";
  const hashed = `${line.slice(0, -end.length)}"this_hash_hex":""}`;
  if (digestOf(sha256, utf8(hashed)) !== hash) return "does not have the hash that it states";
  const record = { tenant: null, digest: null, sizeBytes: null, verified: null, status: event.slice(0, 300), wallMs: null };
  return { record: { ...record, at: encodeTime(ms) }, hash };
}
