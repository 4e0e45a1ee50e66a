import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { utf8 } from "#core";
import { parseManifest } from "#trust";

const parse = (value: unknown) => parseManifest(utf8(typeof value === "string" ? value : JSON.stringify(value)));

const READ: readonly (readonly [what: string, document: unknown, expected: object])[] = [
  [
    "v38's form",
    { name: "m", version: "1.0.0", permissions: ["stdout", "fs:read"], fuel_limit: 50_000, timeout_ms: 3000, max_memory_kb: 64 },
    {
      form: "v38",
      capabilities: ["stdout", "fs:read"],
      budgets: { fuel: 50_000, wallMs: 3000, memoryBytes: 65_536 },
      source: "unspecified",
    },
  ],
  [
    "the README's form",
    { tenant: "t", description: "d", version: "1", maintainer: "core-ops", permissions: { network: false, filesystem: true } },
    { form: "readme", tenant: "t", capabilities: ["stdout", "fs:read"], budgets: {} },
  ],
  [
    "the console's form, from a person",
    { tenant: "t", ingestion: { channel: "manual", source: "gui", timestamp: "2026-01-01" } },
    { form: "console", source: "human", claimsApproval: false },
  ],
  [
    "the console's form, from an agent that says it is approved",
    { tenant: "t", ingestion: { channel: "automated", source: "agent" }, approved: true, approved_by: "gui", approved_at: "x" },
    { form: "console", source: "agent", claimsApproval: true },
  ],
  [
    "the first console's form",
    { tenant: "t", memory_request_mb: 50, runtime_request_ms: 100 },
    { budgets: { memoryBytes: 52_428_800, wallMs: 100 } },
  ],
  [
    "our own form",
    {
      format: "nightcore-manifest/v1",
      tenant: "t",
      capabilities: ["stdout"],
      budgets: { wall_ms: 1, memory_bytes: 2, fuel: 3, output_bytes: 4 },
      entry: "go",
      source: "agent",
    },
    { form: "nightcore/v1", entry: "go", source: "agent", budgets: { wallMs: 1, memoryBytes: 2, fuel: 3, outputBytes: 4 } },
  ],
];

for (const [what, document, expected] of READ) {
  test(`a manifest in ${what} is read`, () => {
    const manifest = parse(document);
    assert.ok(manifest.ok, JSON.stringify(manifest));
    assert.deepEqual({ ...manifest.value, ...expected }, manifest.value);
  });
}

const REFUSED: readonly (readonly [attack: string, document: unknown, problems: readonly RegExp[]])[] = [
  ["an unknown permission", { permissions: ["stdout", "net:connect"] }, [/net:connect/]],
  [
    "every problem at once",
    { permissions: ["x"], fuel_limit: -1, timeout_ms: "3", extra: 1 },
    [/`x`/, /fuel_limit/, /timeout_ms/, /extra/],
  ],
  ["no permissions at all", { name: "x" }, [/permissions/]],
  ["network in the README's form", { maintainer: "m", permissions: { network: true } }, [/network/]],
  ["a budget that is no whole number", { permissions: [], fuel_limit: 1.5 }, [/fuel_limit/]],
  ["a budget that overflows", { permissions: [], max_memory_kb: 2 ** 52 }, [/max_memory_kb/]],
  ["an unknown member inside `ingestion`", { ingestion: { channel: "manual", root: true } }, [/ingestion\.root/]],
  ["another format", { format: "nightcore-manifest/v2", capabilities: [] }, [/format/]],
  ["a list", [1], [/object/]],
];

for (const [attack, document, problems] of REFUSED) {
  test(`a manifest with ${attack} is refused`, () => {
    const manifest = parse(document);
    assert.equal(manifest.ok ? "read" : manifest.fault.code, "trust/manifest-refused");
    assert.ok(!manifest.ok && manifest.fault.code === "trust/manifest-refused");
    const text = manifest.fault.problems.join("\n");
    for (const problem of problems) assert.match(text, problem);
    assert.equal(manifest.fault.problems.length, problems.length, text);
  });
}

test("a manifest that is not strict JSON is refused with the reader's reason", () => {
  for (const bytes of [
    utf8("{"),
    new Uint8Array([0xff]),
    utf8('{"name":"a","name":"b"}'),
    utf8('{"__proto__":1}'),
    new Uint8Array(10_000_000),
  ]) {
    const manifest = parseManifest(bytes);
    assert.equal(manifest.ok ? "read" : manifest.fault.code, "trust/manifest-not-json");
  }
});

test("no bytes make the manifest reader throw", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.json().map((text) => utf8(text)),
      ),
      (bytes) => void parseManifest(bytes),
    ),
  );
});
