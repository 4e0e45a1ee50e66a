import { encodeWitnessVkey } from "#ledger";
import { EXIT, type Invocation } from "./invocation.ts";
import { readWitnessKey } from "./witness-key.ts";

/** Prints a witness's verifier key, for the policies of those whose logs it cosigns. */
export async function run(invocation: Invocation): Promise<number> {
  const vkey = encodeWitnessVkey(readWitnessKey(invocation).key);
  invocation.terminal.print(invocation.json ? JSON.stringify({ vkey }) : vkey);
  return EXIT.ok;
}
