import { encodeBase64, encodeHex } from "./base64.ts";
import { type Bytes, concatBytes, utf8 } from "./bytes.ts";
import type { Sha256 } from "./digest.ts";

/** What a decoy looks like to a guest: a file, a variable, or a variable with the name of a host in it. */
export const CANARY_KINDS = ["file", "environment", "host"] as const;
export type CanaryKind = (typeof CANARY_KINDS)[number];

/** A decoy by its kind and its name: an absolute path under `/home`, or the name of a variable. */
export type CanaryName = { readonly kind: CanaryKind; readonly name: string };
/** A decoy with what it holds: nobody can guess it, so whoever prints it has touched it. */
export type Canary = CanaryName & { readonly value: string };

/** Where decoy files stand, in a mount of their own behind all others. */
export const CANARY_FOLDER = "/home";
const PATH_CHARACTERS_MAX = 200; // LIMIT: with its folders; a decoy is no place to keep things
const VARIABLE_CHARACTERS_MAX = 64; // LIMIT: the same

/** The one spelling of a decoy in policies, entries and messages: `file:/home/app/.ssh/id_ed25519`. */
export function encodeCanaryName({ kind, name }: CanaryName): string {
  return `${kind}:${name}`;
}

/** Reads that spelling; undefined for any other text, and for paths outside of {@link CANARY_FOLDER}. */
export function parseCanaryName(text: string): CanaryName | undefined {
  const colon = text.indexOf(":");
  const kind = CANARY_KINDS.find((known) => known === text.slice(0, colon));
  const name = text.slice(colon + 1);
  if (colon < 0 || kind === undefined) return undefined;
  return (kind === "file" ? isDecoyPath(name) : isVariable(name)) ? { kind, name } : undefined;
}

function isDecoyPath(path: string): boolean {
  const components = path.slice(CANARY_FOLDER.length + 1).split("/");
  const visible = components.every((one) => /^[A-Za-z0-9_.-]+$/.test(one) && one !== "." && one !== "..");
  return path.startsWith(`${CANARY_FOLDER}/`) && path.length <= PATH_CHARACTERS_MAX && visible;
}

function isVariable(name: string): boolean {
  return name.length <= VARIABLE_CHARACTERS_MAX && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}

/**
 * The decoys of one run. What they hold follows from the run's seed, so that a replay plants the same; a guest that draws from
 * that seed cannot work it out from what it draws.
 */
export function makeCanaries(names: readonly CanaryName[], seed: Bytes, sha256: Sha256): readonly Canary[] {
  return names.map(({ kind, name }) => {
    const token = encodeHex(sha256(concatBytes([utf8(`nightcore-canary/v1\0${kind}:${name}\0`), seed])));
    return { kind, name, value: kind === "host" ? `${token.slice(0, 24)}.internal` : token.slice(0, 40) };
  });
}

/**
 * What stands for a decoy's value in bytes that a guest hands out: itself, in hexadecimal, or in base64 at any of its three
 * alignments. LIMIT: a guest that scrambles it in another way is not seen.
 */
export function canaryNeedles({ value }: Pick<Canary, "value">): readonly Bytes[] {
  const bytes = utf8(value);
  const inBase64 = [0, 1, 2].map((before) => {
    const text = encodeBase64(concatBytes([new Uint8Array(before), bytes]));
    // Only the digits that nothing before or behind the value has a part in.
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
  return [bytes, utf8(encodeHex(bytes)), ...inBase64.map(utf8)];
}
