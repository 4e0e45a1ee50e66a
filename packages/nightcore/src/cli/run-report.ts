import { encodeTime, escapeControls } from "#core";
import { type LogView, type RunReport, type RunRow } from "#report";
import type { RunRecord } from "#worker";
import { tellAssessment } from "./assessment-words.ts";

const OUTPUT_CHARACTERS_MAX = 4000; // LIMIT: a page shows the beginning; the blob has all of it

/** The log as the pages and reports name it, from the checkpoint that the session ended with. */
export function viewLog(checkpoint: string, verifierKey: string): LogView {
  const [origin = "", size = "0", rootHash = ""] = checkpoint.split("\n");
  return { origin, size: Number(size), rootHash, checkpointAt: encodeTime(Date.now()), verifierKey };
}

/** What a report is made from. */
export type ReportOf = {
  readonly records: readonly RunRecord[];
  readonly mode: "run" | "proof";
  readonly startedMs: number;
  readonly endedMs: number;
  readonly parallel: number;
  readonly engine: string;
  readonly log: LogView;
};

/** What `run` tells people and scripts, as the report room wants it. */
export function makeRunReport({ records, mode, startedMs, endedMs, parallel, engine, log }: ReportOf): RunReport {
  return {
    startedAt: encodeTime(startedMs),
    mode,
    totalMs: endedMs - startedMs,
    parallel,
    rows: records.map((record) => rowOf(record, engine)),
    log,
  };
}

function rowOf(record: RunRecord, engine: string): RunRow {
  const { signature, fault, reasons, status } = record;
  const executed = status === "ran" || status === "failed";
  return {
    tenant: record.tenant,
    status,
    verdict: record.verdict,
    reasons: fault === undefined ? reasons : [fault],
    findings: tellAssessment(record.assessment),
    digest: record.digest,
    sizeBytes: record.sizeBytes,
    signer: signature.keyId === undefined ? undefined : { keyId: signature.keyId, role: "signer" },
    capabilities: record.capabilities,
    granted: record.budgets,
    used: record.usage,
    exitCode: record.exitCode,
    results: record.results,
    output: record.stdout.length === 0 ? undefined : decodeOutput(record.stdout),
    engine: executed ? engine : undefined,
    isolation: record.isolation,
    run: record.run,
    durationMs: record.wholeMs,
    logIndexes: record.indexes,
  };
}

/** What a guest printed, as harmless text: lines stay, everything else that controls is escaped. */
function decodeOutput(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, OUTPUT_CHARACTERS_MAX)).toString("utf8");
  return text
    .split("\n")
    .map((line) => escapeControls(line))
    .join("\n");
}

/** A record as `--json` prints it: bytes as text with replacement characters, and as their exact base64. */
export function encodeRecord(record: RunRecord): unknown {
  const { stdout, stderr, ...rest } = record;
  const text = (bytes: Uint8Array) => ({
    text: Buffer.from(bytes).toString("utf8"),
    base64: Buffer.from(bytes).toString("base64"),
  });
  return JSON.parse(JSON.stringify({ ...rest, stdout: text(stdout), stderr: text(stderr) }));
}
