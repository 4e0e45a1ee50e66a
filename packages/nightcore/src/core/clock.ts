/** POWER: milliseconds since the epoch. */
export type Clock = () => number;
/** POWER: `length` unpredictable bytes. */
export type Random = (length: number) => Uint8Array;

const DAY_MS = 86_400_000;

/**
 * RFC 3339 in UTC with milliseconds, the only form of time that Night Core writes. For years 0 to 9999. By arithmetic, since
 * the first `toISOString` of a process loads time zones for 7 ms, and a cold command feels that.
 */
export function encodeTime(ms: number): string {
  const days = Math.floor(ms / DAY_MS);
  const rest = ms - days * DAY_MS;
  const digits = (n: number, width: number) => String(Math.floor(n)).padStart(width, "0");
  const clock = `${digits(rest / 3_600_000, 2)}:${digits((rest / 60_000) % 60, 2)}:${digits((rest / 1000) % 60, 2)}.${digits(rest % 1000, 3)}`;
  const { year, month, day } = civilOf(days);
  return `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}T${clock}Z`;
}

/** The proleptic Gregorian date of a day counted from 1970-01-01, in eras of 400 years that begin on 1 March. */
function civilOf(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  const sinceMarch0 = days + 719_468;
  const era = Math.floor(sinceMarch0 / 146_097);
  const dayOfEra = sinceMarch0 - era * 146_097;
  const leapDays = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153); // 0 is March
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day: dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1 };
}

/** Reads RFC 3339, or a plain date as its first moment in UTC. Any number of fractional digits; later ones are dropped. */
export function parseTime(text: string): number | undefined {
  const form = /^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2}:\d{2})(\.\d+)?([Zz]|[+-]\d{2}:\d{2}))?$/.exec(text);
  if (form === null) return undefined;
  const [, date = "", time = "00:00:00", fraction = "", zone = "Z"] = form;
  const ms = Date.parse(`${date}T${time}${fraction.slice(0, 4)}${zone.toUpperCase()}`);
  const midnight = Date.parse(`${date}T00:00:00Z`);
  // Date.parse takes 31 February for 3 March; such a date names no day.
  return Number.isFinite(ms) && Number.isFinite(midnight) && encodeTime(midnight).startsWith(date) ? ms : undefined;
}
