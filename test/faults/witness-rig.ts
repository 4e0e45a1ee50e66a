import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { TestContext } from "node:test";
import { type Bytes, utf8 } from "../../packages/nightcore/src/core/index.ts";
import {
  consistencyPath,
  type LogKey,
  makeLogKey,
  makeTreeHash,
  makeWitnessKey,
  rootOf,
  signCheckpoint,
} from "../../packages/nightcore/src/ledger/index.ts";
import { publicKeyOf, sha256, signerOf, verifyEd25519 } from "../../packages/nightcore/src/store/keys/index.ts";
import {
  type AskedWitness,
  type Pauses,
  serveWitness,
  type Submission,
  WitnessState,
} from "../../packages/nightcore/src/witness/index.ts";

const { privateKey } = generateKeyPairSync("ed25519");
const made = makeLogKey(sha256, "example.com/log", publicKeyOf(privateKey));
assert.ok(made.ok);
const LOG: LogKey = made.value;
const hash = makeTreeHash(sha256);

/** Hashes of perfect subtrees of a log whose entry `n` is its number. */
function subtree(level: number, index: number): Bytes {
  return level === 0
    ? hash.leaf(utf8(String(index)))
    : hash.node(subtree(level - 1, index * 2), subtree(level - 1, index * 2 + 1));
}

/** The submission of a log of so many entries. */
export function submissionOf(size: number): Submission {
  return {
    checkpoint: signCheckpoint({ size, root: rootOf(hash, size, subtree) }, LOG, signerOf(privateKey)),
    size,
    prove: (from) => consistencyPath(hash, { from, to: size }, subtree),
    verifyEd25519,
  };
}

/** How a witness treats one request: as it should, or not. */
export type Mood =
  | "answers"
  | "hangs"
  | "hangs up"
  | "says garbage"
  | "is endless"
  | { readonly status: number; readonly retryAfter?: string; readonly says?: string };

/** A witness that is really served, and treats its first requests by these moods; it answers all later ones. */
export async function serveMoody(
  context: TestContext,
  name: string,
  moods: readonly Mood[],
): Promise<AskedWitness & { readonly requests: () => number }> {
  const pair = generateKeyPairSync("ed25519");
  const key = makeWitnessKey(sha256, `${name}.example/witness`, publicKeyOf(pair.publicKey));
  assert.ok(key.ok);
  const state = new WitnessState(":memory:");
  const sign = signerOf(pair.privateKey);
  const real = serveWitness({
    key: key.value,
    sign,
    logs: [LOG],
    state,
    crypto: { sha256, verifyEd25519 },
    nowSeconds: () => 1_700_000_000,
  });
  let requests = 0;
  const server = createServer((request, response) => {
    const mood = moods[requests++] ?? "answers";
    if (mood === "answers") real.emit("request", request, response);
    else misbehave(mood, request, response);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  context.after(() => {
    server.closeAllConnections();
    server.close();
    state.close();
  });
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return { name, key: key.value, url: `http://127.0.0.1:${address.port}`, requests: () => requests };
}

function misbehave(mood: Exclude<Mood, "answers">, request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  if (mood === "hangs") return;
  if (mood === "hangs up") return void request.destroy();
  if (mood === "says garbage") return void response.writeHead(200).end("<html>welcome</html>");
  if (mood === "is endless") return void response.writeHead(200).end(Buffer.alloc(1024 * 1024, "— "));
  const { status, retryAfter, says = "not now" } = mood;
  response.writeHead(status, retryAfter === undefined ? {} : { "retry-after": retryAfter }).end(says);
}

/** Pauses that take no time: the clock goes on by what was slept, and `slept` tells of each. */
export function makePauses(): Pauses & { readonly slept: readonly number[] } {
  let nowMs = 1_000_000;
  const slept: number[] = [];
  return {
    clock: () => nowMs,
    random: (length) => new Uint8Array(length).fill(0x80, 0, 1),
    sleep: (ms) => {
      slept.push(ms);
      nowMs += ms;
      return Promise.resolve();
    },
    slept,
  };
}
