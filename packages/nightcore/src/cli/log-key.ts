import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Invocation } from "./invocation.ts";

/** The verifier key of `--log-key`: the key itself, or a file that holds it. Undefined when the option is not there. */
export function readLogKey(invocation: Invocation): string | undefined {
  const text = invocation.text("log-key");
  if (text === undefined) return undefined;
  try {
    return readFileSync(resolve(invocation.root, text), "utf8").trim();
  } catch {
    return text.trim(); // no such file: it is the key itself, or the parser says what is wrong with it
  }
}
