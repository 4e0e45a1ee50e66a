/**
 * Durable appends per second against two other ways to keep a log, entries of 1,024 bytes as they are on both sides:
 *
 * - `tiles`: what a writer does that keeps the published files themselves as its record, in the order of flushes of Tessera's POSIX
 *   driver: for each batch the partial bundle and the partial tiles, each written aside, flushed, renamed, and its folder
 *   flushed; then the signed checkpoint in the same way. Batches wait for nothing, which favours it: that driver's wait
 *   until they have an age, by default 250 ms. In the line `aged` they wait for 5.
 * - `chain`: a JSON line for each entry with the hash of the line before, flushed for each entry.
 *
 * Both are written here, small, and run in the appenders' own thread; ours has its worker thread.
 */
import { closeSync, fdatasyncSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  encodeEntries,
  GrowingTiles,
  makeLogKey,
  makeTreeHash,
  signCheckpoint,
  tilePath,
} from "../packages/nightcore/src/ledger/index.ts";
import { publicKeyOf, sha256, signerOf } from "../packages/nightcore/src/store/keys/index.ts";
import { compareStores, freshPath, groupCommit, openOurs, signingKey, type Store } from "../tools/append-load.ts";
import { makePromiseLine } from "../tools/promise.ts";

const TILE_WIDTH = 256;

function replaceDurably(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  const fd = openSync(`${path}.tmp`, "w");
  writeSync(fd, bytes);
  fdatasyncSync(fd);
  closeSync(fd);
  renameSync(`${path}.tmp`, path);
  const folder = openSync(dirname(path), "r");
  fsyncSync(folder);
  closeSync(folder);
}

function openTiles(ageMs = 0): Store {
  const root = freshPath();
  const hash = makeTreeHash(sha256);
  const tiles = GrowingTiles.resume(hash, 0, () => new Uint8Array());
  const key = makeLogKey(sha256, "bench.invalid/tiles", publicKeyOf(signingKey));
  if (!key.ok) throw new Error(key.fault.code);
  let open: Uint8Array[] = [];
  return groupCommit(
    (batch) => {
      for (const entry of batch) {
        tiles.append(hash.leaf(entry));
        open.push(entry);
      }
      const first = tiles.size - open.length;
      for (let at = 0; at < open.length; at += TILE_WIDTH) {
        const entries = open.slice(at, at + TILE_WIDTH);
        const path = tilePath({ level: "entries", index: (first + at) / TILE_WIDTH, width: entries.length });
        replaceDurably(join(root, path), encodeEntries(entries));
      }
      for (const tile of [...tiles.takeFull(), ...tiles.partials()]) replaceDurably(join(root, tilePath(tile)), tile.bytes);
      open = open.slice(open.length - (tiles.size % TILE_WIDTH));
      const head = { size: tiles.size, root: tiles.root() };
      replaceDurably(join(root, "checkpoint"), Buffer.from(signCheckpoint(head, key.value, signerOf(signingKey))));
    },
    { ageMs },
  );
}

function openChain(): Store {
  const fd = openSync(`${freshPath()}.jsonl`, "w");
  let previous = "0".repeat(64);
  return groupCommit(
    (batch) => {
      for (const payload of batch) {
        const line = JSON.stringify({ previous, entry: Buffer.from(payload).toString("base64") });
        previous = Buffer.from(sha256(Buffer.from(line))).toString("hex");
        writeSync(fd, `${line}\n`);
        fdatasyncSync(fd);
      }
    },
    { close: () => closeSync(fd) },
  );
}

const AGE_MS = 5;

type Comparison = readonly [name: string, appenders: number, open: () => Store, promise: string, peer: string];
const PROMISES: readonly Comparison[] = [
  ["append-tiles-1", 1, openTiles, ">= 5", "tiles and checkpoint flushed for each batch, as Tessera's POSIX driver does"],
  ["append-tiles-100", 100, openTiles, ">= 3", "the same"],
  ["append-tiles-100-aged", 100, () => openTiles(AGE_MS), ">= 5", `the same, with batches that are ${AGE_MS} ms old`],
  ["append-chain-100", 100, openChain, ">= 20", "a JSONL hash chain flushed for each entry"],
];

async function compare([name, appenders, open, promise, peer]: Comparison): Promise<void> {
  const { ours, theirs } = await compareStores(name, appenders, { own: await openOurs("raw"), other: open() });
  const unit = "durable appends of 1 KB per s";
  const line = makePromiseLine({ name, unit, measured: ours, against: theirs, peer, promise });
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

if (process.argv.includes("--list")) process.stdout.write(PROMISES.map(([name]) => `${name}\n`).join(""));
else for (const promise of PROMISES) await compare(promise);
