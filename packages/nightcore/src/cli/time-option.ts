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

const DAY_MS = 86_400_000;

/** `30d` is thirty days ago, anything else is a time. Undefined when the option is not there. */
export function readSinceOption(invocation: Invocation, name: string): string | undefined {
  const days = /^(\d{1,5})d$/.exec(invocation.text(name) ?? "")?.[1];
  return days === undefined ? readTimeOption(invocation, name) : encodeTime(Date.now() - Number(days) * DAY_MS);
}
