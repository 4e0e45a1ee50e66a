import { type BodyShape, slotsOf } from "#wasm";

// One i64 holds both budgets of a run: the fuel left in the upper bits, and the stack used in the lower ones.
//
//     63    62 … 16     15         14 … 0
//     sign  fuel left   overflow   stack used, in units, from STACK_UNITS_FIRST on
//
// Below zero, the fuel is used up. With the overflow bit, the stack is. A frame is counted in and out by one addition, which
// the compiler joins with that of a charge.

/** The bits below the fuel. */
export const STACK_BITS = 16;

const OVERFLOW_BIT = 1 << 15;

const UNIT_BYTES = 32;

const STACK_BYTES = 800_000; // LIMIT: of the 984 KB that V8 has; docs/decisions/0010-fuel-and-stack-in-one-number.md

const STACK_UNITS_FIRST = OVERFLOW_BIT - Math.floor(STACK_BYTES / UNIT_BYTES);

const FUEL_MAX = 2 ** 47 - 1; // LIMIT: what the upper bits hold; more than a day of V8 at full speed

/** What a charge of so much fuel takes from the budget. */
export function fuelAmount(fuel: number): number {
  return fuel * 2 ** STACK_BITS;
}

/** The bits of the budget that are never set while anything is left. */
export const USED_UP_MASK: bigint = BigInt.asIntN(64, (1n << 63n) | BigInt(OVERFLOW_BIT));

/** The bits that say how much of the stack is used. */
export const STACK_MASK: number = 2 ** STACK_BITS - 1;

/** The budget of a run that has not begun. */
export function encodeBudget(fuel: number): bigint {
  return (BigInt(Math.min(fuel, FUEL_MAX)) << BigInt(STACK_BITS)) + BigInt(STACK_UNITS_FIRST);
}

/** What a budget says after a run: the fuel used, of what {@link encodeBudget} was given, and whether fuel or stack was used up. */
export function decodeBudget(
  budget: bigint,
  fuel: number,
): { readonly fuelUsed: number; readonly end: "fuel" | "stack" | undefined } {
  if (budget < 0n) return { fuelUsed: fuel, end: "fuel" };
  const fuelUsed = Math.min(fuel, FUEL_MAX) - Number(budget >> BigInt(STACK_BITS));
  return { fuelUsed, end: (budget & BigInt(OVERFLOW_BIT)) === 0n ? undefined : "stack" };
}

/** Frames up to this of functions that call nothing are not counted: there is one of them at a time. */
export const FRAME_UNITS_FREE = 32;

const FRAME_BYTES_MIN = 48; // return address, frame pointer, instance, and what the compiler saves
const SLOT_BYTES = 8;
const OWN_SLOTS = 1; // the meter's local

/** A frame as V8's compilers lay it out at the most, in units; one that would fill the stack alone is cut to that. */
export function frameUnitsOf(body: BodyShape, operands: { readonly max: number; readonly vectors: boolean }): number {
  const argumentSlots = slotsOf(body.type.params); // where the caller puts them, beside the locals that they become
  const operandSlots = operands.vectors ? 2 * operands.max : operands.max;
  const bytes = FRAME_BYTES_MIN + SLOT_BYTES * (body.localSlots + OWN_SLOTS + argumentSlots + operandSlots);
  return Math.min(Math.ceil(bytes / UNIT_BYTES), OVERFLOW_BIT - 1);
}
