import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { quote } from "#core";
import { explainEvidenceFault, verifyReceipt } from "#ledger";
import { readEvent } from "#state";
import { describeEvent } from "./event-words.ts";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import { readLogKey } from "./log-key.ts";
import { crypto } from "./session.ts";

/** Checks a receipt with nothing but the file and the log's verifier key: no workspace, no network. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json, positionals } = invocation;
  const [file] = positionals;
  if (file === undefined) throw usageStop("a receipt file is needed", "`nightcore receipt show RUN > receipt.json` makes one");
  const vkey = readLogKey(invocation);
  if (vkey === undefined)
    throw usageStop(
      "`--log-key VKEY` is missing",
      "get it from the log's operator by another way than the receipt; `nightcore ledger vkey` prints it",
    );
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file === "-" ? 0 : resolve(invocation.root, file));
  } catch {
    throw usageStop(`the receipt ${quote(file)} cannot be read`);
  }
  const { checks, result } = verifyReceipt(bytes, vkey, crypto);
  const fault = result.ok ? undefined : { code: result.fault.code, ...explainEvidenceFault(result.fault) };
  const events = (result.ok ? result.value.entries : []).map(({ index, statement }) => ({
    index,
    event: readEvent(statement.predicateType, statement.predicate),
  }));
  if (json) {
    terminal.print(
      JSON.stringify({ verified: result.ok, run: result.ok ? result.value.run : null, checks, fault: fault ?? null, events }),
    );
    return result.ok ? EXIT.ok : EXIT.verificationFailed;
  }
  const marks = {
    ok: terminal.paint("green", "ok     "),
    failed: terminal.paint("red", "FAILED "),
    skipped: terminal.paint("dim", "skipped"),
  } as const;
  for (const { name, outcome } of checks) terminal.print(`${marks[outcome]}  ${name}`);
  if (fault !== undefined) {
    terminal.say(`${terminal.paint("red", "not verified")}: ${fault.message} ${terminal.paint("dim", `[${fault.code}]`)}`);
  }
  for (const { index, event } of events) {
    if (event !== undefined) terminal.print(`entry ${index}  ${event.kind.padEnd(12)}  ${describeEvent(event)}`);
  }
  return result.ok ? EXIT.ok : EXIT.verificationFailed;
}
