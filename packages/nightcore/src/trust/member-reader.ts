import {
  type BudgetName,
  type Budgets,
  type Capability,
  isJsonObject,
  type Json,
  type JsonObject,
  parseCapability,
  quote,
} from "#core";

const TEXT_CHARACTERS_MAX = 4096; // LIMIT: a description, not a document

/** Reads the members of one object, remembers every problem, and refuses what nobody asked for. */
export class MemberReader {
  readonly #object: JsonObject;
  readonly #where: string;
  readonly #seen = new Set<string>();
  readonly #problems: string[] = [];

  constructor(object: JsonObject, where = "") {
    this.#object = object;
    this.#where = where;
  }

  /** Every problem found; members that were never read are among them. */
  finish(): readonly string[] {
    const unknown = Object.keys(this.#object).filter((name) => !this.#seen.has(name));
    return [...this.#problems, ...unknown.map((name) => `${this.#name(name)} is unknown`)];
  }

  adopt(inner: MemberReader): void {
    this.#problems.push(...inner.finish());
  }

  refuse(problem: string): undefined {
    this.#problems.push(problem);
    return undefined;
  }

  literal(name: string, wanted: string): void {
    if (this.#take(name) !== wanted) this.refuse(`${this.#name(name)} is not ${quote(wanted)}`);
  }

  text(name: string): string | undefined {
    const value = this.#take(name);
    if (value === undefined || (typeof value === "string" && value.length <= TEXT_CHARACTERS_MAX)) return value;
    return this.refuse(`${this.#name(name)} is not a text of at most ${TEXT_CHARACTERS_MAX} characters`);
  }

  flag(name: string): boolean | undefined {
    const value = this.#take(name);
    if (value === undefined || typeof value === "boolean") return value;
    return this.refuse(`${this.#name(name)} is neither true nor false`);
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    return choices.find((choice) => choice === value) ?? this.refuse(`${this.#name(name)} is not one of ${choices.join(", ")}`);
  }

  /** A missing object reads as an empty one. */
  object(name: string): MemberReader {
    const value = this.#take(name);
    if (value !== undefined && !isJsonObject(value)) this.refuse(`${this.#name(name)} is not an object`);
    return new MemberReader(isJsonObject(value) ? value : {}, `${this.#where}${name}.`);
  }

  list(name: string): readonly Json[] | undefined {
    const value = this.#take(name);
    if (value === undefined || Array.isArray(value)) return value as readonly Json[] | undefined;
    return this.refuse(`${this.#name(name)} is not a list`);
  }

  capabilities(name: string, required: boolean): readonly Capability[] {
    const list = this.list(name);
    if (list === undefined && required && !(name in this.#object)) this.refuse(`${this.#name(name)} is missing`);
    const found = new Set<Capability>();
    for (const item of list ?? []) {
      const capability = typeof item === "string" ? parseCapability(item) : undefined;
      if (capability === undefined)
        this.refuse(
          `${this.#name(name)} has the unknown permission ${quote(typeof item === "string" ? item : JSON.stringify(item))}`,
        );
      else found.add(capability);
    }
    return [...found];
  }

  /** A whole number from 1 to `most`. */
  whole(name: string, most: number): number | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= most) return value;
    return this.refuse(`${this.#name(name)} is not a whole number from 1 to ${most}`);
  }

  /** A positive whole number, scaled to the unit of the budget. */
  budget(name: string, budget: BudgetName, scale = 1): Partial<Budgets> {
    const value = this.#take(name);
    if (value === undefined) return {};
    if (typeof value === "number" && Number.isSafeInteger(value * scale) && Number.isInteger(value) && value > 0) {
      return { [budget]: value * scale };
    }
    this.refuse(`${this.#name(name)} is not a positive whole number`);
    return {};
  }

  /** A whole number from 0 to `max`. */
  count(name: string, max: number): number | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max) return value;
    return this.refuse(`${this.#name(name)} is not a whole number from 0 to ${max}`);
  }

  #take(name: string): Json | undefined {
    this.#seen.add(name);
    return this.#object[name];
  }

  #name(name: string): string {
    return quote(`${this.#where}${name}`);
  }
}
