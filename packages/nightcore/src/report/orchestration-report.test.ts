import assert from "node:assert/strict";
import { test } from "node:test";
import { type JsonObject, parseUtf8 } from "#core";
import { encodeOrchestrationReport } from "./orchestration-report.ts";
import type { RunReport, RunRow } from "./run-report.ts";

const BUDGETS = { wallMs: 1000, memoryBytes: 65_536, fuel: 5000, outputBytes: 1024 };
const ROW: RunRow = {
  tenant: "<script>",
  status: "ran",
  verdict: "allow",
  findings: [],
  reasons: [],
  digest: "0a".repeat(32),
  sizeBytes: 100,
  signer: { keyId: "ab".repeat(32), role: "maintainer" },
  capabilities: ["stdout"],
  granted: BUDGETS,
  used: { ...BUDGETS, fuel: 1268, hostCalls: 1 },
  exitCode: 0,
  results: ["42"],
  output: "hi",
  engine: "v8",
  isolation: ["process"],
  run: "01932f0c-7b1a-7c3e-9a4b-0123456789ab",
  durationMs: 165.964,
  logIndexes: [1, 2],
};

const LOG = { origin: "o", size: 3, rootHash: "r", checkpointAt: "2026-01-01T00:00:00.000Z", verifierKey: "k" };

function encode(
  rows: readonly RunRow[],
  mode: RunReport["mode"] = "run",
): JsonObject & { readonly tenants: readonly JsonObject[] } {
  const report = { startedAt: "2026-01-01T00:00:00.000Z", mode, totalMs: 418.5321, parallel: 2, rows, log: LOG };
  const text = parseUtf8(encodeOrchestrationReport(report));
  assert(text.ok && text.value.endsWith("}\n"));
  return JSON.parse(text.value) as ReturnType<typeof encode>;
}

test("v39's members keep their names, order, types and units", () => {
  const document = encode([ROW]);
  assert.deepEqual(Object.keys(document).slice(0, 6), [
    "timestamp",
    "tenants_executed",
    "total_time_s",
    "avg_time_s",
    "parallel_threads",
    "tenants",
  ]);
  assert.equal(document["total_time_s"], 0.4185321);
  assert.equal(document["avg_time_s"], 0.165964);
  const [tenant] = document.tenants;
  assert(tenant !== undefined);
  assert.deepEqual(Object.entries(tenant).slice(0, 4), [
    ["name", "<script>"],
    ["sha", "0A".repeat(32)],
    ["duration_s", 0.165964],
    ["status", "ok"],
  ]);
  assert.equal(tenant["digest"], "0a".repeat(32));
  assert.equal(tenant["fuel_used"], 1268);
  assert.equal(tenant["fuel_granted"], 5000);
  assert.deepEqual(tenant["log_indexes"], [1, 2]);
});

test("only what ran, or was verified when only that was asked, is ok, and the outcome beside it says which", () => {
  const reasons = [{ code: "trust/untrusted", message: "nobody trusts the key" }];
  const rows: readonly (readonly [row: RunRow, status: string, executed: number])[] = [
    [ROW, "ok", 1],
    [{ ...ROW, status: "verified", exitCode: undefined }, "ok", 0],
    [{ ...ROW, status: "failed", exitCode: 3 }, "error: exit code 3", 1],
    [{ ...ROW, status: "denied", reasons }, "error: nobody trusts the key (trust/untrusted)", 0],
    [{ ...ROW, status: "held", reasons }, "error: nobody trusts the key (trust/untrusted)", 0],
    [{ ...ROW, status: "quarantined", reasons }, "error: nobody trusts the key (trust/untrusted)", 0],
    [{ ...ROW, status: "fault", exitCode: undefined }, "error: fault", 0],
  ];
  for (const [row, status, executed] of rows) {
    const document = encode([row]);
    assert.equal(document.tenants[0]?.["status"], status, row.status);
    assert.equal(document.tenants[0]?.["outcome"], row.status);
    assert.equal(document["tenants_executed"], executed, row.status);
  }
});

test("what is not known is null, and no tenant is no division by zero", () => {
  const document = encode([
    {
      ...ROW,
      status: "denied",
      digest: undefined,
      signer: undefined,
      granted: undefined,
      used: undefined,
      run: undefined,
      verdict: undefined,
    },
  ]);
  const [tenant] = document.tenants;
  assert.equal(tenant?.["sha"], "");
  for (const name of ["digest", "signer_key_id", "run", "fuel_used", "fuel_granted", "verdict"])
    assert.equal(tenant?.[name], null, name);
  assert.equal(encode([])["avg_time_s"], 0);
});

test("a sandbox that was killed is not said to have used nothing", () => {
  const reasons = [{ code: "engine/deadline", message: "killed" }];
  const used = { wallMs: 1000, memoryBytes: 0, fuel: 0, outputBytes: 7, hostCalls: 0 };
  const [tenant] = encode([{ ...ROW, status: "failed", exitCode: undefined, reasons, used }]).tenants;
  assert.equal(tenant?.["fuel_used"], null);
  assert.equal(tenant?.["memory_bytes_used"], null);
  assert.equal(tenant?.["output_bytes_used"], 7);
  assert.equal(tenant?.["wall_ms_used"], 1000);
  const [idle] = encode([{ ...ROW, used: { ...used, wallMs: 1 } }]).tenants;
  assert.equal(idle?.["fuel_used"], 0);
});
