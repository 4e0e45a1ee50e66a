/** A whole number with its thousands apart: `12,345,678`. */
export function encodeCount(count: number): string {
  return Math.round(count)
    .toString()
    .replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
}

/** Milliseconds in the unit that a reader wants: `0.84 ms`, `12.3 ms`, `1.52 s`, `3 min 4 s`. */
export function encodeDuration(ms: number): string {
  if (ms < 10) return `${trim(ms.toFixed(2))} ms`;
  if (ms < 1000) return `${trim(ms.toFixed(ms < 100 ? 1 : 0))} ms`;
  if (ms < 60_000) return `${trim((ms / 1000).toFixed(2))} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB"] as const;

/** Bytes in binary units: `512 B`, `64 KiB`, `1.5 MiB`. */
export function encodeSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${trim(value.toFixed(value < 10 && unit > 0 ? 1 : 0))} ${BYTE_UNITS[unit] ?? "B"}`;
}

/** The same with its sign, for a difference: `+1.2 KiB`, `-40 B`, `±0`. */
export function encodeDelta(delta: number, encode: (quantity: number) => string): string {
  if (delta === 0) return "\u00b10";
  return `${delta > 0 ? "+" : "\u2212"}${encode(Math.abs(delta))}`;
}

/** A share of a whole as a percentage; what is used but tiny is `<1 %`, never 0, and what is not used up is never 100. */
export function encodeShare(share: number): string {
  if (share > 0 && share < 0.01) return "<1 %";
  const percent = Math.round(share * 100);
  return `${share < 1 ? Math.min(99, percent) : percent} %`;
}

/** RFC 3339 in UTC as people read it: `2026-01-31 12:00:00 UTC`. Text in another form is returned as it is. */
export function encodeReadableTime(time: string): string {
  const parts = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.\d+)?(?:Z|\+00:00)$/.exec(time);
  return parts === null ? time : `${parts[1] ?? ""} ${parts[2] ?? ""} UTC`;
}

function trim(decimal: string): string {
  return decimal.includes(".") ? decimal.replace(/\.?0+$/, "") : decimal;
}
