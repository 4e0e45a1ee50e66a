import { type Bytes, type Crypto, encodeTime, type Explanation, type JsonObject } from "#core";
import {
  explainEvidenceFault,
  type LogKey,
  parseNote,
  parseReceipt,
  parseTlogProof,
  parseWitnessVkey,
  verifyCosignatures,
  verifyReceipt,
} from "#ledger";
import { checkRunStory } from "./run-story.ts";

/** `absent`: the receipt does not carry what would be checked. `skipped`: an earlier check failed, so this one stands on nothing. */
export type Outcome = "ok" | "failed" | "absent" | "skipped";

/** One check by its name, how it came out, and why, in words. `why` may hold foreign text. */
export type NamedCheck = { readonly name: string; readonly outcome: Outcome; readonly why: string };

/** What the verifier believes before it looks: the log's verifier key, and those of witnesses, from somewhere else than the receipt. */
export type Trust = { readonly logKey: string; readonly witnessKeys?: readonly string[] };

/** A receipt with every check. `verified` when none failed and none was skipped. */
export type Inspection = {
  readonly verified: boolean;
  readonly run: string | undefined;
  readonly checks: readonly NamedCheck[];
  /** The fault of the evidence with its stable code, where there is one. */
  readonly fault: (Explanation & { readonly code: string }) | undefined;
  /** The predicates of the entries, once the log's key is known to have signed them. */
  readonly entries: readonly { readonly index: number; readonly predicateType: string; readonly predicate: JsonObject }[];
};

const STORY = [
  "steps in their order",
  "one module throughout",
  "allowed before it ran",
  "policy digest",
  "approval",
  "within the grant",
];

/**
 * Checks a receipt: first the evidence, in order and up to the first fault, then witnesses, then whether what the entries say
 * fits together. Never throws for anything that a receipt holds.
 */
export function inspectReceipt(receiptBytes: Bytes, { logKey, witnessKeys = [] }: Trust, crypto: Crypto): Inspection {
  const { checks, result } = verifyReceipt(receiptBytes, logKey, crypto);
  const why = result.ok ? "" : explainEvidenceFault(result.fault).message;
  const evidence = checks.map(({ name, outcome }): NamedCheck => ({
    name,
    outcome,
    why: outcome === "failed" ? why : outcome === "ok" ? "" : "not reached",
  }));
  if (!result.ok) {
    const rest = ["witness cosignatures", ...STORY].map((name): NamedCheck => ({ name, outcome: "skipped", why: "not reached" }));
    const fault = { code: result.fault.code, ...explainEvidenceFault(result.fault) };
    return { verified: false, run: undefined, checks: [...evidence, ...rest], fault, entries: [] };
  }
  const { run, entries, checkpoint } = result.value;
  const told = evidence.map((check) =>
    check.name === "checkpoint signature and origin"
      ? { ...check, why: `${checkpoint.origin}, ${checkpoint.size} entries` }
      : check.name === "entries included in the log"
        ? { ...check, why: `at ${entries.map(({ index }) => index).join(", ")}` }
        : check,
  );
  const all = [...told, checkWitnesses(receiptBytes, witnessKeys, crypto), ...checkRunStory(entries)];
  return {
    verified: all.every(({ outcome }) => outcome === "ok" || outcome === "absent"),
    run,
    checks: all,
    fault: undefined,
    entries: entries.map(({ index, statement }) => ({
      index,
      predicateType: statement.predicateType,
      predicate: statement.predicate,
    })),
  };
}

/** Each witness that the verifier names must have cosigned; without named witnesses nothing is known of what others were shown. */
function checkWitnesses(receiptBytes: Bytes, vkeys: readonly string[], crypto: Crypto): NamedCheck {
  const name = "witness cosignatures";
  if (vkeys.length === 0)
    return { name, outcome: "absent", why: "no witness was named, so nothing is known of what others were shown" };
  const witnesses: LogKey[] = [];
  for (const vkey of vkeys) {
    const key = parseWitnessVkey(crypto.sha256, vkey);
    if (!key.ok) return { name, outcome: "failed", why: explainEvidenceFault(key.fault).message };
    witnesses.push(key.value);
  }
  const receipt = parseReceipt(receiptBytes);
  const proof = receipt.ok ? parseTlogProof(receipt.value.entries[0]?.proof ?? "") : receipt;
  const note = proof.ok ? parseNote(proof.value.checkpoint) : proof;
  const found = note.ok ? verifyCosignatures(note.value, witnesses, crypto.verifyEd25519) : note;
  if (!found.ok) return { name, outcome: "failed", why: explainEvidenceFault(found.fault).message };
  const missing = witnesses.filter((witness) => !found.value.some(({ id }) => id === witness.id));
  if (missing.length > 0)
    return { name, outcome: "failed", why: `not cosigned by ${missing.map((witness) => witness.name).join(", ")}` };
  return { name, outcome: "ok", why: found.value.map((one) => `${one.name} at ${encodeTime(one.atSeconds * 1000)}`).join(", ") };
}
