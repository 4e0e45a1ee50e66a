import { fail, ok, type Result, type Sha256 } from "#core";
import { encodeMlDsaVkey, encodeVkey, type LogKey, ML_DSA_44, parseMlDsaVkey, parseVkey, type VkeyFault } from "./vkey.ts";

/** The keys of one log: Ed25519 for entries and checkpoints, and ML-DSA-44 where its checkpoints are signed with both. */
export type LogKeys = { readonly ed25519: LogKey; readonly mlDsa44: LogKey | undefined };

/** One verifier key in a line, Ed25519 first. */
export function encodeLogKeys({ ed25519, mlDsa44 }: LogKeys): string {
  return [encodeVkey(ed25519), ...(mlDsa44 === undefined ? [] : [encodeMlDsaVkey(mlDsa44)])].join("\n");
}

/**
 * Reads the verifier keys of one log, one in a line: its Ed25519 key, and its ML-DSA-44 key if it has one. Refuses two of a kind
 * and two names, so that what is believed about a log is never a choice.
 */
export function parseLogKeys(sha256: Sha256, text: string): Result<LogKeys, VkeyFault> {
  let ed25519: LogKey | undefined;
  let mlDsa44: LogKey | undefined;
  const malformed = (what: string) => fail({ code: "ledger/vkey-malformed", what } as const);
  for (const line of linesOf(text)) {
    const second = parseMlDsaVkey(sha256, line);
    const key = second.ok ? second : parseVkey(sha256, line);
    if (!key.ok) return fail(second.ok || !isOfSecondType(key.fault) ? key.fault : second.fault);
    if ((second.ok ? mlDsa44 : ed25519) !== undefined) return malformed("there are two keys of one type");
    if (second.ok) mlDsa44 = key.value;
    else ed25519 = key.value;
  }
  if (ed25519 === undefined) return malformed("there is no Ed25519 key");
  if (mlDsa44 !== undefined && mlDsa44.name !== ed25519.name) return malformed("the two keys have different names");
  return ok({ ed25519, mlDsa44 });
}

/** A second key that is spoiled is named as that, and not as a first key of an unknown type. */
function isOfSecondType(fault: VkeyFault): boolean {
  return fault.code === "ledger/vkey-type-unknown" && fault.type === ML_DSA_44;
}

function linesOf(text: string): readonly string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
