import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeCount, encodeDelta, encodeDuration, encodeReadableTime, encodeShare, encodeSize } from "./quantity.ts";

test("quantities read as a person writes them", () => {
  const rows: readonly (readonly [string, string])[] = [
    [encodeCount(0), "0"],
    [encodeCount(999), "999"],
    [encodeCount(1268), "1,268"],
    [encodeCount(9_007_199_254_740_991), "9,007,199,254,740,991"],
    [encodeDuration(0), "0 ms"],
    [encodeDuration(0.841), "0.84 ms"],
    [encodeDuration(12.34), "12.3 ms"],
    [encodeDuration(100), "100 ms"],
    [encodeDuration(2000), "2 s"],
    [encodeDuration(184_000), "3 min 4 s"],
    [encodeDuration(179_700), "3 min 0 s"],
    [encodeSize(0), "0 B"],
    [encodeSize(1000), "1000 B"],
    [encodeSize(1536), "1.5 KiB"],
    [encodeSize(100 * 1024), "100 KiB"],
    [encodeSize(64 * 1024 * 1024), "64 MiB"],
    [encodeDelta(0, encodeSize), "\u00b10"],
    [encodeDelta(-40, encodeSize), "\u221240 B"],
    [encodeDelta(1229, encodeSize), "+1.2 KiB"],
    [encodeShare(0), "0 %"],
    [encodeShare(0.0001), "<1 %"],
    [encodeShare(0.995), "99 %"],
    [encodeShare(1), "100 %"],
    [encodeReadableTime("2026-01-31T12:00:00.123Z"), "2026-01-31 12:00:00 UTC"],
    [encodeReadableTime("2025-11-07T13:38:23.951938300+00:00"), "2025-11-07 13:38:23 UTC"],
    [encodeReadableTime("<b>"), "<b>"],
  ];
  for (const [encoded, expected] of rows) assert.equal(encoded, expected);
});
