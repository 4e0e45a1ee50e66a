import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { utf8 } from "#core";
import { sha256 } from "#store/keys";
import { parseV39File } from "./v39-history.ts";

const NAMES = [
  "orchestration_report.json",
  "t_proof_history.json",
  "proof_report.jsonl",
  "audit.jsonl",
  "guardian_decisions.jsonl",
  "other.json",
];

test("no bytes under any name make the reader of v39's files throw, and what it reads is whole", () => {
  const record = { sha256: "a".repeat(64), size: 1, timestamp: "2025-11-07T00:00:00Z", verified: true };
  const documents = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.json().map((text) => utf8(text)),
    fc.array(fc.constantFrom(record, { ...record, size: -1 }, {}), { maxLength: 4 }).map((list) => utf8(JSON.stringify(list))),
  );
  fc.assert(
    fc.property(fc.constantFrom(...NAMES), documents, (name, bytes) => {
      const parsed = parseV39File({ name, folder: "logs", bytes, sha256 });
      if (!parsed.ok) return;
      for (const { tenant, at } of parsed.value.records) assert.ok(tenant !== "" && !Number.isNaN(Date.parse(at)));
    }),
  );
});
