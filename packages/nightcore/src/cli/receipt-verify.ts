import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { escapeControls, quote } from "#core";
import { type Event, readEvent, stepsOf } from "#state";
import { readIfThere } from "#store/workspace";
import { inspectReceipt } from "#verify";
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
  const policy = readPolicyText(invocation);
  const trust = { logKey: vkey, witnessKeys: readWitnessKeys(invocation), ...(policy === undefined ? {} : { policy }) };
  const { verified, run: id, checks, fault, entries } = inspectReceipt(bytes, trust, crypto);
  const exit = verified ? EXIT.ok : EXIT.verificationFailed;
  const events = entries.flatMap(({ index, predicateType, predicate }) => {
    const event = readEvent(predicateType, predicate);
    const steps: readonly (Event | undefined)[] = event === undefined ? [event] : stepsOf(event);
    return steps.map((step) => ({ index, event: step }));
  });
  if (json) {
    terminal.print(JSON.stringify({ verified, run: id ?? null, checks, fault: fault ?? null, events }));
    return exit;
  }
  const marks = {
    ok: terminal.paint("green", "ok       "),
    failed: terminal.paint("red", "FAILED   "),
    absent: terminal.paint("dim", "not there"),
    skipped: terminal.paint("dim", "skipped  "),
  } as const;
  for (const { name, outcome, why } of checks)
    terminal.print(`${marks[outcome]}  ${name}${why === "" ? "" : terminal.paint("dim", `  ${escapeControls(why)}`)}`);
  const failed = checks.find(({ outcome }) => outcome === "failed");
  if (failed !== undefined) {
    const code = fault === undefined ? "" : terminal.paint("dim", ` [${fault.code}]`);
    terminal.say(`${terminal.paint("red", "not verified")}: ${failed.name}: ${escapeControls(failed.why)}${code}`);
  }
  for (const { index, event } of events) {
    if (event !== undefined) terminal.print(`entry ${index}  ${event.kind.padEnd(12)}  ${describeEvent(event)}`);
  }
  return exit;
}

function readPolicyText(invocation: Invocation): string | undefined {
  const file = invocation.text("policy");
  const bytes = file === undefined ? undefined : readIfThere(resolve(invocation.root, file));
  if (file !== undefined && bytes === undefined) throw usageStop(`the policy ${quote(file)} cannot be read`);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString("utf8");
}

/** Each `--witness` is a key, or a file with one in each line. */
function readWitnessKeys(invocation: Invocation): readonly string[] {
  return invocation.texts("witness").flatMap((text) => {
    const bytes = readIfThere(resolve(invocation.root, text));
    const lines = bytes === undefined ? [text] : Buffer.from(bytes).toString("utf8").split("\n");
    return lines.map((line) => line.trim()).filter((line) => line !== "");
  });
}
