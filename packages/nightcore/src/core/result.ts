/** What every check returns: a value that has been established, or the one fault that stopped it. Bugs throw instead. */
export type Result<T, F extends Fault> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: F };

/** A fault carries a stable code (`room/what-happened`) and whatever its room needs to explain it. */
export type Fault = { readonly code: string };

/** The established value. */
export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

/** The fault that stopped it. */
export function fail<F extends Fault>(fault: F): { readonly ok: false; readonly fault: F } {
  return { ok: false, fault };
}

/** One sentence about a fault for a person, and what to do next where there is something to do. */
export type Explanation = { readonly message: string; readonly hint?: string };

/** Throws when the program itself is wrong. Callers never catch it; the process edge does, and denies. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`bug: ${what}`);
}

/** The end of an exhaustive switch: reaching it is a bug, and the compiler proves that it cannot be reached. */
export function unreachable(value: never): never {
  throw new Error(`bug: unexpected ${JSON.stringify(value)}`);
}
