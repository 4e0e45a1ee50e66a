import { type Explanation, quote, unreachable } from "#core";
import type { EnvelopeFault } from "./envelope.ts";
import type { StatementFault } from "./statement.ts";

export type AttestFault = EnvelopeFault | StatementFault;

/** One sentence per fault of this room. */
export function explainAttestFault(fault: AttestFault): Explanation {
  switch (fault.code) {
    case "attest/envelope-too-large":
      return { message: `the envelope has ${fault.bytes} bytes, and an entry has at most 65535` };
    case "attest/envelope-malformed":
      return { message: `the DSSE envelope is malformed: ${fault.what}` };
    case "attest/envelope-wrong-type":
      return { message: `the envelope holds ${quote(fault.payloadType)}, not an in-toto statement` };
    case "attest/envelope-bad-signature":
      return { message: "the envelope is not signed by the key that it has to be signed by" };
    case "attest/statement-malformed":
      return { message: `the in-toto statement is malformed: ${fault.what}` };
    default:
      return unreachable(fault);
  }
}
