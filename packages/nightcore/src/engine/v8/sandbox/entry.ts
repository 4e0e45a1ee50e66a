import { fail, ok, quote, type Result } from "#core";
import type { EngineFault } from "#ports";
import type { ExportShape, FunctionType, ModuleShape } from "#wasm";

/** What will be called: names of exports in order, and the parameters of the last one. */
export type EntryPlan = {
  readonly initialize: boolean;
  readonly name: string;
  readonly type: FunctionType;
  readonly parameters: readonly (number | bigint)[];
};

const NUMERIC: ReadonlySet<string> = new Set(["i32", "i64", "f32", "f64"]);

/**
 * Finds the entry before anything runs. Without a name it is `_start` of a command, which takes and returns nothing and has no
 * `_initialize` beside it; with a name it is any function of numbers, of a reactor if there is an `_initialize`.
 */
export function planEntry(
  shape: ModuleShape,
  entry: string | undefined,
  numericArgs: readonly string[],
): Result<EntryPlan, EngineFault> {
  const name = entry ?? "_start";
  const found = functionExport(shape, name);
  if (found?.type === undefined) return noEntry(`there is no exported function ${quote(name)}`);
  const initialize = functionExport(shape, "_initialize");
  const { type } = found;
  if (name === "_start") {
    if (initialize !== undefined)
      return noEntry("`_start` and `_initialize` are both exported, and only one of them can be meant");
    if (type.params.length + type.results.length > 0) return noEntry("`_start` must take and return nothing");
  }
  if (initialize?.type !== undefined && initialize.type.params.length + initialize.type.results.length > 0) {
    return noEntry("`_initialize` must take and return nothing");
  }
  if (![...type.params, ...type.results].every((one) => NUMERIC.has(one))) {
    return noEntry(`${quote(name)} takes or returns what is not a number`);
  }
  if (numericArgs.length > type.params.length) {
    return badArgument(`${quote(name)} takes ${type.params.length}, and ${numericArgs.length} were given`);
  }
  const parameters: (number | bigint)[] = [];
  for (const [i, param] of type.params.entries()) {
    const value = parseNumber(param, numericArgs[i] ?? "0");
    if (value === undefined) return badArgument(`${quote(numericArgs[i] ?? "")} is not a decimal ${param}`);
    parameters.push(value);
  }
  return ok({ initialize: initialize !== undefined && name !== "_initialize", name, type, parameters });
}

function functionExport(shape: ModuleShape, name: string): ExportShape | undefined {
  return shape.exports.find((one) => one.kind === "function" && one.name === name);
}

function noEntry(detail: string): Result<never, EngineFault> {
  return fail({ code: "engine/no-entry", detail });
}

function badArgument(detail: string): Result<never, EngineFault> {
  return fail({ code: "engine/bad-argument", detail });
}

const INTEGER = /^-?[0-9]{1,20}$/;
const DECIMAL = /^-?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,4})?$/;

/** A number in decimal for a parameter; integers from the lowest signed to the highest unsigned value of their width. */
export function parseNumber(type: string, text: string): number | bigint | undefined {
  if (type === "f32" || type === "f64") return DECIMAL.test(text) ? Number(text) : undefined;
  if (!INTEGER.test(text)) return undefined;
  const value = BigInt(text);
  const bits = type === "i32" ? 32n : 64n;
  if (value < -(1n << (bits - 1n)) || value >= 1n << bits) return undefined;
  return type === "i32" ? Number(value) : value;
}

/** What an entry returned, each number in decimal; a negative zero keeps its sign. */
export function encodeResults(type: FunctionType, value: unknown): readonly string[] {
  if (type.results.length === 0) return [];
  const values = type.results.length === 1 ? [value] : [...(value as Iterable<unknown>)];
  return values.map((one) => (Object.is(one, -0) ? "-0" : String(one)));
}
