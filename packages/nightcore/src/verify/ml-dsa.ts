import type { Bytes, VerifierCrypto } from "#core";
import { explainEvidenceFault, type LogKeys, parseNote, parseReceipt, parseTlogProof, verifyMlDsaCheckpoint } from "#ledger";
import type { NamedCheck } from "./inspection.ts";

/** Its name among the checks. */
export const ML_DSA_CHECK = "ML-DSA-44 checkpoint signature";

/**
 * The second signature of the checkpoint, by the key that the verifier names. One that nobody named a key for is not checked, and
 * that is said.
 */
export function checkMlDsa(receiptBytes: Bytes, { ed25519, mlDsa44 }: LogKeys, { verifyMlDsa44 }: VerifierCrypto): NamedCheck {
  const name = ML_DSA_CHECK;
  const receipt = parseReceipt(receiptBytes);
  const proof = receipt.ok ? parseTlogProof(receipt.value.entries[0]?.proof ?? "") : receipt;
  if (!proof.ok) return { name, outcome: "failed", why: explainEvidenceFault(proof.fault).message };
  const { checkpoint } = proof.value;
  if (mlDsa44 === undefined) {
    const note = parseNote(checkpoint);
    const more = note.ok && note.value.signatures.some((line) => line.name === ed25519.name && line.keyId !== ed25519.id);
    const why = `no such key was named${more ? "; the log has signed with another key, and that was not checked" : ""}`;
    return { name, outcome: "absent", why };
  }
  const verified = verifyMlDsaCheckpoint(checkpoint, mlDsa44, verifyMlDsa44);
  return verified.ok
    ? { name, outcome: "ok", why: `by the key ${mlDsa44.id}` }
    : { name, outcome: "failed", why: explainEvidenceFault(verified.fault).message };
}
