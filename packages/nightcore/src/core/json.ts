import { type Bytes, parseUtf8 } from "./bytes.ts";
import { fail, ok, type Result } from "./result.ts";

/** A parsed JSON document. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
/** A JSON object; one from {@link parseJson} has no prototype. */
export type JsonObject = { readonly [key: string]: Json };

export type JsonFault =
  | { readonly code: "core/json-too-large"; readonly bytes: number; readonly bytesMax: number }
  | { readonly code: "core/not-utf8" }
  | { readonly code: "core/json-syntax"; readonly offset: number; readonly what: string }
  | { readonly code: "core/json-too-deep"; readonly offset: number }
  | { readonly code: "core/json-duplicate-key"; readonly key: string }
  | { readonly code: "core/json-forbidden-key"; readonly key: string };

const DEPTH_MAX = 32; // LIMIT: no document of ours nests deeper than 8; the reader recurses
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/**
 * Parses RFC 8259 JSON from bytes and refuses what two readers could read differently: duplicate keys, keys that reach a
 * prototype, malformed UTF-8, a byte order mark, more than `bytesMax` bytes, nesting over 32. Objects have no prototype.
 */
export function parseJson(bytes: Bytes, bytesMax: number): Result<Json, JsonFault> {
  if (bytes.length > bytesMax) return fail({ code: "core/json-too-large", bytes: bytes.length, bytesMax });
  const text = parseUtf8(bytes);
  if (!text.ok) return text;
  const reader = new JsonReader(text.value);
  try {
    return ok(reader.readDocument());
  } catch (error) {
    if (error instanceof JsonSyntaxError) return fail(error.fault);
    throw error;
  }
}

class JsonSyntaxError extends Error {
  readonly fault: JsonFault;
  constructor(fault: JsonFault) {
    super(fault.code);
    this.fault = fault;
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SPACE = /[ \t\n\r]*/y;

class JsonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  readDocument(): Json {
    const value = this.#readValue(0);
    this.#skipSpace();
    if (this.#at !== this.#text.length) this.#refuse("something follows the document");
    return value;
  }

  #readValue(depth: number): Json {
    if (depth > DEPTH_MAX) throw new JsonSyntaxError({ code: "core/json-too-deep", offset: this.#at });
    this.#skipSpace();
    const c = this.#text[this.#at];
    if (c === "{") return this.#readObject(depth);
    if (c === "[") return this.#readArray(depth);
    if (c === '"') return this.#readString();
    for (const [word, value] of [
      ["true", true],
      ["false", false],
      ["null", null],
    ] as const) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    return Number(this.#match(NUMBER, "a value"));
  }

  #readObject(depth: number): JsonObject {
    const object: Record<string, Json> = Object.create(null) as Record<string, Json>;
    this.#at++;
    this.#skipSpace();
    if (this.#take("}")) return object;
    do {
      this.#skipSpace();
      const key = this.#readString();
      if (FORBIDDEN_KEYS.has(key)) throw new JsonSyntaxError({ code: "core/json-forbidden-key", key });
      if (key in object) throw new JsonSyntaxError({ code: "core/json-duplicate-key", key });
      this.#skipSpace();
      if (!this.#take(":")) this.#refuse("a colon is missing");
      object[key] = this.#readValue(depth + 1);
      this.#skipSpace();
    } while (this.#take(","));
    if (!this.#take("}")) this.#refuse("a comma or `}` is missing");
    return object;
  }

  #readArray(depth: number): readonly Json[] {
    const items: Json[] = [];
    this.#at++;
    this.#skipSpace();
    if (this.#take("]")) return items;
    do {
      items.push(this.#readValue(depth + 1));
      this.#skipSpace();
    } while (this.#take(","));
    if (!this.#take("]")) this.#refuse("a comma or `]` is missing");
    return items;
  }

  #readString(): string {
    return JSON.parse(this.#match(STRING, "a string")) as string;
  }

  #match(pattern: RegExp, what: string): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return this.#refuse(`${what} is missing or malformed`);
    this.#at = pattern.lastIndex;
    return found[0];
  }

  #skipSpace(): void {
    SPACE.lastIndex = this.#at;
    SPACE.exec(this.#text);
    this.#at = SPACE.lastIndex;
  }

  #take(c: string): boolean {
    if (this.#text[this.#at] !== c) return false;
    this.#at++;
    return true;
  }

  #refuse(what: string): never {
    throw new JsonSyntaxError({ code: "core/json-syntax", offset: this.#at, what });
  }
}

/** Tells an object from a list, null and the rest. */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
