import assert from "node:assert/strict";
import { test } from "node:test";
import { parseStatement } from "#attest";
import { type Bytes, type Digest, ok, type RunId } from "#core";
import type { LedgerWriter } from "#ports";
import { type Event, EVENT_TYPES, evolve, joinSteps, MemoryRows, type Steps } from "#state";
import { sha256 } from "#store/keys";
import { Recorder } from "#worker";

const OF_RUN = { run: "run-1" as RunId, tenant: "a", at: "2026-06-01T00:00:00.000Z", digest: "7".repeat(64) as Digest };
const ABOUT = { name: "a/module.wasm", digest: OF_RUN.digest };

function stepsWith(facts: string): Steps {
  return {
    admission: { kind: "admission", ...OF_RUN, sizeBytes: 8, admitted: true, finding: null, shape: null },
    verification: {
      ...{ kind: "verification", ...OF_RUN, trusted: true, keyId: "k", form: "dsse", manifestSigned: true, finding: null },
      trustStore: OF_RUN.digest,
    },
    decision: { kind: "decision", ...OF_RUN, mode: "run", verdict: "deny", reasons: [], grant: null, facts, engine: "e" },
  };
}

async function record(steps: Steps) {
  const types: string[] = [];
  const append = (payloads: readonly Bytes[]) => {
    const appended = payloads.map((payload) => {
      const statement = parseStatement(payload);
      assert.ok(statement.ok);
      return { index: types.push(statement.value.predicateType) - 1, checkpoint: "" };
    });
    return Promise.resolve(ok(appended));
  };
  const rows = new MemoryRows();
  const recorder = new Recorder({ ledger: { append } as unknown as LedgerWriter, rows, sha256 }, 0);
  const recorded = await recorder.record([{ about: ABOUT, event: joinSteps(steps) }]);
  assert.ok(recorded.ok);
  return { indexes: recorded.value, types, rows, applied: recorder.applied };
}

test("a passage is one entry", async () => {
  const { indexes, types, rows } = await record(stepsWith("x"));
  assert.deepEqual([indexes, types], [[0], [EVENT_TYPES.passage]]);
  assert.equal(rows.get("runs", OF_RUN.run)?.indexes, "0");
});

test("a passage that is too long for one entry is recorded step by step, and amounts to the same", async () => {
  const steps = stepsWith("x".repeat(48 * 1024));
  const { indexes, types, rows, applied } = await record(steps);
  assert.deepEqual([indexes, applied], [[0, 1, 2], 3]);
  assert.deepEqual(types, [EVENT_TYPES.admission, EVENT_TYPES.verification, EVENT_TYPES.decision]);
  const alone = new MemoryRows();
  ([steps.admission, steps.verification, steps.decision] as readonly Event[]).forEach((event, index) =>
    evolve(alone, event, { index }),
  );
  for (const table of ["runs", "modules", "tenants"] as const) assert.deepEqual(rows.scan(table, {}), alone.scan(table, {}));
});
