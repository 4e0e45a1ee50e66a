import { encodeTime, parseTime, quote } from "#core";
import { type Invocation, usageStop } from "./invocation.ts";

/** The time of an option as RFC 3339 in UTC; undefined when the option is not there. */
export function readTimeOption(invocation: Invocation, name: string): string | undefined {
  const text = invocation.text(name);
  if (text === undefined) return undefined;
  const ms = parseTime(text);
  if (ms === undefined) throw usageStop(`\`--${name}\` ${quote(text)} is not a time`, "write 2026-01-31 or an RFC 3339 time");
  return encodeTime(ms);
}
