/**
 * Signed statements: DSSE envelopes around in-toto statements, the one form in which anything is attested here, by the
 * maintainer of a module and by the log alike.
 *
 * This room decides whether an envelope is signed by a given key, and nothing about that key. It must never hand out a
 * payload other than the bytes that were verified, or look at `keyid`. Signing and verification are handed in. It follows
 * DSSE v1.0.2 and in-toto Statement v1.
 */
export {
  encodePae,
  envelopeBytes,
  makeEntrySigner,
  parseEnvelope,
  PAYLOAD_TYPE,
  sealEnvelope,
  verifyEnvelope,
  writeEnvelope,
} from "./envelope.ts";
export type { EntrySigner, Envelope, EnvelopeFault } from "./envelope.ts";
export { explainAttestFault } from "./explain.ts";
export type { AttestFault } from "./explain.ts";
export { ENVELOPE_BYTES_MAX } from "./limit.ts";
export { encodeStatement, parseStatement } from "./statement.ts";
export type { Statement, StatementFault, Subject } from "./statement.ts";
