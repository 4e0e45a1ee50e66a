import type { Bytes, Explanation, JsonObject, VerifierCrypto } from "#core";
import { explainEvidenceFault, verifyReceipt } from "#ledger";
import { checkAcknowledgement } from "./acknowledgement.ts";
import { checkMlDsa, ML_DSA_CHECK } from "./ml-dsa.ts";
import { checkRunStory, splitPassages } from "./run-story.ts";

/** `absent`: the receipt does not carry what would be checked. `skipped`: an earlier check failed, so this one stands on nothing. */
export type Outcome = "ok" | "failed" | "absent" | "skipped";

/** One check by its name, how it came out, and why, in words. `why` may hold foreign text. */
export type NamedCheck = { readonly name: string; readonly outcome: Outcome; readonly why: string };

/** What the verifier believes before it looks, from somewhere else than the receipt. */
export type Trust = {
  /** The log's verifier keys, one in a line: Ed25519, and ML-DSA-44 if its checkpoints are signed with both. */
  readonly logKey: string;
  /** Verifier keys of witnesses, each of which must have cosigned. */
  readonly witnessKeys?: readonly string[];
  /** The text of a log policy (C2SP tlog-policy), whose quorum must have cosigned. */
  readonly policy?: string;
};

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
  ML_DSA_CHECK,
  "witness cosignatures",
  "acknowledged as it says",
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
export function inspectReceipt(receiptBytes: Bytes, trust: Trust, crypto: VerifierCrypto): Inspection {
  const { checks, result } = verifyReceipt(receiptBytes, trust.logKey, crypto);
  const why = result.ok ? "" : explainEvidenceFault(result.fault).message;
  const evidence = checks.map(({ name, outcome }): NamedCheck => ({
    name,
    outcome,
    why: outcome === "failed" ? why : outcome === "ok" ? "" : "not reached",
  }));
  if (!result.ok) {
    const rest = STORY.map((name): NamedCheck => ({ name, outcome: "skipped", why: "not reached" }));
    const fault = { code: result.fault.code, ...explainEvidenceFault(result.fault) };
    return { verified: false, run: undefined, checks: [...evidence, ...rest], fault, entries: [] };
  }
  const { run, entries, checkpoint, logKeys } = result.value;
  const told = evidence.map((check) =>
    check.name === "checkpoint signature and origin"
      ? { ...check, why: `${checkpoint.origin}, ${checkpoint.size} entries` }
      : check.name === "entries included in the log"
        ? { ...check, why: `at ${entries.map(({ index }) => index).join(", ")}` }
        : check,
  );
  const steps = splitPassages(entries);
  const witnessed = checkAcknowledgement(receiptBytes, { steps, trust }, crypto);
  const all = [...told, checkMlDsa(receiptBytes, logKeys, crypto), ...witnessed, ...checkRunStory(steps)];
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
