import { type Bytes, type Crypto, encodeBase64, equalBytes, parseBase64, parseUtf8 } from "#core";
import { verifyConsistency } from "./audit-path.ts";
import { parseSignedCheckpoint, verifyCheckpoint } from "./checkpoint.ts";
import { HASH_BYTES, makeTreeHash } from "./merkle-tree.ts";
import { parseNote } from "./note.ts";
import type { LogKey } from "./vkey.ts";

const BODY_BYTES_MAX = 256 * 1024; // LIMIT: a note of 128 Ki characters and 63 hashes
const PROOF_HASHES_MAX = 63; // LIMIT: tlog-witness, "add-checkpoint"

/** What a witness remembers of a log: the largest tree that it has cosigned. */
export type WitnessedHead = { readonly size: number; readonly root: Bytes };

/** A log as a witness knows it; `head` is undefined before its first checkpoint. */
export type WitnessedLog = { readonly key: LogKey; readonly head: WitnessedHead | undefined };

/** A refusal with its HTTP status as tlog-witness has it; `size` goes with 409. */
export type SubmissionRefusal = {
  readonly status: 400 | 403 | 404 | 409 | 422;
  readonly why: string;
  readonly size?: number;
  /** With 422: the checkpoint of a log that the witness knows, signed by its key, which does not continue what was cosigned. */
  readonly contradiction?: { readonly origin: string; readonly note: string };
};

/** A submission that may be cosigned, once the new head is durable and nobody else has moved the log in between. */
export type AcceptedSubmission = {
  readonly origin: string;
  readonly old: number;
  readonly head: WitnessedHead;
  /** The text that is cosigned. */
  readonly text: string;
  readonly note: string;
};

/** The body of `add-checkpoint`: the size that the log believes the witness to have, the proof from there, and the checkpoint. */
export function encodeSubmission({
  old,
  proof,
  checkpoint,
}: {
  readonly old: number;
  readonly proof: readonly Bytes[];
  readonly checkpoint: string;
}): string {
  return `old ${old}\n${proof.map((hash) => `${encodeBase64(hash)}\n`).join("")}\n${checkpoint}`;
}

/**
 * Judges a submission by what the witness knows (tlog-witness, "add-checkpoint"): an unknown log, a bad signature, another old
 * size, a fork and a rollback are refused, each with its status. It never says yes to two trees that contradict each other.
 */
export function judgeSubmission(
  body: Bytes,
  find: (origin: string) => WitnessedLog | undefined,
  crypto: Crypto,
): AcceptedSubmission | SubmissionRefusal {
  const parsed = parseSubmission(body);
  if (typeof parsed === "string") return { status: 400, why: parsed };
  const { old, proof, checkpoint } = parsed;
  const said = parseSignedCheckpoint(checkpoint);
  if (!said.ok) return { status: 400, why: `the checkpoint is refused: ${said.fault.code}` };
  const { origin } = said.value;
  const log = find(origin);
  if (log === undefined) return { status: 404, why: "this witness does not know the log" };
  const verified = verifyCheckpoint(checkpoint, log.key, crypto.verifyEd25519);
  if (!verified.ok) return { status: 403, why: `the log's signature is refused: ${verified.fault.code}` };
  const { size, root } = verified.value;
  if (old > size) return { status: 400, why: "the old size is larger than the checkpoint's" };
  const known = log.head ?? { size: 0, root: makeTreeHash(crypto.sha256).empty };
  if (old !== known.size) return { status: 409, why: `the last size that was cosigned is ${known.size}`, size: known.size };
  const contradiction = findContradiction({ known, size, root, proof }, crypto);
  if (contradiction !== undefined) return { status: 422, why: contradiction, contradiction: { origin, note: checkpoint } };
  const note = parseNote(checkpoint);
  return { origin, old, head: { size, root }, text: note.ok ? note.value.text : "", note: checkpoint };
}

type Step = { readonly known: WitnessedHead; readonly size: number; readonly root: Bytes; readonly proof: readonly Bytes[] };

/** Why the new tree does not continue the known one, or undefined. */
function findContradiction({ known, size, root, proof }: Step, { sha256 }: Crypto): string | undefined {
  const hash = makeTreeHash(sha256);
  if (size === 0 && !equalBytes(root, hash.empty)) return "an empty tree has another root";
  if (known.size === 0) return proof.length === 0 ? undefined : "there is nothing to prove from an empty tree";
  if (known.size === size) {
    if (proof.length > 0) return "there is nothing to prove between equal sizes";
    return equalBytes(known.root, root) ? undefined : "another root was cosigned for this size: the log has forked";
  }
  const sizes = { from: known.size, to: size, fromRoot: known.root, toRoot: root };
  return verifyConsistency(hash, { ...sizes, path: proof }).ok
    ? undefined
    : "the proof does not lead from the tree that was cosigned";
}

type Submission = { readonly old: number; readonly proof: readonly Bytes[]; readonly checkpoint: string };

function parseSubmission(body: Bytes): Submission | string {
  const text = body.length > BODY_BYTES_MAX ? undefined : parseUtf8(body);
  if (text?.ok !== true) return "the body is too long or not UTF-8";
  const blank = text.value.indexOf("\n\n");
  if (blank < 0) return "no blank line separates the checkpoint";
  const [first = "", ...lines] = text.value.slice(0, blank).split("\n");
  const [, old] = /^old (0|[1-9][0-9]{0,15})$/.exec(first) ?? [];
  if (old === undefined || !Number.isSafeInteger(Number(old))) return "the first line is not `old SIZE`";
  if (lines.length > PROOF_HASHES_MAX) return "the proof has more than 63 hashes";
  const proof: Bytes[] = [];
  for (const line of lines) {
    const hash = parseBase64(line);
    if (!hash.ok || hash.value.length !== HASH_BYTES) return "a line of the proof is not the base64 of 32 bytes";
    proof.push(hash.value);
  }
  return { old: Number(old), proof, checkpoint: text.value.slice(blank + 2) };
}
