/**
 * What a module may use beyond WebAssembly 1.0, by the names of the proposals that brought it. The order is the order of
 * the bits by which the reader collects them.
 */
export const FEATURES = [
  "mutable-globals",
  "sign-extension",
  "saturating-float-to-int",
  "multi-value",
  "bulk-memory",
  "reference-types",
  "simd",
  "tail-call",
  "extended-const",
  "exceptions",
  "legacy-exceptions",
] as const;
export type Feature = (typeof FEATURES)[number];

/** What is refused by name, because the meter does not know what it costs or what it shares. */
export type UnsupportedFeature =
  | "threads"
  | "memory64"
  | "multi-memory"
  | "gc"
  | "function-references"
  | "relaxed-simd"
  | "custom-page-sizes"
  | "stack-switching"
  | "stringref"
  | "wide-arithmetic"
  | "custom-descriptors";

/** The bit of each feature in a set that is kept as a number. */
export const FEATURE_BIT: Readonly<Record<Feature, number>> = {
  "mutable-globals": 1 << 0,
  "sign-extension": 1 << 1,
  "saturating-float-to-int": 1 << 2,
  "multi-value": 1 << 3,
  "bulk-memory": 1 << 4,
  "reference-types": 1 << 5,
  simd: 1 << 6,
  "tail-call": 1 << 7,
  "extended-const": 1 << 8,
  exceptions: 1 << 9,
  "legacy-exceptions": 1 << 10,
};

/** The names in a set of bits, in the order of {@link FEATURES}. */
export function featureNames(bits: number): readonly Feature[] {
  return FEATURES.filter((feature) => (bits & FEATURE_BIT[feature]) !== 0);
}
