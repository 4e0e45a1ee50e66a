import type { FeatureSink, FunctionType } from "./value-type.ts";
import type { DataShape, ExportShape, GlobalShape, ImportShape, MemoryShape, SectionShape, TableShape } from "./shape.ts";

/** What has been read of a module so far. */
export type ModuleDraft = FeatureSink & {
  readonly types: FunctionType[];
  readonly imports: ImportShape[];
  readonly exports: ExportShape[];
  readonly memories: MemoryShape[];
  readonly tables: TableShape[];
  readonly globals: GlobalShape[];
  readonly data: DataShape[];
  readonly sections: SectionShape[];
  /** Type indices of the functions, imported ones first; `functionCount` of them are in use. */
  functionTypes: Uint32Array;
  functionCount: number;
  importedFunctionCount: number;
  tagCount: number;
  startFunction: number | undefined;
  elementCount: number;
  /** From the data count section; -1 without one. */
  dataCount: number;
};

/** The draft before the first section. */
export function emptyDraft(): ModuleDraft {
  return {
    features: 0,
    types: [],
    imports: [],
    exports: [],
    memories: [],
    tables: [],
    globals: [],
    data: [],
    sections: [],
    functionTypes: new Uint32Array(64),
    functionCount: 0,
    importedFunctionCount: 0,
    tagCount: 0,
    startFunction: undefined,
    elementCount: 0,
    dataCount: -1,
  };
}

/** Appends a function to the index space by its type, which the caller has checked. */
export function addFunction(draft: ModuleDraft, typeIndex: number): void {
  if (draft.functionCount === draft.functionTypes.length) {
    const grown = new Uint32Array(draft.functionTypes.length * 2);
    grown.set(draft.functionTypes);
    draft.functionTypes = grown;
  }
  draft.functionTypes[draft.functionCount++] = typeIndex;
}

/** INVARIANT: callers have checked `functionIndex` against `functionCount`. */
export function typeOfFunction(draft: ModuleDraft, functionIndex: number): FunctionType {
  return draft.types[draft.functionTypes[functionIndex] as number] as FunctionType;
}
