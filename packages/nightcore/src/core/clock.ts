/** POWER: milliseconds since the epoch. */
export type Clock = () => number;
/** POWER: `length` unpredictable bytes. */
export type Random = (length: number) => Uint8Array;

/** RFC 3339 in UTC with milliseconds, the only form of time that Night Core writes. */
export function encodeTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** Reads RFC 3339, or a plain date as its first moment in UTC. Any number of fractional digits; later ones are dropped. */
export function parseTime(text: string): number | undefined {
  const form = /^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2}:\d{2})(\.\d+)?([Zz]|[+-]\d{2}:\d{2}))?$/.exec(text);
  if (form === null) return undefined;
  const [, date, time = "00:00:00", fraction = "", zone = "Z"] = form;
  const ms = Date.parse(`${date}T${time}${fraction.slice(0, 4)}${zone.toUpperCase()}`);
  // Date.parse takes 31 February for 3 March; such a date names no day.
  const dayExists = Number.isFinite(ms) && new Date(`${date}T00:00:00Z`).toISOString().slice(0, 10) === date;
  return dayExists ? ms : undefined;
}
