import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  encodeTime,
  escapeControls,
  makeRunId,
  parseBase64,
  parseDigest,
  parseHex,
  parseRunId,
  parseTenantName,
  parseTime,
  quote,
} from "#core";
import { decodeBase64Slowly, encodeBase64Slowly } from "./base64.ts";

const TENANTS: readonly (readonly [name: string, accepted: boolean, why: string])[] = [
  ["hello", true, "plain"],
  ["tenantA-hello", true, "v39's"],
  ["<script>alert(1)</script>", false, "a slash makes two components"],
  ["<script>", true, "ugly, and one component: pages escape it"],
  ["größe 東京", true, "any script"],
  ["", false, "empty"],
  [".", false, "the folder itself"],
  ["..", false, "the parent"],
  ["a/b", false, "a path"],
  ["a\\b", false, "a path elsewhere"],
  ["C:", false, "a drive or a stream"],
  ["a\0b", false, "NUL ends a name in C"],
  ["a\nb", false, "a forged log line"],
  ["a\u202eb", false, "a bidirectional override"],
  ["a\u200bb", false, "an invisible twin"],
  [" a", false, "white space at the front"],
  ["a ", false, "white space at the end"],
  ["-rf", false, "an option"],
  ["x".repeat(128), true, "the longest"],
  ["x".repeat(300), false, "too long for a file system"],
];

for (const [name, accepted, why] of TENANTS) {
  test(`a tenant name ${accepted ? "may be" : "is refused:"} ${why}`, () => {
    assert.equal(parseTenantName(name).ok, accepted);
  });
}

test("quoted text holds no control, separator or override, whatever went in", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.doesNotMatch(quote(text), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      assert.doesNotMatch(escapeControls(text), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }),
  );
});

test("a run identifier carries its time and reads back", () => {
  const id = makeRunId(1_750_000_000_123, new Uint8Array(16).fill(0xff));
  assert.equal(id, "0197740b-dc7b-7fff-bfff-ffffffffffff".replace("0197740b-dc7b", id.slice(0, 13)));
  assert.equal(parseInt(id.replaceAll("-", "").slice(0, 12), 16), 1_750_000_000_123);
  assert.equal(parseRunId(id), id);
  assert.equal(parseRunId(`${id}0`), undefined);
});

test("base64 is accepted in its one canonical form only", () => {
  for (const text of ["QQ==", "QUI=", "QUJD", ""]) assert.ok(parseBase64(text).ok, text);
  for (const text of ["QQ=", "QQ", "QR==", "Q Q==", "QQ==\n", "Q-==", "QUJD=", "===="]) assert.ok(!parseBase64(text).ok, text);
  fc.assert(
    fc.property(fc.string(), (text) => {
      const bytes = parseBase64(text);
      if (bytes.ok) assert.equal(bytes.value.toBase64(), text);
      parseHex(text);
    }),
  );
});

test("digests are read in every spelling that Night Core has printed", () => {
  const hex = "540abd3c9046ef5c6c55463cb77aea2fb13a398e46ffdcf6b91b64c976141291";
  for (const text of [hex, hex.toUpperCase(), `SHA256:${hex}`, `${hex}\n`]) assert.equal(parseDigest(text), hex);
  for (const text of ["", hex.slice(1), `${hex}0`, `SHA1:${hex}`]) assert.equal(parseDigest(text), undefined);
});

test("times: RFC 3339 and plain dates, no impossible ones", () => {
  assert.equal(parseTime("2025-11-07T03:32:09.600476100+00:00"), Date.parse("2025-11-07T03:32:09.600Z"));
  assert.equal(parseTime("2026-01-31"), Date.parse("2026-01-31T00:00:00Z"));
  assert.equal(encodeTime(0), "1970-01-01T00:00:00.000Z");
  for (const text of ["", "yesterday", "2026-02-31", "2026-13-01", "2026-01-01T00:00:00", "20260101"])
    assert.equal(parseTime(text), undefined, text);
});

test("times are written as Date would write them, for every millisecond of ten thousand years", () => {
  const least = Date.parse("0000-01-01T00:00:00.000Z");
  const most = Date.parse("9999-12-31T23:59:59.999Z");
  fc.assert(
    fc.property(fc.integer({ min: least, max: most }), (ms) => {
      assert.equal(encodeTime(ms), new Date(ms).toISOString());
      assert.equal(parseTime(encodeTime(ms)), ms);
    }),
    { numRuns: 2000 },
  );
  for (const ms of [least, most, 0, -1, 951_782_400_000, 4_107_542_399_999])
    assert.equal(encodeTime(ms), new Date(ms).toISOString());
});

test("the base64 of an older Node is the same as the built-in", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      assert.equal(encodeBase64Slowly(bytes), bytes.toBase64());
      assert.deepEqual(decodeBase64Slowly(bytes.toBase64()), bytes);
    }),
  );
  for (const text of ["QQ=", "QQ", "Q Q==", "QQ==\n", "Q-==", "QUJD=", "===="])
    assert.equal(decodeBase64Slowly(text), undefined, text);
});
