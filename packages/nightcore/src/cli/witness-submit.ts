import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { encodeTime, quote } from "#core";
import {
  encodeNote,
  explainEvidenceFault,
  type LogPolicy,
  type NoteSignature,
  parseLogPolicy,
  parseNote,
  parseVkey,
  type PolicyWitness,
  verifyCheckpoint,
} from "#ledger";
import { explainLedgerFault } from "#ports";
import { sha256, verifyEd25519 } from "#store/keys";
import { openLedgerReader, readConsistency, type TilesReader } from "#store/tiles";
import { type Layout, replaceFile } from "#store/workspace";
import { explainWitnessFault, submitCheckpoint } from "#witness";
import { cancelOnSignal } from "./interruption.ts";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import { logKeyOf, openConfiguration, readNodePublicKey } from "./session.ts";
import { stopOf, unwrap } from "./unwrap.ts";

/** Asks the witnesses of a policy to cosign the published checkpoint, and keeps what they signed. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, root } = invocation;
  const file = invocation.text("policy");
  if (file === undefined) throw usageStop("`--policy FILE` is missing", "docs/formats/witness.md shows one");
  const everySeconds = readEvery(invocation);
  const policy = readPolicy(resolve(root, file), file);
  const { layout, configuration } = await openConfiguration(invocation);
  const publicKey = readNodePublicKey(layout);
  const vkey = logKeyOf({ configuration, publicKey });
  if (policy.logs.length > 0 && !policy.logs.some(({ key }) => Buffer.from(key.publicKey).equals(publicKey)))
    throw usageStop("the policy is for other logs", `add the line \`log ${vkey}\``);
  const stop = cancelOnSignal();
  for (;;) {
    const met = await submit({ layout, policy, vkey }, invocation);
    if (everySeconds === undefined) return met ? EXIT.ok : EXIT.runFailed;
    await wait(everySeconds * 1000, undefined, { signal: stop }).catch(() => undefined);
    if (stop.aborted) return EXIT.ok;
    terminal.say();
  }
}

type Surroundings = { readonly layout: Layout; readonly policy: LogPolicy; readonly vkey: string };

async function submit({ layout, policy, vkey }: Surroundings, { terminal, json }: Invocation): Promise<boolean> {
  const reader = unwrap(openLedgerReader({ folder: layout.ledger }), explainLedgerFault);
  const { checkpoint, published } = reader;
  // A checkpoint that is not our own log's is never sent out under its name.
  unwrap(
    verifyCheckpoint(checkpoint, unwrap(parseVkey(sha256, vkey), explainEvidenceFault), verifyEd25519),
    explainEvidenceFault,
  );
  const answers = await Promise.all(policy.witnesses.map((witness) => ask(reader, witness)));
  const lines: NoteSignature[] = [];
  const cosigned = new Set<string>();
  for (const { witness, answer } of answers) {
    if (answer === undefined) continue;
    if (!answer.ok) {
      const { message } = explainWitnessFault(answer.fault);
      terminal.say(
        `${terminal.paint("red", "no")}   ${quote(witness.name)}: ${message} ${terminal.paint("dim", `[${answer.fault.code}]`)}`,
      );
      continue;
    }
    lines.push(answer.value);
    cosigned.add(witness.key.id);
    terminal.say(`${terminal.paint("green", "yes")}  ${quote(witness.name)} has cosigned ${published.size} entries`);
  }
  const ahead = answers.find(({ answer }) => answer?.ok === false && answer.fault.code === "witness/ahead")?.answer;
  if (ahead?.ok === false) throw stopOf(ahead.fault, explainWitnessFault);
  if (lines.length > 0) keepCosigned(layout, checkpoint, lines);
  const met = policy.isQuorum(cosigned);
  if (json)
    terminal.print(JSON.stringify({ size: published.size, cosigned: [...cosigned], quorum: met, at: encodeTime(Date.now()) }));
  terminal.say(met ? "the quorum is met" : `the quorum ${quote(policy.quorum)} is not met`);
  return met;
}

async function ask(reader: TilesReader, { name, key, url }: PolicyWitness) {
  const witness = { name, key, url: url ?? "" };
  if (url === undefined) return { witness, answer: undefined };
  const { checkpoint, published } = reader;
  const prove = (from: number) => unwrap(readConsistency(reader, { from, to: published.size }), explainLedgerFault);
  return { witness, answer: await submitCheckpoint({ witness, checkpoint, size: published.size, prove, verifyEd25519 }) };
}

/** The checkpoint with its cosignatures, beside the ledger: receipts are made under it where it covers them. */
function keepCosigned({ witnessed }: Layout, checkpoint: string, lines: readonly NoteSignature[]): void {
  const note = unwrap(parseNote(checkpoint), explainEvidenceFault);
  replaceFile(witnessed, encodeNote({ text: note.text, signatures: [...note.signatures, ...lines] }));
}

function readPolicy(path: string, shown: string): LogPolicy {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch {
    throw usageStop(`the policy ${quote(shown)} cannot be read`);
  }
  return unwrap(parseLogPolicy(bytes, sha256), explainEvidenceFault);
}

function readEvery(invocation: Invocation): number | undefined {
  const text = invocation.text("every");
  if (text === undefined) return undefined;
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (seconds < 1) throw usageStop(`\`--every\` ${quote(text)} is not a number of seconds`);
  return seconds;
}
