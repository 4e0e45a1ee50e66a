import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { encodeTime, equalBytes, parseUtf8, quote } from "#core";
import { explainEvidenceFault, parseNote, parseVkey, verifyCheckpoint, verifyCosignatures } from "#ledger";
import { explainLedgerFault, type LedgerFault } from "#ports";
import type { NewestShown } from "#state";
import { nodeFiles, readRestoredMark, type RestoredMark, writeRestoredMark } from "#store/tiles";
import { type Layout, readIfThere, replaceFile } from "#store/workspace";
import { explainWitnessFault } from "#witness";
import { CommandStop, EXIT, type Invocation, usageStop } from "./invocation.ts";
import { readPublishedCheckpoint } from "./published.ts";
import { crypto, logKeyOf, openConfiguration, openSession, readNodePublicKey } from "./session.ts";
import { stopOf, unwrap } from "./unwrap.ts";
import { cosignPublished, readLogPolicy } from "./witnessing.ts";

const WAIT_MS = 30_000; // LIMIT: a witness that restarts is back by then
const STATEMENT_CHARACTERS_MAX = 1000; // LIMIT: a sentence or two, in an entry of 65,535 bytes
const CHECKPOINT_BYTES_MAX = 128 * 1024; // LIMIT: a note with its signatures

/** Goes on with a restored log once it is shown, by one way or several, that nothing newer was signed; the log says by which. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json } = invocation;
  const { layout, configuration } = await openConfiguration(invocation);
  const vkey = logKeyOf({ configuration, publicKey: readNodePublicKey(layout) });
  const mark = readRestoredMark(layout.ledger);
  if (mark === undefined) throw usageStop("this ledger was not restored, or goes on already: there is nothing to resume");
  if (mark.newer !== null) throw closed(mark.newer);
  const around: Around = { invocation, layout, vkey, mark };
  const newest = [...(await askWitnesses(around)), ...compareCheckpoint(around), ...readStatement(invocation)];
  if (newest.length === 0)
    throw usageStop("say how it is shown that nothing newer was signed", "one of --policy, --checkpoint and --statement");
  const { size, at: restoredAt } = mark;
  const resuming = { at: encodeTime(Date.now()), size, restoredAt, newest };
  await (await openSession(invocation, { thread: false, resuming })).finish();
  if (json) terminal.print(JSON.stringify({ size, restoredAt, newest }));
  terminal.say(`the log goes on after the ${size} restored entries; why is recorded in the log`);
  return EXIT.ok;
}

type Around = {
  readonly invocation: Invocation;
  readonly layout: Layout;
  readonly vkey: string;
  readonly mark: RestoredMark;
};

/**
 * Witnesses that knew the log when the backup was made and cosign it as it is have seen nothing newer. One that hears of the log
 * for the first time would cosign anything, and shows nothing.
 */
async function askWitnesses({ invocation, layout, vkey, mark }: Around): Promise<readonly NewestShown[]> {
  const file = invocation.text("policy");
  if (file === undefined) return [];
  const { terminal } = invocation;
  const policy = readLogPolicy(invocation.root, file, vkey);
  const witnessed = readIfThere(layout.witnessed);
  const knew = findCosigners(witnessed);
  const { answers } = await cosignPublished({ layout, policy, vkey }, { waitMs: WAIT_MS, graceMs: WAIT_MS });
  for (const { witness, answer } of answers) {
    if (answer.ok) {
      const word = knew.has(witness.key.id)
        ? "has seen nothing newer"
        : "hears of this log for the first time, and shows nothing";
      terminal.say(`${quote(witness.name)} ${word}`);
      continue;
    }
    const { fault } = answer;
    if (fault.code === "witness/ahead") throw close(layout, mark, { size: fault.size, seenBy: `the witness ${witness.name}` });
    // tlog-witness: 422 is a log that contradicts what was cosigned.
    if (fault.code === "witness/refused" && fault.status === 422) throw stopOf(fault, explainWitnessFault);
    terminal.say(explainWitnessFault(fault).message);
  }
  const shown = answers.filter(({ witness, answer }) => answer.ok && knew.has(witness.key.id)).map(({ witness }) => witness);
  if (policy.isQuorum(new Set(shown.map(({ key }) => key.id))))
    return [{ by: "witnesses", names: shown.map(({ name }) => name) }];
  // Who knew the log before is still to be seen when they are asked again.
  if (witnessed !== undefined) replaceFile(layout.witnessed, witnessed);
  throw new CommandStop({
    code: "ledger/restored",
    message: `the quorum ${quote(policy.quorum)} of witnesses that knew the log before has not shown that this is its newest state`,
    hint: "ask again when they can be reached, or say so yourself with --statement",
    exit: EXIT.runFailed,
  });

  function findCosigners(bytes: Uint8Array | undefined): ReadonlySet<string> {
    const text = parseUtf8(bytes ?? new Uint8Array(0));
    const key = unwrap(parseVkey(crypto.sha256, vkey), explainEvidenceFault);
    if (!text.ok || !verifyCheckpoint(text.value, key, crypto.verifyEd25519).ok) return new Set();
    const note = unwrap(parseNote(text.value), explainEvidenceFault);
    const keys = policy.witnesses.map((witness) => witness.key);
    const found = verifyCosignatures(note, keys, crypto.verifyEd25519);
    return new Set(found.ok ? found.value.map(({ id }) => id) : []);
  }
}

