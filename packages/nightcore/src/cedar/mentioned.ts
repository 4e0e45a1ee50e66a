/** The attributes that a set of policies speaks of: all that has to be given to Cedar, which reads every value it is given. */
export class Mentioned {
  readonly #names: ReadonlySet<string> | undefined;
  readonly #types: ReadonlySet<string> | undefined;

  /** The words, and those of them that may begin the name of one entity. Undefined: any of them. */
  constructor(names: ReadonlySet<string> | undefined, types: ReadonlySet<string> | undefined) {
    this.#names = names;
    this.#types = types;
  }

  /** Whether the policies may tell one entity of this type from another: nothing does but its name, `Type::"id"`. */
  tells(type: string): boolean {
    return this.#types?.has(type) !== false;
  }

  /** Whether the policies may speak of it. */
  has(name: string): boolean {
    return this.#names?.has(name) !== false;
  }

  /** The members whose names are spoken of. */
  pick<T>(members: Readonly<Record<string, T>>): Record<string, T> {
    const names = this.#names;
    return names === undefined ? { ...members } : Object.fromEntries(Object.entries(members).filter(([name]) => names.has(name)));
  }
}

/**
 * Reads every word of the policies. An attribute can be reached by its name only, so that a name that stands nowhere is never
 * asked for; a word that is no attribute costs one value too many, and nothing else.
 */
export function readMentioned(texts: readonly string[]): Mentioned {
  // `context["sou\u{72}ce"]` names an attribute too.
  if (texts.some((text) => text.includes("\\"))) return new Mentioned(undefined, undefined);
  const wordsOf = (all: readonly string[]) => new Set(all.flatMap((text) => text.match(/\w+/g) ?? []));
  // `resource is Module` names no module.
  return new Mentioned(wordsOf(texts), wordsOf(texts.map((text) => text.replaceAll(/\bis\s+\w+/g, ""))));
}
