/**
 * A ledger of ten million entries, two for each run: how long opening it for writing takes, an inclusion proof that is checked
 * against the published checkpoint, and finding the newest fifty runs of a tenant with all of their entries; and whether the memory
 * of the process that does so depends on the size of the log. Entries are small and not sealed, so that building the ledger (through
 * its own writer, with every flush) and the rows that a fold would have left takes minutes and not an hour.
 *
 * `--entries N` for another size; `--folder DIR` keeps what was built there, and uses what is there already.
 */
import { spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { digestOf, type Result, utf8 } from "../packages/nightcore/src/core/index.ts";
import { makeTreeHash, verifyInclusion } from "../packages/nightcore/src/ledger/index.ts";
import { findEntries, type Row, TABLES } from "../packages/nightcore/src/state/index.ts";
import { sha256 } from "../packages/nightcore/src/store/keys/index.ts";
import { Projection } from "../packages/nightcore/src/store/sqlite/index.ts";
import { openLedgerReader, openLedgerWriter, readProof } from "../packages/nightcore/src/store/tiles/index.ts";
import { medianOf } from "../tools/bench-workspace.ts";
import { makePromiseLine } from "../tools/promise.ts";

const ENTRIES = 10_000_000;
const SMALL_SHARE = 1000; // the ledger whose process is compared with has so many times fewer entries
const SMALLEST = 5_000;
const ENTRIES_PER_RUN = 2;
const ENTRIES_PER_APPEND = 4_000;
const RUNS_PER_COMMIT = 20_000;
const TENANTS_MAX = 1_000;
const RUNS_FOUND = 50;
const QUESTIONS = 200;
const ORIGIN = "bench.invalid/large";
const BEGAN_MS = Date.UTC(2026, 0, 1);

function must<T>(result: Result<T, { readonly code: string }>): T {
  if (!result.ok) throw new Error(result.fault.code);
  return result.value;
}

type Place = { readonly ledger: string; readonly state: string; readonly key: string };

function placeOf(folder: string): Place {
  return { ledger: join(folder, "ledger"), state: join(folder, "state.db"), key: join(folder, "key.der") };
}

const entryOf = (index: number): Uint8Array =>
  utf8(`{"kind":"entry","index":${index},"run":${Math.floor(index / ENTRIES_PER_RUN)}}`);
/** Tenants with at least as many runs each as are asked for, so that every ledger has as much to answer. */
const tenantsIn = (entries: number): number =>
  Math.min(TENANTS_MAX, Math.max(1, Math.floor(entries / ENTRIES_PER_RUN / RUNS_FOUND)));
const tenantOf = (run: number, tenants: number): string => `tenant-${(run * 7919) % tenants}`;

function rowOf(run: number, tenant: string): Row {
  const first = run * ENTRIES_PER_RUN;
  const empty = Object.fromEntries(Object.keys(TABLES.runs.columns).map((column) => [column, null]));
  const at = new Date(BEGAN_MS + run * 10).toISOString();
  return {
    ...empty,
    ...{ run: `r-${String(run).padStart(12, "0")}`, tenant, digest: digestOf(sha256, utf8(tenant)) },
    ...{ mode: "run", status: run % 50 === 0 ? "failed" : "ran", verified: 1, decided_at: at, finished_at: at, exit_code: 0 },
    ...{ wall_ms: 1, fuel: 1000, memory_bytes: 65_536, output_bytes: 19 },
    indexes: Array.from({ length: ENTRIES_PER_RUN }, (_, n) => first + n).join(","),
  };
}

async function build(folder: string, entries: number): Promise<void> {
  const place = placeOf(folder);
  if (existsSync(place.key)) return;
  mkdirSync(folder, { recursive: true });
  const { privateKey } = generateKeyPairSync("ed25519");
  const startedMs = performance.now();
  const writer = must(
    await openLedgerWriter({ folder: place.ledger, origin: ORIGIN, key: privateKey, thread: false, entries: "raw" }),
  );
  for (let at = 0; at < entries; at += ENTRIES_PER_APPEND) {
    const count = Math.min(ENTRIES_PER_APPEND, entries - at);
    must(await writer.append(Array.from({ length: count }, (_, n) => entryOf(at + n))));
    if (at % 1_000_000 === 0) process.stderr.write(`large-ledger: ${at} entries after ${sinceSeconds(startedMs)} s\n`);
  }
  must(await writer.close());
  const { projection } = Projection.open(place.state);
  const [runs, tenants] = [Math.floor(entries / ENTRIES_PER_RUN), tenantsIn(entries)];
  for (let run = 0; run < runs; run++) {
    projection.put("runs", rowOf(run, tenantOf(run, tenants)));
    if ((run + 1) % RUNS_PER_COMMIT === 0 || run + 1 === runs) projection.commit((run + 1) * ENTRIES_PER_RUN);
    if (run % 500_000 === 0) process.stderr.write(`large-ledger: ${run} runs after ${sinceSeconds(startedMs)} s\n`);
  }
  projection.close();
  writeFileSync(place.key, privateKey.export({ format: "der", type: "pkcs8" }), { mode: 0o600 });
}

function sinceSeconds(startedMs: number): string {
  return ((performance.now() - startedMs) / 1000).toFixed(0);
}

/** What one process measures: medians in milliseconds, and its resident memory at the end. */
type Measured = { readonly openMs: number; readonly proofMs: number; readonly findMs: number; readonly residentMiB: number };

async function measure(folder: string): Promise<Measured> {
  const place = placeOf(folder);
  const key = readFileSync(place.key);
  let startedMs = performance.now();
  const writer = must(await openLedgerWriter({ folder: place.ledger, origin: ORIGIN, key, thread: false, entries: "raw" }));
  const openMs = performance.now() - startedMs;
  must(await writer.close());
  const reader = must(openLedgerReader({ folder: place.ledger }));
  const rows = Projection.openExisting(place.state);
  if (rows === undefined) throw new Error("the projection cannot be opened");
  const hash = makeTreeHash(sha256);
  const { size, root } = reader.published;
  const [proofMs, findMs]: [number[], number[]] = [[], []];
  for (let n = 0; n < QUESTIONS; n++) {
    const index = (n * 7_919_771) % size; // far apart, so that no tile is asked for twice
    startedMs = performance.now();
    const path = must(readProof(reader, index));
    const [entry] = reader.entries(index, index + 1);
    const sound = entry !== undefined && verifyInclusion(hash, { index, size, leaf: hash.leaf(entry), path, root });
    proofMs.push(performance.now() - startedMs);
    if (!sound) throw new Error(`the proof of entry ${index} does not hold`);
    startedMs = performance.now();
    const found = findEntries(rows, { tenant: tenantOf(n, tenantsIn(size)), limit: RUNS_FOUND }).flatMap((at) => [
      ...reader.entries(at, at + 1),
    ]);
    findMs.push(performance.now() - startedMs);
    if (found.length !== RUNS_FOUND * ENTRIES_PER_RUN) throw new Error(`${found.length} entries were found`);
  }
  rows.close();
  return { openMs, proofMs: medianOf(proofMs), findMs: medianOf(findMs), residentMiB: process.memoryUsage.rss() / 2 ** 20 };
}

/** In a process of its own, so that building is not in its memory. */
function measureApart(folder: string): Measured {
  const run = spawnSync(process.execPath, [import.meta.filename, "--measure", folder], { encoding: "utf8" });
  if (run.status !== 0) throw new Error(run.stderr);
  return JSON.parse(run.stdout) as Measured;
}

const PROMISES = ["large-open", "large-proof", "large-find", "large-memory"] as const;

async function compare(folder: string, entries: number): Promise<void> {
  const [large, small] = [join(folder, "large"), join(folder, "small")];
  await build(small, Math.max(SMALLEST, Math.floor(entries / SMALL_SHARE)));
  await build(large, entries);
  const few = measureApart(small);
  const all = measureApart(large);
  const peer = `${entries} entries, against a limit`;
  const lines: readonly (readonly [(typeof PROMISES)[number], string, number, number, string, string])[] = [
    ["large-open", "ms", all.openMs, 2_000, peer, "<= 1"],
    ["large-proof", "ms", all.proofMs, 5, peer, "<= 1"],
    ["large-find", "ms", all.findMs, 50, peer, "<= 1"],
    [
      "large-memory",
      "MiB resident",
      all.residentMiB,
      few.residentMiB,
      `the same with ${SMALL_SHARE} times fewer entries`,
      "<= 1.3",
    ],
  ];
  for (const [name, unit, measured, against, other, promise] of lines) {
    const numbers = { measured: Number(measured.toPrecision(4)), against: Number(against.toPrecision(4)) };
    process.stdout.write(`${JSON.stringify(makePromiseLine({ name, unit, ...numbers, peer: other, promise }))}\n`);
  }
}

const { values } = parseArgs({
  options: {
    list: { type: "boolean" },
    entries: { type: "string" },
    folder: { type: "string" },
    measure: { type: "string" },
  },
});
if (values.list === true) {
  process.stdout.write(PROMISES.map((name) => `${name}\n`).join(""));
} else if (values.measure !== undefined) {
  process.stdout.write(JSON.stringify(await measure(values.measure)));
} else {
  const folder = values.folder ?? mkdtempSync(join(process.env["NIGHTCORE_BENCH_DIR"] ?? tmpdir(), "nightcore-large-ledger-"));
  try {
    await compare(folder, Number(values.entries ?? ENTRIES));
  } finally {
    if (values.folder === undefined) rmSync(folder, { recursive: true, force: true });
  }
}
