import { parseEnvelope, PAYLOAD_TYPE, verifyEnvelope } from "#attest";
import { type Bytes, type Crypto, encodeBase64, equalBytes, fail, type KeyId, ok, type Result, utf8 } from "#core";
import { APPROVAL_BYTES_MAX, type ApprovalFault } from "#guardian";
import { personOf, type TrustStore } from "#trust";

/** What a person signed, and who that is by the trust store. */
export type SignedStatement<Statement> = { readonly statement: Statement; readonly person: string };

/**
 * Opens an envelope in its one encoding (a single signature under the key that the statement names), so that nobody makes a
 * second consent out of one by writing it differently. `parse` reads what is signed, as strictly.
 */
export function openSigned<Statement extends { readonly keyId: KeyId }>(
  envelope: Bytes,
  parse: (payload: Bytes) => Result<Statement, ApprovalFault>,
  { store, crypto }: { readonly store: TrustStore; readonly crypto: Crypto },
): Result<SignedStatement<Statement>, ApprovalFault> {
  const malformed = (what: string) => fail({ code: "guardian/approval-malformed", what } as const);
  if (envelope.length > 2 * APPROVAL_BYTES_MAX) return malformed("its envelope is too large");
  const parsed = parseEnvelope(envelope);
  if (!parsed.ok) return malformed("it is not a DSSE envelope");
  const { payload, signatures } = parsed.value;
  const statement = parse(payload);
  if (!statement.ok) return statement;
  const { keyId } = statement.value;
  const [signature] = signatures;
  if (signature === undefined || !equalBytes(encodeEnvelope(payload, keyId, signature.sig), envelope))
    return malformed("its envelope is not in its one encoding");
  const key = store.keyOf(keyId);
  if (key === undefined) return fail({ code: "guardian/approver-unknown", keyId });
  const verified = verifyEnvelope(parsed.value, key.publicKey, crypto.verifyEd25519);
  if (!verified.ok) return fail({ code: "guardian/approval-forged", keyId });
  return ok({ statement: statement.value, person: personOf(key) });
}

/** The one encoding of an envelope, as `sealEnvelope` writes it. */
function encodeEnvelope(payload: Bytes, keyid: string, sig: Bytes): Uint8Array {
  const signatures = [{ keyid, sig: encodeBase64(sig) }];
  return utf8(JSON.stringify({ payload: encodeBase64(payload), payloadType: PAYLOAD_TYPE, signatures }));
}
