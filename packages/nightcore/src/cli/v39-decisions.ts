import {
  type BlockTarget,
  type Bytes,
  encodeTime,
  fail,
  isJsonObject,
  type JsonObject,
  ok,
  parseDigest,
  parseJson,
  parseTenantName,
  parseTime,
  parseUtf8,
  type Result,
  utf8,
} from "#core";
import type { ImportedRecord } from "#state";

const LOG_BYTES_MAX = 64 * 1024 * 1024; // LIMIT: a log is read whole
const LINE_BYTES_MAX = 1024 * 1024;
const LINES_MAX = 1_000_000; // LIMIT: the bytes above, in the shortest lines
const SCORE_QUARANTINE = 85; // v39's console showed these in quarantine, and those whose reason says so

/** A line that cannot be read; `line` counts from 1. */
export type DecisionsFault = {
  readonly code: "import/malformed";
  readonly file: string;
  readonly where: string;
  readonly what: string;
};

/** Guardian's log as found. */
export type DecisionsFile = { readonly name: string; readonly bytes: Bytes };

/** What it says: its lines as claims, and what v39 had in quarantine, in its order and once each. */
export type V39Decisions = {
  readonly kind: string;
  readonly records: readonly ImportedRecord[];
  readonly quarantined: readonly BlockTarget[];
};

/**
 * Reads v39's `guardian_decisions.jsonl`. v39 had no quarantine but what its console found in this text: a score from 85, or a
 * reason with the word. A line with a digest means these bytes; one without means its tenant. A line that cannot be read refuses
 * the file, which v39 passed over.
 */
export function parseGuardianLog({ name, bytes }: DecisionsFile): Result<V39Decisions, DecisionsFault> {
  const malformed = (where: string, what: string) => fail({ code: "import/malformed", file: name, where, what } as const);
  const text = bytes.length > LOG_BYTES_MAX ? undefined : parseUtf8(bytes);
  if (text?.ok !== true) return malformed("the file", "it is too long or not UTF-8");
  const lines = text.value.split("\n");
  if (lines.length > LINES_MAX) return malformed("the file", "it has too many lines");
  const records: ImportedRecord[] = [];
  const quarantined = new Map<string, BlockTarget>();
  for (const [n, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const read = readLine(line);
    if (typeof read === "string") return malformed(`line ${n + 1}`, read);
    records.push(read.record);
    if (read.target !== undefined) quarantined.set(`${read.target.kind}:${read.target.target}`, read.target);
  }
  return ok({ kind: "v39 decisions", records, quarantined: [...quarantined.values()] });
}

type Line = { readonly record: ImportedRecord; readonly target: BlockTarget | undefined };

function readLine(line: string): Line | string {
  const parsed = parseJson(utf8(line), LINE_BYTES_MAX);
  if (!parsed.ok || !isJsonObject(parsed.value)) return "it is not an object";
  const { tenant, decision, reason, threat_score: score, sha256 } = parsed.value;
  const name = typeof tenant === "string" ? parseTenantName(tenant) : undefined;
  const ms = typeof parsed.value["timestamp"] === "string" ? parseTime(parsed.value["timestamp"]) : undefined;
  if (name?.ok !== true) return "`tenant` names no tenant";
  if (ms === undefined) return "`timestamp` is not an RFC 3339 time";
  if (decision !== "allow" && decision !== "deny") return "`decision` is neither allow nor deny";
  if (typeof reason !== "string") return "`reason` is not a text";
  if (typeof score !== "number" || !Number.isInteger(score) || score < 0 || score > 255) return "`threat_score` is no score";
  const digest = typeof sha256 === "string" ? (parseDigest(sha256.toLowerCase()) ?? null) : null;
  const held = score >= SCORE_QUARANTINE || /quarantine/i.test(reason);
  const target =
    digest === null ? ({ kind: "tenant", target: name.value } as const) : ({ kind: "digest", target: digest } as const);
  const record = {
    tenant: name.value,
    digest,
    sizeBytes: sizeOf(parsed.value),
    verified: typeof parsed.value["trusted_signer"] === "boolean" ? parsed.value["trusted_signer"] : null,
    status: `${decision}, score ${score}: ${reason}`.slice(0, 300),
    wallMs: null,
    at: encodeTime(ms),
  };
  return { record, target: held ? target : undefined };
}

function sizeOf({ wasm_size_bytes: size }: JsonObject): number | null {
  return typeof size === "number" && Number.isSafeInteger(size) && size >= 0 ? size : null;
}
