import type { Feature } from "./feature.ts";
import type { FunctionType, ReferenceType, ValueType } from "./value-type.ts";

/** What can be imported and exported (5.5.5, 5.5.10). */
export type ExternalKind = "function" | "table" | "memory" | "global" | "tag";

/** What a module asks of its host (5.5.5). `type` is there for functions and tags. */
export type ImportShape = {
  readonly module: string;
  readonly name: string;
  readonly kind: ExternalKind;
  readonly type: FunctionType | undefined;
};

/** What a module offers (5.5.10). `type` is there for functions. */
export type ExportShape = {
  readonly name: string;
  readonly kind: ExternalKind;
  readonly index: number;
  readonly type: FunctionType | undefined;
};

/** Sizes in pages of 64 KiB. */
export type MemoryShape = { readonly pagesMin: number; readonly pagesMax: number | undefined; readonly imported: boolean };

/** Sizes in entries. */
export type TableShape = {
  readonly element: ReferenceType;
  readonly entriesMin: number;
  readonly entriesMax: number | undefined;
  readonly imported: boolean;
};

/** A global variable (5.3.14). */
export type GlobalShape = { readonly type: ValueType; readonly mutable: boolean; readonly imported: boolean };

/**
 * Bytes that instantiation writes to the memory (5.5.14): an active segment. `offset` is undefined where it is computed from more
 * than one constant.
 */
export type DataShape = { readonly offset: number | undefined; readonly sizeBytes: number };

/**
 * A section as it lies in the file: `offset` is that of its contents, after id and size. For the sections that are vectors,
 * `count` is the number of items and `itemsOffset` where the first of them begins.
 */
export type SectionShape = {
  readonly id: number;
  readonly name: string;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly count: number;
  readonly itemsOffset: number;
};

/** What a module is, as far as its bytes say. Counts and indices include what is imported. */
export type ModuleShape = {
  readonly sizeBytes: number;
  readonly types: readonly FunctionType[];
  readonly imports: readonly ImportShape[];
  readonly exports: readonly ExportShape[];
  readonly memories: readonly MemoryShape[];
  readonly tables: readonly TableShape[];
  readonly globals: readonly GlobalShape[];
  readonly data: readonly DataShape[];
  readonly functionCount: number;
  readonly importedFunctionCount: number;
  readonly startFunction: number | undefined;
  readonly sections: readonly SectionShape[];
  readonly features: readonly Feature[];
};
