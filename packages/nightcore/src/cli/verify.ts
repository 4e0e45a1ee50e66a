import { EXIT, type Invocation } from "./invocation.ts";
import { conduct } from "./conduct.ts";

/** Verifies and decides, recorded as proof mode. A module whose bytes or signature do not hold gives exit code 4. */
export async function run(invocation: Invocation): Promise<number> {
  const { records, exit } = await conduct(invocation, { mode: "proof" });
  return records.some(({ signature }) => !signature.trusted) || records.some(({ reasons }) => reasons.some(isAdmission))
    ? EXIT.verificationFailed
    : exit;
}

function isAdmission({ code }: { readonly code: string }): boolean {
  return code.startsWith("wasm/") || code.startsWith("source/") || code.startsWith("trust/");
}
