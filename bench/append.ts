/**
 * Durable appends per second, by 1, 10 and 100 appenders who each wait for their acknowledgement before the next append.
 *
 * Ours: the ledger writer in its worker thread, with the Merkle tree, a signed checkpoint per flush and publication.
 * The peer: SQLite in WAL mode, synchronous=FULL, adaptive group commit, in the appenders' own thread; no tree, no checkpoint.
 * In the promised lines both sides wrap a 1,024-byte payload in the same DSSE envelope, sign it, and store the same bytes.
 * In the `raw` lines both store 1,024 bytes as they are, so that what remains is tree, checkpoint, publication and thread.
 *
 * Both run in one process on one disk, in turn, and the medians of the rounds are compared.
 */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { sealEnvelope, makeEntrySigner } from "../packages/nightcore/src/attest/index.ts";
import { publicKeyOf, sha256, signerOf } from "../packages/nightcore/src/store/keys/index.ts";
import { openLedgerWriter } from "../packages/nightcore/src/store/tiles/index.ts";
import { medianOf } from "../tools/bench-workspace.ts";
import { makePromiseLine } from "../tools/promise.ts";

const ROUNDS = 7;
const WARM_ROUNDS = 3; // code, segments, pages
const ROUND_MS = 600;
const PAYLOAD_BYTES = 1024;

type Append = (payload: Uint8Array) => Promise<void>;
type Store = { readonly append: Append; readonly close: () => Promise<void> };
type Form = "sealed" | "raw";

const folder = mkdtempSync(join(process.env["NIGHTCORE_BENCH_DIR"] ?? tmpdir(), "nightcore-append-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const { privateKey } = generateKeyPairSync("ed25519");
let stores = 0;

async function openOurs(form: Form, key: KeyObject): Promise<Store> {
  const opened = await openLedgerWriter({
    folder: join(folder, `ledger-${stores++}`),
    origin: "bench.invalid/append",
    key,
    thread: true,
    entries: form,
  });
  if (!opened.ok) throw new Error(`${opened.fault.code} ${opened.fault.detail}`);
  const writer = opened.value;
  return {
    async append(payload) {
      const appended = await writer.append([payload]);
      if (!appended.ok) throw new Error(appended.fault.code);
    },
    async close() {
      const closed = await writer.close();
      if (!closed.ok) throw new Error(closed.fault.code);
    },
  };
}

function openPeer(form: Form, key: KeyObject): Store {
  const database = new DatabaseSync(join(folder, `peer-${stores++}.db`));
  database.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE entries (id INTEGER PRIMARY KEY, entry BLOB)");
  const insert = database.prepare("INSERT INTO entries (entry) VALUES (?)");
  const signer = makeEntrySigner(sha256, publicKeyOf(key), signerOf(key));
  let waiting: { readonly payload: Uint8Array; readonly done: () => void }[] = [];
  function flush(): void {
    const batch = waiting;
    waiting = [];
    database.exec("BEGIN");
    for (const { payload } of batch) insert.run(form === "raw" ? payload : seal(payload));
    database.exec("COMMIT");
    for (const { done } of batch) done();
  }
  function seal(payload: Uint8Array): Uint8Array {
    const envelope = sealEnvelope(payload, signer);
    if (!envelope.ok) throw new Error(envelope.fault.code);
    return envelope.value;
  }
  return {
    append: (payload) =>
      new Promise((done) => {
        waiting.push({ payload, done });
        if (waiting.length === 1) setImmediate(flush);
      }),
    close: () => Promise.resolve(database.close()),
  };
}

/** Appends per second over one round of so many appenders. */
async function measureRound(append: Append, appenders: number): Promise<number> {
  const payload = new Uint8Array(PAYLOAD_BYTES).fill(0x61);
  const began = performance.now();
  let count = 0;
  async function work(): Promise<void> {
    while (performance.now() - began < ROUND_MS) {
      await append(payload);
      count++;
    }
  }
  await Promise.all(Array.from({ length: appenders }, work));
  return (count * 1000) / (performance.now() - began);
}

/** What is promised: the ratio at so many appenders, both sides signing (`sealed`) or neither (`raw`). */
const PROMISES: readonly (readonly [form: Form, appenders: number, bound: number])[] = [
  ["sealed", 1, 0.4],
  ["sealed", 10, 0.4],
  ["sealed", 100, 0.7],
  ["raw", 1, 0.4],
  ["raw", 10, 0.4],
  ["raw", 100, 0.6],
];

function nameOf(form: Form, appenders: number): string {
  return form === "sealed" ? `append-${appenders}` : `append-raw-${appenders}`;
}

async function compare(form: Form, appenders: number, bound: number): Promise<void> {
  // Both stay open over all rounds, as they do in service: a new writer thread would be measured with its code still cold.
  const own = await openOurs(form, privateKey);
  const other = openPeer(form, privateKey);
  const ours: number[] = [];
  const peers: number[] = [];
  for (let round = 0; round < WARM_ROUNDS + ROUNDS; round++) {
    const rates = [await measureRound(own.append, appenders), await measureRound(other.append, appenders)] as const;
    if (round < WARM_ROUNDS) continue;
    ours.push(rates[0]);
    peers.push(rates[1]);
    process.stderr.write(`append ${form} ${appenders}: ${Math.round(rates[0])} / ${Math.round(rates[1])} per s\n`);
  }
  await own.close();
  await other.close();
  const line = makePromiseLine({
    name: nameOf(form, appenders),
    unit: "durable appends of 1 KB per s",
    measured: Math.round(medianOf(ours)),
    against: Math.round(medianOf(peers)),
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
