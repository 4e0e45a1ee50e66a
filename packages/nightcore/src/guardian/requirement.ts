import { isJsonObject, type Json } from "#core";
import { type MemberReader, parseRole, type Role } from "#trust";

const PERSONS_MAX = 16; // LIMIT: of all roles together; who waits for more than that waits for ever

/** So many different persons in this role. */
export type Requirement = { readonly role: Role; readonly count: number };

/** Reads a list of requirements, all of which have to be met together; undefined where it is not stated. */
export function readRequirements(members: MemberReader, name: string, label: string): readonly Requirement[] | undefined {
  const list = members.list(name);
  if (list === undefined) return undefined;
  const found = list.map(readRequirement).filter((one) => one !== undefined);
  const persons = found.reduce((sum, { count }) => sum + count, 0);
  const distinct = new Set(found.map(({ role }) => role)).size === found.length;
  if (found.length === list.length && found.length > 0 && distinct && persons <= PERSONS_MAX) return found;
  return members.refuse(`${label} is not a list of {role, count}, each role once and at most ${PERSONS_MAX} persons together`);
}

function readRequirement(value: Json): Requirement | undefined {
  if (!isJsonObject(value) || Object.keys(value).some((name) => name !== "role" && name !== "count")) return undefined;
  const { count = 1 } = value;
  const role = typeof value["role"] === "string" ? parseRole(value["role"]) : undefined;
  // A signer signs; what it signs, others approve.
  if (role === undefined || role === "signer") return undefined;
  return typeof count === "number" && Number.isInteger(count) && count > 0 ? { role, count } : undefined;
}

/**
 * How many places of each requirement are filled when every person takes one at the most. `persons`: the roles of each. A
 * matching, not a first fit: who is in two roles gives way to who is in only one of them.
 */
export function fillRequirements(
  persons: readonly (readonly string[])[],
  require: readonly Requirement[],
): readonly (Requirement & { readonly filled: number })[] {
  if (persons.length === 0) return require.map((one) => ({ ...one, filled: 0 })); // as for everything that nobody need approve
  const places = require.flatMap(({ role, count }) => Array.from({ length: count }, () => role));
  const takenBy = new Map<number, number>();
  const seat = (person: number, tried: Set<number>): boolean =>
    places.some((role, place) => {
      if (tried.has(place) || persons[person]?.includes(role) !== true) return false;
      tried.add(place);
      const sitting = takenBy.get(place);
      if (sitting !== undefined && !seat(sitting, tried)) return false;
      takenBy.set(place, person);
      return true;
    });
  persons.forEach((_, person) => seat(person, new Set()));
  const taken = places.filter((_, place) => takenBy.has(place));
  return require.map((one) => ({ ...one, filled: taken.filter((role) => role === one.role).length }));
}
