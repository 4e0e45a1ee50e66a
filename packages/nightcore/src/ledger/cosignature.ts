import { type Bytes, concatBytes, fail, ok, type Result, type SignEd25519, utf8, type VerifyEd25519 } from "#core";
import type { NoteSignature } from "./note.ts";
import type { Note } from "./note.ts";
import type { LogKey } from "./vkey.ts";

/** A witness's word that it saw this checkpoint at that time, consistent with everything it had seen of the log before. */
export type Cosignature = { readonly name: string; readonly id: string; readonly atSeconds: number };

export type CosignatureFault = { readonly code: "ledger/cosignature-bad"; readonly name: string };

const TIMESTAMP_BYTES = 8;
const SIGNATURE_BYTES = 64;

/** What a witness signs: `cosignature/v1`, the time, and the whole text of the checkpoint (tlog-cosignature, "Format"). */
export function encodeCosignedText(checkpointText: string, atSeconds: number): Bytes {
  return utf8(`cosignature/v1\ntime ${atSeconds}\n${checkpointText}`);
}

/** A cosignature as a line of the note: the key id, then `u64 big-endian timestamp | signature`. */
export function signCosignature(
  checkpointText: string,
  { key, atSeconds }: { readonly key: LogKey; readonly atSeconds: number },
  sign: SignEd25519,
): NoteSignature {
  const timestamp = new Uint8Array(TIMESTAMP_BYTES);
  new DataView(timestamp.buffer).setBigUint64(0, BigInt(atSeconds));
  const signature = sign(encodeCosignedText(checkpointText, atSeconds));
  return { name: key.name, keyId: key.id, signature: concatBytes([timestamp, signature]) };
}

/**
 * The cosignatures of known witnesses on a note, one at most for each. Lines of others are passed over; one bad line of a known
 * witness refuses the note (signed-note, "Signatures"), and so does a time of zero, which only a log's own signature has.
 */
export function verifyCosignatures(
  note: Note,
  witnesses: readonly LogKey[],
  verifyEd25519: VerifyEd25519,
): Result<readonly Cosignature[], CosignatureFault> {
  const found = new Map<string, Cosignature>();
  for (const { name, keyId, signature } of note.signatures) {
    const witness = witnesses.find((key) => key.name === name && key.id === keyId);
    if (witness === undefined) continue;
    const bad = fail({ code: "ledger/cosignature-bad", name } as const);
    if (signature.length !== TIMESTAMP_BYTES + SIGNATURE_BYTES) return bad;
    const time = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
    if (time === 0n || time > BigInt(Number.MAX_SAFE_INTEGER)) return bad;
    const signed = encodeCosignedText(note.text, Number(time));
    if (!verifyEd25519(witness.publicKey, signed, signature.subarray(TIMESTAMP_BYTES))) return bad;
    found.set(witness.id, { name, id: witness.id, atSeconds: Number(time) });
  }
  return ok([...found.values()]);
}
