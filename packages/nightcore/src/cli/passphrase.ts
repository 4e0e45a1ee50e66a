import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { quote } from "#core";
import { type Invocation, usageStop } from "./invocation.ts";

/** The passphrase that the caller provides: from `--passphrase-file`, else from NIGHTCORE_PASSPHRASE. Never from an argument. */
export function readPassphrase(invocation: Invocation): string | undefined {
  const file = invocation.text("passphrase-file");
  if (file === undefined) return process.env["NIGHTCORE_PASSPHRASE"];
  try {
    return readFileSync(resolve(invocation.root, file), "utf8").replace(/\r?\n$/, "");
  } catch {
    throw usageStop(`the passphrase file ${quote(file)} cannot be read`);
  }
}
