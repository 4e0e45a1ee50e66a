import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLedgerWriter } from "../packages/nightcore/src/store/tiles/index.ts";
import { medianOf } from "./bench-workspace.ts";

const ROUNDS = 7;
const WARM_ROUNDS = 3; // code, segments, pages
const ROUND_MS = 600;
const PAYLOAD_BYTES = 1024;

/** Something that appends durably: resolves when the entry would survive a power cut. */
export type Store = { readonly append: (payload: Uint8Array) => Promise<void>; readonly close: () => Promise<void> };

/** `sealed`: payloads become signed envelopes. `raw`: they are stored as they are. */
export type Form = "sealed" | "raw";

const folder = mkdtempSync(join(process.env["NIGHTCORE_BENCH_DIR"] ?? tmpdir(), "nightcore-append-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
let stores = 0;

/** The key that both sides of a comparison sign with. */
export const signingKey: KeyObject = generateKeyPairSync("ed25519").privateKey;

/** A path of its own on the disk that is measured; nothing is there yet. */
export function freshPath(): string {
  return join(folder, `store-${stores++}`);
}

/** The ledger writer in its worker thread, with tree, signed checkpoint and publication. */
export async function openOurs(form: Form): Promise<Store> {
  const origin = "bench.invalid/append";
  const opened = await openLedgerWriter({ folder: freshPath(), origin, key: signingKey, thread: true, entries: form });
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

/**
 * Group commit: what waits when a flush ends goes into the next one, at once or when the first of it is `ageMs` old. `commit` makes
 * a batch durable.
 */
export function groupCommit(
  commit: (batch: readonly Uint8Array[]) => void,
  { close = () => undefined, ageMs = 0 }: { readonly close?: () => void; readonly ageMs?: number } = {},
): Store {
  let waiting: { readonly payload: Uint8Array; readonly done: () => void }[] = [];
  function flush(): void {
    const batch = waiting;
    waiting = [];
    commit(batch.map(({ payload }) => payload));
    for (const { done } of batch) done();
  }
  return {
    append: (payload) =>
      new Promise((done) => {
        waiting.push({ payload, done });
        if (waiting.length === 1) void (ageMs === 0 ? setImmediate(flush) : setTimeout(flush, ageMs));
      }),
    close: () => Promise.resolve(close()),
  };
}

type Round = { readonly perSecond: number; readonly p50Ms: number; readonly p99Ms: number };

/** One round of so many appenders, each of which waits for its acknowledgement before the next append. */
async function measureRound({ append }: Store, appenders: number): Promise<Round> {
  const payload = new Uint8Array(PAYLOAD_BYTES).fill(0x61);
  const began = performance.now();
  const latencies: number[] = [];
  async function work(): Promise<void> {
    for (let startedMs = performance.now(); startedMs - began < ROUND_MS; startedMs = performance.now()) {
      await append(payload);
      latencies.push(performance.now() - startedMs);
    }
  }
  await Promise.all(Array.from({ length: appenders }, work));
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { perSecond: (latencies.length * 1000) / (performance.now() - began), p50Ms: at(0.5), p99Ms: at(0.99) };
}

/**
 * Medians of both sides' rates over rounds in turn. Both stay open over all rounds, as they do in service: a new writer thread
 * would be measured with its code still cold. Latencies go to stderr.
 */
export async function compareStores(
  name: string,
  appenders: number,
  { own, other }: { readonly own: Store; readonly other: Store },
): Promise<{ readonly ours: number; readonly theirs: number }> {
  const rounds: (readonly [ours: Round, theirs: Round])[] = [];
  for (let round = 0; round < WARM_ROUNDS + ROUNDS; round++) {
    const both = [await measureRound(own, appenders), await measureRound(other, appenders)] as const;
    if (round >= WARM_ROUNDS) rounds.push(both);
  }
  await own.close();
  await other.close();
  const median = (side: 0 | 1, of: keyof Round) => medianOf(rounds.map((both) => both[side][of]));
  for (const [side, who] of [[0, "ours"] as const, [1, "peer"] as const]) {
    const rate = Math.round(median(side, "perSecond"));
    process.stderr.write(
      `${name} ${who}: ${rate} per s, p50 ${median(side, "p50Ms").toFixed(2)} ms, p99 ${median(side, "p99Ms").toFixed(2)} ms\n`,
    );
  }
  return { ours: Math.round(median(0, "perSecond")), theirs: Math.round(median(1, "perSecond")) };
}
