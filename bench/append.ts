/**
 * Durable appends per second, by 1, 10, 100 and 1,000 appenders who each wait for their acknowledgement before the next append.
 *
 * Ours: the ledger writer in its worker thread, with the Merkle tree, a signed checkpoint per flush and publication.
 * The peer: SQLite in WAL mode, synchronous=FULL, adaptive group commit, in the appenders' own thread; no tree, no checkpoint.
 * In the promised lines both sides wrap a 1,024-byte payload in the same DSSE envelope, sign it, and store the same bytes.
 * In the `raw` lines both store 1,024 bytes as they are, so that what remains is tree, checkpoint, publication and thread.
 *
 * Both run in one process on one disk, in turn, and the medians of the rounds are compared.
 */
import { DatabaseSync } from "node:sqlite";
import { makeEntrySigner, sealEnvelope } from "../packages/nightcore/src/attest/index.ts";
import { publicKeyOf, sha256, signerOf } from "../packages/nightcore/src/store/keys/index.ts";
import { compareStores, type Form, freshPath, groupCommit, openOurs, signingKey, type Store } from "../tools/append-load.ts";
import { makePromiseLine } from "../tools/promise.ts";

function openPeer(form: Form): Store {
  const database = new DatabaseSync(`${freshPath()}.db`);
  database.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE entries (id INTEGER PRIMARY KEY, entry BLOB)");
  const insert = database.prepare("INSERT INTO entries (entry) VALUES (?)");
  const signer = makeEntrySigner(sha256, publicKeyOf(signingKey), signerOf(signingKey));
  function seal(payload: Uint8Array): Uint8Array {
    const envelope = sealEnvelope(payload, signer);
    if (!envelope.ok) throw new Error(envelope.fault.code);
    return envelope.value;
  }
  return groupCommit(
    (batch) => {
      database.exec("BEGIN");
      for (const payload of batch) insert.run(form === "raw" ? payload : seal(payload));
      database.exec("COMMIT");
    },
    { close: () => database.close() },
  );
}

/** What is promised: the ratio at so many appenders, both sides signing (`sealed`) or neither (`raw`). */
const PROMISES: readonly (readonly [form: Form, appenders: number, bound: number])[] = [
  ["sealed", 1, 0.5],
  ["sealed", 10, 0.6],
  ["sealed", 100, 0.8],
  ["sealed", 1000, 0.8],
  ["raw", 1, 0.5],
  ["raw", 10, 0.6],
  ["raw", 100, 0.8],
  ["raw", 1000, 0.8],
];

function nameOf(form: Form, appenders: number): string {
  return form === "sealed" ? `append-${appenders}` : `append-raw-${appenders}`;
}

async function compare(form: Form, appenders: number, bound: number): Promise<void> {
  const name = nameOf(form, appenders);
  const { ours, theirs } = await compareStores(name, appenders, { own: await openOurs(form), other: openPeer(form) });
  const line = makePromiseLine({
    name,
    unit: "durable appends of 1 KB per s",
    measured: ours,
    against: theirs,
    peer: `SQLite WAL synchronous=FULL, group commit${form === "sealed" ? ", same signed envelopes" : ", no signature"}`,
    promise: `>= ${bound}`,
  });
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

if (process.argv.includes("--list")) {
  process.stdout.write(PROMISES.map(([form, appenders]) => `${nameOf(form, appenders)}\n`).join(""));
} else {
  for (const [form, appenders, bound] of PROMISES) await compare(form, appenders, bound);
}
