import assert from "node:assert/strict";
import { test } from "node:test";
import { type Budgets, type Bytes, digestOf, encodeHex, type RunId, utf8 } from "#core";
import type { BlobStore, Engine, EngineJob } from "#ports";
import type { IntentEvent, OutcomeEvent } from "#state";
import { sha256 } from "#store/keys";
import { listArguments } from "./argument-listing.ts";
import { keepInputs, listMounts } from "./mount-listing.ts";

// What the tests of replays share: jobs with small budgets, and what the log would say of a run.

/** Blobs in memory, which a test can take away or exchange. */
export class MemoryBlobs implements BlobStore {
  readonly kept = new Map<string, Bytes>();
  put(digest: string, bytes: Bytes): void {
    this.kept.set(digest, bytes);
  }
  get(digest: string): Bytes | undefined {
    return this.kept.get(digest);
  }
}

const BUDGETS: Budgets = { wallMs: 10_000, memoryBytes: 1024 * 1024, fuel: 1_000_000, outputBytes: 1024 };

/** A job with small budgets, a seed that is not zeros, and the right to print and to read files. */
export function jobFor(bytes: Bytes): EngineJob {
  return {
    tenant: "dice",
    digest: digestOf(sha256, bytes),
    bytes,
    entry: undefined,
    numericArgs: [],
    argv: ["dice"],
    env: [],
    stdin: new Uint8Array(0),
    mounts: [],
    capabilities: ["stdout", "fs:read"],
    budgets: BUDGETS,
    seed: new Uint8Array(32).fill(7),
  };
}

type Recorded = { readonly intent: IntentEvent; readonly outcome: OutcomeEvent; readonly blobs: MemoryBlobs };

/** Runs a job and returns its intent, its outcome, and the blobs that are kept of it. */
export async function recordRun(engine: Engine, job: EngineJob): Promise<Recorded> {
  const blobs = new MemoryBlobs();
  const inputs = {
    stdin: digestOf(sha256, job.stdin),
    mounts: listMounts(job.mounts, sha256),
    called: listArguments(job, sha256),
  };
  keepInputs(blobs, job, inputs);
  const report = await engine.run(job);
  const { tenant, digest, capabilities, budgets } = job;
  const ofRun = { run: "r" as RunId, tenant, at: "2026-01-01T00:00:00.000Z", digest };
  const intent: IntentEvent = {
    ...ofRun,
    entry: "_start",
    ...{ ...inputs.called.said, capabilities, budgets },
    stdin: { digest: inputs.stdin, bytes: job.stdin.length },
    mounts: inputs.mounts.map(({ said }) => said),
    seed: encodeHex(job.seed),
    engine: engine.version,
    isolation: [],
  };
  const { trace, stdout, stderr } = report;
  if (trace !== undefined) blobs.put(digestOf(sha256, trace), trace);
  const outcome: OutcomeEvent = {
    ...ofRun,
    status: report.exitCode === 0 ? "ran" : "failed",
    exitCode: report.exitCode ?? null,
    fault: report.fault === undefined ? null : { code: report.fault.code, message: report.fault.detail },
    results: [],
    stdout: { digest: digestOf(sha256, stdout), bytes: stdout.length },
    stderr: { digest: digestOf(sha256, stderr), bytes: stderr.length },
    usage: report.usage,
    ...(trace === undefined ? {} : { hostCallTrace: { digest: digestOf(sha256, trace), bytes: trace.length } }),
  };
  return { intent, outcome, blobs };
}

test("a control: blobs that are kept come back", () => {
  const blobs = new MemoryBlobs();
  blobs.put("a", utf8("b"));
  assert.deepEqual(blobs.get("a"), utf8("b"));
});
