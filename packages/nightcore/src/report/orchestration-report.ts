import { type Json, utf8 } from "#core";
import { countStatuses, readKnownUsage, type RunReport, type RunRow } from "./run-report.ts";

/**
 * Encodes logs/orchestration_report.json. The members of Night Core v39 keep their names, order, types and units
 * (docs/formats/reports.md), ours follow under names of their own.
 *
 * Two of v39's members are read by people who believed them, and mean what they say now: `tenants_executed` counts the
 * tenants that were let through to the engine, and `status` is `ok` only for what ran to exit code 0, or, in proof mode, for what was
 * verified when only that was asked; `outcome` beside it always says which.
 */
export function encodeOrchestrationReport(report: RunReport): Uint8Array<ArrayBuffer> {
  const { rows, log } = report;
  const durationMs = rows.reduce((sum, row) => sum + row.durationMs, 0);
  const document: Json = {
    timestamp: report.startedAt,
    tenants_executed: rows.filter((row) => row.status === "ran" || row.status === "failed").length,
    total_time_s: seconds(report.totalMs),
    avg_time_s: rows.length === 0 ? 0 : seconds(durationMs / rows.length),
    parallel_threads: report.parallel,
    tenants: rows.map((row) => tenantOf(row)),
    format: "nightcore-orchestration/v1",
    mode: report.mode,
    outcomes: { ...countStatuses(rows) },
    log: {
      origin: log.origin,
      size: log.size,
      root_hash: log.rootHash,
      checkpoint_at: log.checkpointAt,
      verifier_key: log.verifierKey,
    },
  };
  return utf8(`${JSON.stringify(document, null, 2)}\n`);
}

function tenantOf(row: RunRow): Json {
  const used = readKnownUsage(row);
  return {
    name: row.tenant,
    sha: row.digest?.toUpperCase() ?? "",
    duration_s: seconds(row.durationMs),
    status: statusOf(row),
    outcome: row.status,
    verdict: row.verdict ?? null,
    reasons: row.reasons.map(({ code, message, hint }) => (hint === undefined ? { code, message } : { code, message, hint })),
    findings: row.findings.map(({ code, message }) => ({ code, message })),
    digest: row.digest ?? null,
    size_bytes: row.sizeBytes ?? null,
    signer_key_id: row.signer?.keyId ?? null,
    signer_role: row.signer?.role ?? null,
    run: row.run ?? null,
    exit_code: row.exitCode ?? null,
    results: row.results,
    capabilities: row.capabilities,
    wall_ms_used: used.wallMs ?? null,
    wall_ms_granted: row.granted?.wallMs ?? null,
    fuel_used: used.fuel ?? null,
    fuel_granted: row.granted?.fuel ?? null,
    memory_bytes_used: used.memoryBytes ?? null,
    memory_bytes_granted: row.granted?.memoryBytes ?? null,
    output_bytes_used: used.outputBytes ?? null,
    output_bytes_granted: row.granted?.outputBytes ?? null,
    host_calls: used.hostCalls ?? null,
    engine: row.engine ?? null,
    isolation: row.isolation,
    log_indexes: row.logIndexes,
  };
}

/** v39 wrote `ok`, or `error: ` and a sentence. */
function statusOf(row: RunRow): string {
  if (row.status === "ran" || row.status === "verified") return "ok";
  const [reason] = row.reasons;
  if (reason !== undefined) return `error: ${reason.message} (${reason.code})`;
  return row.exitCode === undefined ? `error: ${row.status}` : `error: exit code ${row.exitCode}`;
}

/** Seconds with seven decimals, as v39 printed them. */
function seconds(ms: number): number {
  return Number((ms / 1000).toFixed(7));
}
