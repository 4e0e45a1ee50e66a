/**
 * `nightcore/verify`: checks a receipt with no other part of the system, no Node and no network: in a browser, in a page opened
 * from disk, or in somebody else's program.
 *
 * It decides whether evidence holds and says each check by its name. It must never call something checked that was not: what
 * a receipt does not carry is `absent`, and never green. It follows C2SP tlog-proof, tlog-checkpoint, signed-note and
 * tlog-cosignature, DSSE v1.0.2 and in-toto Statement v1; SHA-256, Ed25519 (RFC 8032, strict) and ML-DSA-44
 * (FIPS 204) are noble's.
 */
export { inspectReceipt } from "./inspection.ts";
export type { Inspection, NamedCheck, Outcome, Trust } from "./inspection.ts";
export { nobleCrypto } from "./noble-crypto.ts";
