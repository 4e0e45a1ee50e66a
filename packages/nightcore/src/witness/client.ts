import { type Bytes, escapeControls, type Explanation, fail, ok, quote, type Result, type VerifyEd25519 } from "#core";
import { encodeSubmission, type LogKey, type NoteSignature, parseNote, verifyCosignatures } from "#ledger";
import { pauseMs, type Pauses } from "./back-off.ts";
import { type Answer, postSubmission } from "./exchange.ts";

const TIMEOUT_MS = 10_000; // LIMIT: a witness that says nothing for so long is away
const TRIES_MAX = 6; // LIMIT: with their pauses they take some six seconds
const CONFLICTS_MAX = 4; // LIMIT: a 409 is answered with the size that it names; a log that moves meanwhile is tried again

export type WitnessFault =
  | { readonly code: "witness/unreachable"; readonly witness: string; readonly detail: string }
  | { readonly code: "witness/refused"; readonly witness: string; readonly status: number; readonly detail: string }
  | { readonly code: "witness/ahead"; readonly witness: string; readonly size: number; readonly ours: number }
  | { readonly code: "witness/bad-answer"; readonly witness: string; readonly detail: string };

/** One sentence per fault of this room. */
export function explainWitnessFault(fault: WitnessFault): Explanation {
  const name = quote(fault.witness);
  // What a witness says is somebody else's text.
  const detail = "detail" in fault ? escapeControls(fault.detail) : "";
  switch (fault.code) {
    case "witness/unreachable":
      return { message: `the witness ${name} cannot be reached: ${detail}`, hint: "submit again later; nothing is lost" };
    case "witness/refused":
      return {
        message: `the witness ${name} refused the checkpoint with status ${fault.status}: ${detail}`,
        ...(fault.status === 422
          ? { hint: "it keeps both checkpoints, which this log's key has signed, for anybody to see" }
          : {}),
      };
    case "witness/ahead":
      return {
        message: `the witness ${name} has cosigned ${fault.size} entries of this log, and here are ${fault.ours}`,
        hint: "an older copy of the log was put back: stop writing to it, and get the newer one",
      };
    default:
      return { message: `the witness ${name} answered with what is no cosignature of its own: ${detail}` };
  }
}

/** A witness that can be asked: the name it has in a policy, its key, and its submission prefix. */
export type AskedWitness = { readonly name: string; readonly key: LogKey; readonly url: string };

/** What is submitted. `prove` makes the consistency path from a smaller size to that of the checkpoint. */
export type Submission = {
  readonly checkpoint: string;
  readonly size: number;
  readonly prove: (from: number) => readonly Bytes[];
  readonly verifyEd25519: VerifyEd25519;
};

/** Until when to ask, by what clock. `signal`: nobody waits for this witness any longer. */
export type Patience = Pauses & { readonly deadlineMs: number; readonly signal: AbortSignal };

type Submitting = Submission & { readonly witness: AskedWitness };

/**
 * Asks a witness to cosign, from the size that it names, again and again while it is away or overloaded and there is time. Its
 * line is verified under its key before it counts. A refusal is final. A witness that knows more of the log than we have is the
 * sign of a rollback, and has a fault of its own.
 */
export async function submitCheckpoint(submitting: Submitting, patience: Patience): Promise<Result<NoteSignature, WitnessFault>> {
  const { clock, deadlineMs, signal, sleep, random } = patience;
  const position = { old: 0 };
  for (let tries = 1; ; tries++) {
    const answer = await exchange(submitting, position, patience);
    if (answer.ok || !isPassing(answer.fault)) return answer;
    const { retryAfterMs, ...fault } = answer.fault;
    const pause = pauseMs(tries, { random, retryAfterMs });
    if (tries >= TRIES_MAX || signal.aborted || clock() + pause >= deadlineMs) return fail(fault);
    await sleep(pause, signal);
  }
}

/** A fault that may pass by itself, and how long the witness asked us to stay away. */
type PassingFault = WitnessFault & { readonly retryAfterMs?: number | undefined };

function isPassing(fault: PassingFault): boolean {
  if (fault.code === "witness/unreachable") return true;
  return fault.code === "witness/refused" && (fault.status === 408 || fault.status === 429 || fault.status >= 500);
}

/** One try: a submission, and another for each size that the witness says it is at. */
async function exchange(
  submitting: Submitting,
  position: { old: number },
  { clock, deadlineMs, signal }: Patience,
): Promise<Result<NoteSignature, PassingFault>> {
  const { witness, checkpoint, size, prove } = submitting;
  for (let conflicts = 0; conflicts < CONFLICTS_MAX; conflicts++) {
    const { old } = position;
    const nowMs = clock();
    const timeoutMs = Math.max(1, Math.min(TIMEOUT_MS, deadlineMs - nowMs));
    const proof = old === 0 || old === size ? [] : prove(old);
    const answer = await postSubmission(witness.url, encodeSubmission({ old, proof, checkpoint }), { timeoutMs, nowMs, signal });
    if (typeof answer === "string") return fail({ code: "witness/unreachable", witness: witness.name, detail: answer });
    if (answer.status === 200) return verifyAnswer(submitting, answer.body);
    const known = parseConflict(answer);
    if (known === undefined) {
      const { status, retryAfterMs } = answer;
      const detail = answer.body.trim().slice(0, 300);
      return fail({ code: "witness/refused", witness: witness.name, status, detail, retryAfterMs });
    }
    position.old = known;
    if (known > size) return fail({ code: "witness/ahead", witness: witness.name, size: known, ours: size });
  }
  return fail({ code: "witness/refused", witness: witness.name, status: 409, detail: "the log moves faster than the witness" });
}

/** The size of a 409 (tlog-witness, "add-checkpoint"): the tree that the witness has cosigned last. */
function parseConflict({ status, body }: Answer): number | undefined {
  const known = status === 409 ? /^(0|[1-9][0-9]{0,15})\n?$/.exec(body)?.[1] : undefined;
  return known !== undefined && Number.isSafeInteger(Number(known)) ? Number(known) : undefined;
}

function verifyAnswer({ witness, checkpoint, verifyEd25519 }: Submitting, body: string): Result<NoteSignature, WitnessFault> {
  const bad = (detail: string) => fail({ code: "witness/bad-answer", witness: witness.name, detail } as const);
  const text = checkpoint.slice(0, checkpoint.lastIndexOf("\n\n") + 1);
  const note = parseNote(`${text}\n${body}`);
  if (!note.ok) return bad(note.fault.code);
  const found = verifyCosignatures(note.value, [witness.key], verifyEd25519);
  if (!found.ok || found.value.length === 0) return bad(found.ok ? "there is no line of its key" : found.fault.code);
  const line = note.value.signatures.find(({ name, keyId }) => name === witness.key.name && keyId === witness.key.id);
  return line === undefined ? bad("there is no line of its key") : ok(line);
}
