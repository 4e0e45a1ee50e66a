import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { utf8 } from "#core";
import { parseGuardianLog } from "./v39-decisions.ts";

const D = "AB".repeat(32);
const LINE = {
  timestamp: "2026-01-01T00:00:00Z",
  tenant: "hello",
  decision: "deny",
  reason: "unknown signer",
  threat_score: 60,
  sha256: D,
  wasm_size_bytes: 7,
  trusted_signer: false,
};
const parse = (...lines: readonly object[]) =>
  parseGuardianLog({ name: "guardian_decisions.jsonl", bytes: utf8(lines.map((line) => `${JSON.stringify(line)}\n`).join("")) });

test("what v39 had in quarantine is what its console found in the text", () => {
  const rows: readonly (readonly [what: string, change: object, target: string | undefined])[] = [
    ["a middling score", {}, undefined],
    ["the score below", { threat_score: 84 }, undefined],
    ["a score that is high enough", { threat_score: 85 }, D.toLowerCase()],
    ["the word", { reason: "moved to Quarantine" }, D.toLowerCase()],
    ["an allow with the word", { decision: "allow", reason: "quarantine lifted" }, D.toLowerCase()],
    ["no digest: its tenant", { threat_score: 99, sha256: "unknown" }, "hello"],
  ];
  for (const [what, change, target] of rows) {
    const read = parse({ ...LINE, ...change });
    assert.ok(read.ok, what);
    assert.deepEqual(
      read.value.quarantined.map((one) => one.target),
      target === undefined ? [] : [target],
      what,
    );
  }
  const twice = parse({ ...LINE, threat_score: 90 }, { ...LINE, threat_score: 95 });
  assert.equal(twice.ok && twice.value.quarantined.length, 1);
  assert.equal(twice.ok && twice.value.records[1]?.status, "deny, score 95: unknown signer");
});

test("a line that cannot be read refuses the file, by its number", () => {
  const changes = [
    ...[{ tenant: "../x" }, { tenant: undefined }, { timestamp: "yesterday" }, { decision: "perhaps" }],
    ...[{ reason: 7 }, { threat_score: 256 }, { threat_score: "90" }, { threat_score: 1.5 }],
  ];
  for (const change of changes) {
    const read = parse(LINE, { ...LINE, ...change });
    assert.ok(!read.ok && read.fault.where === "line 2", JSON.stringify(change));
  }
  const documents = fc.oneof(
    fc.uint8Array(),
    fc.json().map((text) => utf8(text)),
  );
  fc.assert(
    fc.property(documents, (bytes) => {
      const read = parseGuardianLog({ name: "x", bytes });
      if (read.ok) for (const { at } of read.value.records) assert.ok(!Number.isNaN(Date.parse(at)));
    }),
  );
});
