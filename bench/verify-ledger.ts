/**
 * Verification of a whole ledger: entries of 1 KB per CPU-second, every bundle read, every leaf and tile hashed and compared,
 * the root rebuilt and the checkpoint's signature checked. One thread; CPU time, so that a busy machine matters little.
 *
 * The peer is the bare SHA-256 of the same run: one hash of a leaf's 1,025 bytes per entry and nothing else.
 */
import { generateKeyPairSync, hash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeVkey, makeLogKey } from "../packages/nightcore/src/ledger/index.ts";
import { publicKeyOf, sha256 } from "../packages/nightcore/src/store/keys/index.ts";
import { openLedgerWriter, verifyLedger } from "../packages/nightcore/src/store/tiles/index.ts";
import { medianOf } from "../tools/bench-workspace.ts";
import { makePromiseLine } from "../tools/promise.ts";

const ENTRIES = 200_000;
const BATCH = 2000;
const ENTRY_BYTES = 1024;
const ROUNDS = 3;
const PROMISE_PER_CPU_S = 300_000;
const ORIGIN = "bench.invalid/verify";

const folder = mkdtempSync(join(process.env["NIGHTCORE_BENCH_DIR"] ?? tmpdir(), "nightcore-verify-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const { privateKey } = generateKeyPairSync("ed25519");
const key = makeLogKey(sha256, ORIGIN, publicKeyOf(privateKey));
if (!key.ok) throw new Error(key.fault.code);
const vkey = encodeVkey(key.value);

async function fill(): Promise<void> {
  const opened = await openLedgerWriter({ folder, origin: ORIGIN, key: privateKey, thread: false, entries: "raw" });
  if (!opened.ok) throw new Error(opened.fault.code);
  for (let n = 0; n < ENTRIES; n += BATCH) {
    const entries = Array.from({ length: BATCH }, (_, i) => Buffer.alloc(ENTRY_BYTES, `entry ${n + i} `));
    const appended = await opened.value.append(entries);
    if (!appended.ok) throw new Error(appended.fault.code);
    if (n % 50_000 === 0) process.stderr.write(`verify-ledger: ${n} entries written\n`);
  }
  const closed = await opened.value.close();
  if (!closed.ok) throw new Error(closed.fault.code);
}

async function cpuSeconds(work: () => Promise<void> | void): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

async function verifyOnce(): Promise<void> {
  const verified = await verifyLedger({ folder, vkey });
  if (!verified.ok) throw new Error(verified.fault.code);
  if (verified.value.size !== ENTRIES || verified.value.problems.length > 0) throw new Error("the ledger does not verify");
}

function hashOnly(): void {
  const leaves = Buffer.alloc(256 * (ENTRY_BYTES + 1), "leaf");
  for (let n = 0; n < ENTRIES; n++) {
    const at = (n % 256) * (ENTRY_BYTES + 1);
    hash("sha256", leaves.subarray(at, at + ENTRY_BYTES + 1), "latin1");
  }
}

/** The absolute promise is a ratio to its own number; the second line says how near it is to what the hash alone allows. */
async function measure(): Promise<void> {
  await fill();
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(ENTRIES / (await cpuSeconds(verifyOnce)));
    bare.push(ENTRIES / (await cpuSeconds(hashOnly)));
    process.stderr.write(`verify-ledger: ${Math.round(ours.at(-1) ?? 0)} / ${Math.round(bare.at(-1) ?? 0)} per CPU-s\n`);
  }
  const unit = "entries of 1 KB per CPU-s";
  const measured = Math.round(medianOf(ours));
  const promised = { name: "verify-ledger", peer: "the promised number", against: PROMISE_PER_CPU_S, promise: ">= 1" };
  const share = {
    name: "verify-ledger-share",
    peer: "SHA-256 of the leaves alone",
    against: Math.round(medianOf(bare)),
    promise: ">= 0.2",
  };
  for (const line of [promised, share]) process.stdout.write(`${JSON.stringify(makePromiseLine({ ...line, unit, measured }))}\n`);
}

if (process.argv.includes("--list")) {
  process.stdout.write("verify-ledger\nverify-ledger-share\n");
} else {
  await measure();
}