/** The checkpoint that others are shown must be the restored one: a larger one closes the log, a smaller one shows nothing. */
function compareCheckpoint({ invocation, layout, vkey, mark }: Around): readonly NewestShown[] {
  const file = invocation.text("checkpoint");
  if (file === undefined) return [];
  const key = unwrap(parseVkey(crypto.sha256, vkey), explainEvidenceFault);
  const verify = (text: string) => unwrap(verifyCheckpoint(text, key, crypto.verifyEd25519), explainEvidenceFault);
  const theirs = verify(readSmall(invocation, file));
  const ours = verify(readPublishedCheckpoint(layout));
  if (theirs.size > ours.size) throw close(layout, mark, { size: theirs.size, seenBy: "a published checkpoint" });
  if (theirs.size < ours.size)
    throw usageStop(`that checkpoint of ${theirs.size} entries is older than the backup, and shows nothing`);
  if (equalBytes(theirs.root, ours.root)) return [{ by: "checkpoint", from: file.slice(0, STATEMENT_CHARACTERS_MAX) }];
  throw stopOf(forked(theirs.size), explainLedgerFault);
}

function readStatement(invocation: Invocation): readonly NewestShown[] {
  const text = invocation.text("statement");
  if (text === undefined) return [];
  if (text.trim() === "" || text.length > STATEMENT_CHARACTERS_MAX)
    throw usageStop(
      "`--statement` is empty or too long",
      "it stands in the log for ever: say who knows that nothing newer was signed",
    );
  return [{ by: "statement", text }];
}

/** Writes down that more was seen, durably, before anybody is told; whoever asks again is told the same. */
function close({ ledger }: Layout, mark: RestoredMark, newer: NonNullable<RestoredMark["newer"]>): CommandStop {
  writeRestoredMark(nodeFiles, ledger, { ...mark, newer });
  return closed(newer);
}

function closed({ size, seenBy }: NonNullable<RestoredMark["newer"]>): CommandStop {
  const detail = `${quote(seenBy)} has seen ${size} entries of it`;
  const fault: LedgerFault = { code: "ledger/rollback", where: "restored", detail };
  const hint =
    "restore a newer backup, or begin a new log after this one with `nightcore init --continues`; this one can be read";
  return new CommandStop({ code: fault.code, message: explainLedgerFault(fault).message, hint, exit: EXIT.environment });
}

function forked(size: number): LedgerFault {
  return { code: "ledger/forked", where: "restored", detail: `another tree of ${size} entries was published` };
}

function readSmall({ root }: Invocation, file: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(resolve(root, file));
  } catch {
    throw usageStop(`the file ${quote(file)} cannot be read`);
  }
  const text = parseUtf8(bytes);
  if (bytes.length > CHECKPOINT_BYTES_MAX || !text.ok) throw usageStop(`the file ${quote(file)} is no checkpoint`);
  return text.value;
}
