import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { type Bytes, type Explanation, fail, ok, quote, type Result, utf8, type VerifyEd25519 } from "#core";
import { encodeSubmission, type LogKey, type NoteSignature, parseNote, verifyCosignatures } from "#ledger";

const ANSWER_BYTES_MAX = 64 * 1024; // LIMIT: a few signature lines
const TIMEOUT_MS = 10_000; // LIMIT: a witness that says nothing for so long is away
const TRIES_MAX = 4; // LIMIT: a 409 is answered with the size that it names; a log that moves meanwhile is tried again

export type WitnessFault =
  | { readonly code: "witness/unreachable"; readonly witness: string; readonly detail: string }
  | { readonly code: "witness/refused"; readonly witness: string; readonly status: number; readonly detail: string }
  | { readonly code: "witness/ahead"; readonly witness: string; readonly size: number; readonly ours: number }
  | { readonly code: "witness/bad-answer"; readonly witness: string; readonly detail: string };

/** One sentence per fault of this room. */
export function explainWitnessFault(fault: WitnessFault): Explanation {
  const name = quote(fault.witness);
  switch (fault.code) {
    case "witness/unreachable":
      return { message: `the witness ${name} cannot be reached: ${fault.detail}`, hint: "submit again later; nothing is lost" };
    case "witness/refused":
      return { message: `the witness ${name} refused the checkpoint with status ${fault.status}: ${fault.detail}` };
    case "witness/ahead":
      return {
        message: `the witness ${name} has cosigned ${fault.size} entries of this log, and here are ${fault.ours}`,
        hint: "an older copy of the log was put back: stop writing to it, and get the newer one",
      };
    default:
      return { message: `the witness ${name} answered with what is no cosignature of its own: ${fault.detail}` };
  }
}

/** What is submitted. `prove` makes the consistency path from a smaller size to that of the checkpoint. */
export type Submitting = {
  readonly witness: { readonly name: string; readonly key: LogKey; readonly url: string };
  readonly checkpoint: string;
  readonly size: number;
  readonly prove: (from: number) => readonly Bytes[];
  readonly verifyEd25519: VerifyEd25519;
};

/**
 * Asks a witness to cosign, from the size that it names. Its line is verified under its key before it counts. A witness that knows
 * more of the log than we have is the sign of a rollback, and has a fault of its own.
 */
export async function submitCheckpoint(submitting: Submitting): Promise<Result<NoteSignature, WitnessFault>> {
  const { witness, checkpoint, size, prove } = submitting;
  let old = 0;
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const proof = old === 0 || old === size ? [] : prove(old);
    const answer = await post(witness.url, encodeSubmission({ old, proof, checkpoint }));
    if (typeof answer === "string") return fail({ code: "witness/unreachable", witness: witness.name, detail: answer });
    if (answer.status === 200) return verifyAnswer(submitting, answer.body);
    const known = answer.status === 409 ? /^(0|[1-9][0-9]{0,15})\n?$/.exec(answer.body)?.[1] : undefined;
    if (known === undefined) {
      const detail = answer.body.trim().slice(0, 300);
      return fail({ code: "witness/refused", witness: witness.name, status: answer.status, detail });
    }
    old = Number(known);
    if (old > size) return fail({ code: "witness/ahead", witness: witness.name, size: old, ours: size });
  }
  return fail({ code: "witness/refused", witness: witness.name, status: 409, detail: "the log moves faster than the witness" });
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

/** Status and body, or in words why there are none. Redirections are not followed. */
function post(prefix: string, text: string): Promise<{ readonly status: number; readonly body: string } | string> {
  return new Promise((resolve) => {
    const url = `${prefix.replace(/\/$/, "")}/add-checkpoint`;
    if (!URL.canParse(url) || !/^https?:/.test(url)) return resolve("its URL is none");
    const request = url.startsWith("https:") ? requestHttps : requestHttp;
    const body = utf8(text);
    const sent = request(url, { method: "POST", headers: { "content-length": body.length }, timeout: TIMEOUT_MS }, (response) => {
      const parts: Buffer[] = [];
      let length = 0;
      response.on("data", (part: Buffer) => {
        length += part.length;
        if (length <= ANSWER_BYTES_MAX) parts.push(part);
        else response.destroy(new Error("the answer is too long"));
      });
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString("utf8") });
      });
      response.on("error", (error) => {
        resolve(error.message);
      });
    });
    sent.on("timeout", () => sent.destroy(new Error(`no answer for ${TIMEOUT_MS / 1000} s`)));
    sent.on("error", (error) => {
      resolve(error.message);
    });
    sent.end(body);
  });
}
