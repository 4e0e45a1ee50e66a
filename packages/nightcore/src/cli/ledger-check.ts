import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseEnvelope, parseStatement, verifyEnvelope } from "#attest";
import { parseUtf8, quote, type Result } from "#core";
import {
  type EvidenceFault,
  explainEvidenceFault,
  makeTreeHash,
  parseLogKeys,
  parseTlogProof,
  verifyCheckpoint,
  verifyInclusion,
  verifyMlDsaCheckpoint,
} from "#ledger";
import { readEvent, stepsOf } from "#state";
import { describeEvent } from "./event-words.ts";
import { CommandStop, EXIT, type Invocation, usageStop } from "./invocation.ts";
import { readLogKey } from "./log-key.ts";
import { crypto } from "./session.ts";

const FILE_BYTES_MAX = 1024 * 1024; // LIMIT: an entry has 65,535 bytes at the most, a proof 200,000

/** Checks that an entry stands in the log where its proof says, and that the log's key signed it. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json, positionals } = invocation;
  const [entryFile, proofFile] = positionals;
  if (entryFile === undefined || proofFile === undefined)
    throw usageStop("an entry and its proof are needed", "`nightcore ledger find … --proofs DIR` writes them");
  const vkey = readLogKey(invocation);
  if (vkey === undefined)
    throw usageStop("`--log-key VKEY` is missing", "get it from the log's operator by another way than the proof");
  const entry = readSmall(invocation, entryFile);
  const { index, statement } = verify({ entry, proof: readSmall(invocation, proofFile), vkey });
  const event = readEvent(statement.predicateType, statement.predicate);
  if (json) terminal.print(JSON.stringify({ verified: true, index, statement }));
  else if (event === undefined) terminal.print(`entry ${index}  ${statement.predicateType}`);
  else for (const step of stepsOf(event)) terminal.print(`entry ${index}  ${step.kind}  ${describeEvent(step)}`);
  terminal.say(`${terminal.paint("green", "ok")}: the log's key signed this entry, and it stands at index ${index}`);
  return EXIT.ok;
}

function verify({ entry, proof, vkey }: { readonly entry: Uint8Array; readonly proof: Uint8Array; readonly vkey: string }) {
  const { ed25519: key, mlDsa44 } = established(parseLogKeys(crypto.sha256, vkey));
  const text = parseUtf8(proof);
  // What is no text is no proof, and is refused in the words of its parser.
  const { index, path, checkpoint } = established(parseTlogProof(text.ok ? text.value : ""));
  const { size, root } = established(verifyCheckpoint(checkpoint, key, crypto.verifyEd25519));
  if (mlDsa44 !== undefined) established(verifyMlDsaCheckpoint(checkpoint, mlDsa44, crypto.verifyMlDsa44));
  const hash = makeTreeHash(crypto.sha256);
  established(verifyInclusion(hash, { index, size, leaf: hash.leaf(entry), path, root }));
  const payload = established(verifyEnvelope(established(parseEnvelope(entry)), key.publicKey, crypto.verifyEd25519));
  return { index, statement: established(parseStatement(payload)) };
}

/** The value, or exit code 4 with the fault's sentence: what does not verify is no usage error. */
function established<T>(result: Result<T, EvidenceFault>): T {
  if (result.ok) return result.value;
  throw new CommandStop({ code: result.fault.code, ...explainEvidenceFault(result.fault), exit: EXIT.verificationFailed });
}

function readSmall({ root }: Invocation, file: string): Uint8Array {
  try {
    const bytes = readFileSync(resolve(root, file));
    if (bytes.length <= FILE_BYTES_MAX) return bytes;
  } catch {
    throw usageStop(`the file ${quote(file)} cannot be read`);
  }
  throw usageStop(`the file ${quote(file)} is too large for an entry or a proof`);
}
