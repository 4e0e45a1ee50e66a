import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { pauseMs } from "./back-off.ts";
import { parseRetryAfter } from "./exchange.ts";

test("pauses double, stay bounded, are drawn by lot, and keep to what the witness asks", () => {
  const any = fc.uint8Array({ minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2000 }), any, fc.integer({ min: 0, max: 99_999 }), (failed, bytes, retryAfterMs) => {
      const most = Math.min(5000, 200 * 2 ** (failed - 1));
      const pause = pauseMs(failed, { random: () => bytes });
      assert.ok(pause >= most / 2 && pause <= most);
      assert.equal(pauseMs(failed, { random: () => bytes, retryAfterMs }), Math.max(pause, retryAfterMs));
    }),
  );
});

test("Retry-After is seconds or a date, bounded, and nothing else", () => {
  const nowMs = Date.parse("2026-01-31T00:00:00Z");
  const rows: readonly (readonly [header: string, ms: number | undefined])[] = [
    ["0", 0],
    ["120", 120_000],
    ["999999999", 86_400_000],
    ["Sat, 31 Jan 2026 00:00:05 GMT", 5000],
    ["Fri, 30 Jan 2026 00:00:00 GMT", 0],
    ["Sat, 31 Jan 2099 00:00:05 GMT", 86_400_000],
    ["Sat, 99 Zzz 2026 00:00:05 GMT", undefined],
    ["2026", 2_026_000],
    ["-1", undefined],
    ["1e3", undefined],
    ["", undefined],
  ];
  for (const [header, ms] of rows) assert.equal(parseRetryAfter(header, nowMs), ms, header);
  fc.assert(
    fc.property(fc.string(), (header) => {
      const ms = parseRetryAfter(header, nowMs);
      assert.ok(ms === undefined || (ms >= 0 && ms <= 86_400_000));
    }),
  );
});
