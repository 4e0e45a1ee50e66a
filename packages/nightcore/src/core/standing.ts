import { parseTime } from "./clock.ts";

/** The most that a standing can reach. */
export const STANDING_POINTS_MAX = 100;

const POINT_MS = 6 * 3_600_000; // four points a day: all of them are gone after 25 days without a finding

/** Risk that stays after runs, as it was at a time. */
export type StandingPoints = { readonly points: number; readonly at: string };

/**
 * What is left of a standing later: one point less for each whole six hours since, never below 0. A time that lies before it,
 * or is none, takes nothing away.
 */
export function decayStanding({ points, at }: StandingPoints, laterAt: string): number {
  const elapsedMs = (parseTime(laterAt) ?? 0) - (parseTime(at) ?? 0);
  return Math.max(0, points - Math.max(0, Math.floor(elapsedMs / POINT_MS)));
}

/** A standing with the points of one more finding, as of its time. */
export function raiseStanding(before: StandingPoints, points: number, at: string): StandingPoints {
  return { points: Math.min(STANDING_POINTS_MAX, decayStanding(before, at) + Math.max(0, points)), at };
}
