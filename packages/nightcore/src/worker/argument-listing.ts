import { type Bytes, type Digest, digestOf, isJsonObject, type Json, parseJson, type Sha256, utf8 } from "#core";
import type { EngineJob } from "#ports";
import type { IntentEvent } from "#state";
import type { FindBytes } from "./mount-listing.ts";

const INLINE_BYTES_MAX = 8 * 1024; // LIMIT: with base64 and the rest of the intent well below an entry's 65,535 bytes
const LISTING_BYTES_MAX = 16 * 1024 * 1024; // LIMIT: what is read back; a command line has 2 MiB, each byte escaped

/** What a guest is called with, as the intent has it: in full, or as the digest of a listing. */
export type ListedArguments = {
  readonly said: Pick<IntentEvent, "numericArgs" | "argv" | "env" | "arguments">;
  /** The bytes to keep as a blob; undefined where the intent has all of it. */
  readonly listing: { readonly digest: Digest; readonly bytes: Bytes } | undefined;
};

type Called = Pick<EngineJob, "numericArgs" | "argv" | "env">;

/**
 * Arguments and variables stand in the intent. Those that would not fit into an entry are a blob, and the intent names its
 * digest: the bytes of a JSON object with the three lists (docs/formats/events.md).
 */
export function listArguments({ numericArgs, argv, env }: Called, sha256: Sha256): ListedArguments {
  const bytes = utf8(JSON.stringify({ numericArgs, argv, env }));
  if (bytes.length <= INLINE_BYTES_MAX) return { said: { numericArgs, argv, env }, listing: undefined };
  const digest = digestOf(sha256, bytes);
  const said = { numericArgs: null, argv: null, env: null, arguments: { digest, bytes: bytes.length } };
  return { said, listing: { digest, bytes } };
}

/** What a guest was called with, from its intent or the blob that it names; undefined when `find` has not found that. */
export function rebuildArguments(intent: IntentEvent, find: FindBytes): Called | undefined {
  const { numericArgs, argv, env } = intent;
  if (numericArgs !== null && argv !== null && env !== null) return { numericArgs, argv, env };
  const bytes = intent.arguments === undefined ? undefined : find(intent.arguments.digest, "the arguments");
  const json = bytes === undefined ? undefined : parseJson(bytes, LISTING_BYTES_MAX);
  if (json?.ok !== true || !isJsonObject(json.value)) return undefined;
  const listed = json.value;
  if (!isTexts(listed["numericArgs"]) || !isTexts(listed["argv"]) || !isTexts(listed["env"])) return undefined;
  return { numericArgs: listed["numericArgs"], argv: listed["argv"], env: listed["env"] };
}

function isTexts(value: Json | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
