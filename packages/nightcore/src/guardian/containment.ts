import { type Containment, parseTime, STRIKE_KINDS, type StrikeKind, type Strikes } from "#core";
import type { ContainmentPolicy } from "./assessment-policy.ts";

const HOUR_MS = 3_600_000;

const SEEN: Readonly<Record<StrikeKind, string>> = {
  faults: "faults in a row",
  escapes: "ways out of its folders that it tried",
  badPointers: "pointers outside of its memory",
};

/** What was seen of a module now and before, and how much of it is too much. */
export type ContainmentBasis = {
  readonly at: string;
  readonly strikes: Readonly<Record<StrikeKind, number>>;
  readonly before: Strikes;
  readonly policy: ContainmentPolicy;
};

/**
 * Whether a module is contained now: whether something was just seen of it that, with what was seen in the hours before,
 * reaches a threshold. Null where it is not. What is not seen now never contains, however much was seen before.
 */
export function decideContainment({ at, strikes, before, policy }: ContainmentBasis): Containment | null {
  const { withinHours, revokeApprovals } = policy;
  for (const trigger of STRIKE_KINDS) {
    const threshold = policy[trigger];
    if (threshold === 0 || strikes[trigger] === 0) continue;
    const earlier = before[trigger].filter(([then]) => isWithin(then, at, withinHours));
    const seen = earlier.reduce((sum, [, count]) => sum + count, strikes[trigger]);
    if (seen < threshold) continue;
    const message = `${seen} ${SEEN[trigger]} within ${withinHours} hours, and the policy contains a module at ${threshold}`;
    return { trigger, seen, threshold, withinHours, revokeApprovals, message };
  }
  return null;
}

// A clock that was set back makes earlier strikes lie in the future; they were seen all the same.
function isWithin(then: string, at: string, hours: number): boolean {
  return (parseTime(at) ?? 0) - (parseTime(then) ?? 0) <= hours * HOUR_MS;
}
