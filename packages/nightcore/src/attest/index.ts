export { encodeStatement, parseStatement } from "../ledger/statement.ts";
export type { Statement, Subject } from "../ledger/statement.ts";
export { makeEntrySigner, parseEnvelope, sealEnvelope, verifyEnvelope } from "../ledger/envelope.ts";
export type { Envelope } from "../ledger/envelope.ts";
