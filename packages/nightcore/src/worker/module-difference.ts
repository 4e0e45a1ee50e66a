import { type Bytes, type Crypto, type Digest, digestOf, type Result } from "#core";
import { digestFunctions, type FunctionDigest, type ModuleShape, parseModule, type WasmFault } from "#wasm";

/** What a person compares of a module. */
export type ModuleProfile = {
  readonly sizeBytes: number;
  readonly imports: readonly string[];
  readonly exports: readonly string[];
  readonly functions: readonly FunctionDigest[];
  /** Digests of the sections that are no code: data, elements, globals and so on, by name. */
  readonly sections: ReadonlyMap<string, Digest>;
};

const COMPARED_SECTIONS: ReadonlyMap<number, string> = new Map([
  [4, "tables"],
  [5, "memories"],
  [6, "globals"],
  [8, "start"],
  [9, "elements"],
  [11, "data"],
]);

/** Profiles a module from its bytes alone; a fault says why there is nothing to compare. */
export function profileModule(bytes: Bytes, { sha256 }: Pick<Crypto, "sha256">): Result<ModuleProfile, WasmFault> {
  const parsed = parseModule(bytes);
  if (!parsed.ok) return parsed;
  const functions = digestFunctions(bytes, sha256);
  if (!functions.ok) return functions;
  const shape = parsed.value;
  const sections = shape.sections.flatMap(({ id, offset, sizeBytes }): readonly (readonly [string, Digest])[] => {
    const name = COMPARED_SECTIONS.get(id);
    return name === undefined ? [] : [[name, digestOf(sha256, bytes.subarray(offset, offset + sizeBytes))]];
  });
  return {
    ok: true,
    value: {
      sizeBytes: bytes.length,
      imports: shape.imports.map(nameImport).toSorted(),
      exports: shape.exports.map(({ kind, name }) => `${kind} ${name}`).toSorted(),
      functions: functions.value,
      sections: new Map(sections),
    },
  };
}

// With its type: an import of the same name that takes something else is another one.
function nameImport({ module, name, kind, type }: ModuleShape["imports"][number]): string {
  const takes = type === undefined ? kind : `(${type.params.join(", ")}) -> (${type.results.join(", ")})`;
  return `${module}.${name} ${takes}`;
}

/** What came, what went. */
export type Change = { readonly added: readonly string[]; readonly removed: readonly string[] };

/** How two modules differ. Functions are named by an export where they have one, else by their place. */
export type ModuleDifference = {
  readonly imports: Change;
  readonly exports: Change;
  readonly functions: Change & { readonly changed: readonly string[]; readonly unchanged: number };
  readonly sections: readonly string[];
  readonly sizeBytes: readonly [before: number, after: number];
};

/** Compares two profiles. A function is the same when its code and its export
 * names are; changed when one of its export names or its place is. */
export function compareModules(before: ModuleProfile, after: ModuleProfile): ModuleDifference {
  const { left, rest, unchanged } = dropSame(before.functions, after.functions);
  const changed: string[] = [];
  const added: string[] = [];
  const byName = new Map(left.flatMap((one) => namesOf(one).map((name) => [name, one] as const)));
  const gone = new Set(left);
  for (const one of rest) {
    const same = namesOf(one)
      .map((name) => byName.get(name))
      .find((old) => old !== undefined && gone.has(old));
    if (same !== undefined) gone.delete(same);
    (same === undefined ? added : changed).push(labelOf(one));
  }
  const names = new Set([...before.sections.keys(), ...after.sections.keys()]);
  return {
    imports: compareNames(before.imports, after.imports),
    exports: compareNames(before.exports, after.exports),
    functions: { added, changed, removed: [...gone].map(labelOf), unchanged },
    sections: [...names].filter((name) => before.sections.get(name) !== after.sections.get(name)).toSorted(),
    sizeBytes: [before.sizeBytes, after.sizeBytes],
  };
}

// Equal code that occurs twice is matched twice, and a third time it is new.
function dropSame(before: readonly FunctionDigest[], after: readonly FunctionDigest[]) {
  const keyOf = ({ digest, exportedAs }: FunctionDigest) => JSON.stringify([digest, ...exportedAs.toSorted()]);
  const open = Map.groupBy(before, keyOf);
  const rest = after.filter((one) => open.get(keyOf(one))?.shift() === undefined);
  return { left: [...open.values()].flat(), rest, unchanged: after.length - rest.length };
}

function namesOf({ index, exportedAs }: FunctionDigest): readonly string[] {
  return [...exportedAs.map((name) => `export ${name}`), `place ${index}`];
}

function labelOf({ index, exportedAs }: FunctionDigest): string {
  return exportedAs[0] ?? `#${index}`;
}

function compareNames(before: readonly string[], after: readonly string[]): Change {
  const [old, now] = [new Set(before), new Set(after)];
  return { added: after.filter((name) => !old.has(name)), removed: before.filter((name) => !now.has(name)) };
}
