/** What a block holds back: some bytes, all that a key signed, a tenant, modules with these imports, or everything. */
export const BLOCK_KINDS = ["digest", "signer", "tenant", "imports", "everything"] as const;
export type BlockKind = (typeof BLOCK_KINDS)[number];

/** Who put a block: a person, what was observed of runs, a decoy that was touched, a recall, the kill switch, or v39's log. */
export const BLOCK_CAUSES = ["operator", "containment", "canary", "recall", "kill-switch", "v39"] as const;
export type BlockCause = (typeof BLOCK_CAUSES)[number];

/** What is held back, in its one spelling: a digest, a key id, a tenant's name, {@link encodeImportSet}, or nothing. */
export type BlockTarget = { readonly kind: BlockKind; readonly target: string };

/** A block in force. Its id is the index of its entry in the log and the place in that entry: `17.0`. */
export type Block = BlockTarget & {
  readonly id: string;
  readonly reason: string;
  readonly cause: BlockCause;
  readonly at: string;
};

const IMPORT_NAMES_MAX = 64; // LIMIT: of one set; a person wrote them
const IMPORT_CHARACTERS_MAX = 200; // LIMIT: of one name; WASI's have 20

/** The one spelling of a set of imports, each `module.name`: sorted, without repetition. Undefined for none, or too many. */
export function encodeImportSet(names: readonly string[]): string | undefined {
  const sorted = [...new Set(names)].toSorted();
  const sound = sorted.every((name) => name.length <= IMPORT_CHARACTERS_MAX && /^[^.]*\../s.test(name));
  return sound && sorted.length > 0 && sorted.length <= IMPORT_NAMES_MAX ? JSON.stringify(sorted) : undefined;
}

/** The names in a set of imports; undefined for any text that {@link encodeImportSet} does not make. */
export function parseImportSet(text: string): readonly string[] | undefined {
  try {
    const names: unknown = JSON.parse(text);
    if (!Array.isArray(names) || !names.every((name) => typeof name === "string")) return undefined;
    return encodeImportSet(names) === text ? names : undefined;
  } catch {
    return undefined;
  }
}
