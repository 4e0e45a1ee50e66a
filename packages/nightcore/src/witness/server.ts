import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type Crypto, digestOf, encodeTime, type SignEd25519, utf8 } from "#core";
import { encodeNote, judgeSubmission, type LogKey, parseNote, signCosignature } from "#ledger";
import type { WitnessState } from "./witness-state.ts";

const BODY_BYTES_MAX = 256 * 1024; // LIMIT: the law's own for a submission
const REQUEST_TIMEOUT_MS = 10_000; // LIMIT: a submission is one small body
const CONNECTIONS_MAX = 100; // LIMIT: each holds at most one body

/** Everything that a witness works with. `logs`: the verifier keys that it was told to witness, and no others. */
export type WitnessServer = {
  readonly key: LogKey;
  readonly sign: SignEd25519;
  readonly logs: readonly LogKey[];
  readonly state: WitnessState;
  readonly crypto: Crypto;
  readonly nowSeconds: () => number;
  readonly onSubmission?: (said: { readonly origin: string; readonly status: number; readonly why: string }) => void;
};

/**
 * A witness over HTTP: `POST /add-checkpoint`, `GET /<sha256 of an origin>/checkpoint` for what was cosigned last, and
 * `…/contradictions` for what was refused as a fork. TLS is for whoever stands in front: a cosignature needs no secrecy, and no
 * authenticity but its own.
 */
export function serveWitness(witness: WitnessServer): Server {
  const server = createServer((request, response) => {
    void answer(witness, request, response).catch(() => {
      // Whatever went wrong, nothing was cosigned that is not durable.
      if (!response.headersSent) send(response, 500, "the witness failed");
    });
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.maxConnections = CONNECTIONS_MAX;
  return server;
}

async function answer(witness: WitnessServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === "POST" && request.url === "/add-checkpoint") {
    const body = await readBody(request);
    return body === undefined ? send(response, 400, "the body is too long") : addCheckpoint(witness, body, response);
  }
  const [, hash, what] = /^\/([0-9a-f]{64})\/(checkpoint|contradictions)$/.exec(request.url ?? "") ?? [];
  if (request.method !== "GET" || hash === undefined) return send(response, 404, "there is no such resource");
  const log = witness.logs.find(({ name }) => digestOf(witness.crypto.sha256, utf8(name)) === hash);
  if (log !== undefined && what === "contradictions") return sendContradictions(witness.state, log.name, response);
  const note = log === undefined ? undefined : witness.state.note(log.name);
  return note === undefined ? send(response, 404, "nothing was cosigned of such a log") : send(response, 200, note);
}

function addCheckpoint(witness: WitnessServer, body: Uint8Array, response: ServerResponse): void {
  const { state, logs, key, crypto, onSubmission } = witness;
  const find = (origin: string) => {
    const log = logs.find(({ name }) => name === origin);
    return log === undefined ? undefined : { key: log, head: state.head(origin) };
  };
  const judged = judgeSubmission(body, find, crypto);
  if ("status" in judged) {
    const { contradiction, status, why } = judged;
    // Before the answer: whoever is told that a fork was seen can ask for the proof of it.
    if (contradiction !== undefined)
      state.keepContradiction(contradiction.origin, { atSeconds: witness.nowSeconds(), why, refused: contradiction.note });
    onSubmission?.({ origin: contradiction?.origin ?? "", status, why });
    if (judged.size !== undefined) return send(response, judged.status, `${judged.size}\n`, "text/x.tlog.size");
    return send(response, judged.status, `${judged.why}\n`);
  }
  const { origin, old, head, text, note } = judged;
  const line = signCosignature(text, { key, atSeconds: witness.nowSeconds() }, witness.sign);
  const parsed = parseNote(note);
  const signatures = parsed.ok ? parsed.value.signatures.filter(({ keyId }) => keyId !== key.id) : [];
  const cosigned = encodeNote({ text, signatures: [...signatures, line] });
  // INVARIANT: durable before anyone hears of it. Whoever was faster has moved the log, and this submission is judged anew.
  if (!state.advance(origin, old, { ...head, note: cosigned })) {
    return send(response, 409, `${state.head(origin)?.size ?? 0}\n`, "text/x.tlog.size");
  }
  onSubmission?.({ origin, status: 200, why: `cosigned ${head.size} entries` });
  send(response, 200, encodeNote({ text: "\n", signatures: [line] }).slice(2));
}

/** One JSON object in a line for each; the two checkpoints are verified with the log's key, by anybody. */
function sendContradictions(state: WitnessState, origin: string, response: ServerResponse): void {
  const lines = state
    .contradictions(origin)
    .map(({ atSeconds, ...kept }) => `${JSON.stringify({ at: encodeTime(atSeconds * 1000), ...kept })}\n`);
  send(response, 200, lines.join(""), "application/jsonl; charset=utf-8");
}

function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    request.on("data", (part: Buffer) => {
      length += part.length;
      if (length <= BODY_BYTES_MAX) parts.push(part);
    });
    request.on("end", () => {
      resolve(length > BODY_BYTES_MAX ? undefined : new Uint8Array(Buffer.concat(parts)));
    });
    request.on("error", reject);
  });
}

function send(response: ServerResponse, status: number, body: string, type = "text/plain; charset=utf-8"): void {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) }).end(body);
}
