import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { TestContext } from "node:test";
import { encodeStatement } from "../../packages/nightcore/src/attest/index.ts";
import type { Result } from "../../packages/nightcore/src/core/index.ts";
import type { LedgerFault } from "../../packages/nightcore/src/ports/index.ts";
import { publicKeyOf } from "../../packages/nightcore/src/store/keys/index.ts";
import {
  type LedgerWriterOptions,
  openLedgerReader,
  type Pruned,
  pruneLedger,
  type PruningOptions,
  type TilesReader,
  verifyLedger,
} from "../../packages/nightcore/src/store/tiles/index.ts";
import { KEY, openWriter, payloadOf, temporaryFolder, VKEY } from "./ledger-rig.ts";

/** Entries in {@link makeLedger}'s log, the bundles that it may lose, and the minimum index behind them. */
export const SIZE = 812;
export const MINIMUM = 512;
export const PUBLIC_KEY: Uint8Array = publicKeyOf(KEY);

const PAD = "x".repeat(60);

/** Small segments, so that the journal soon holds the newest entries alone. */
export const reopen = (folder: string, options: Partial<LedgerWriterOptions> = {}) =>
  openWriter(folder, { segmentBytes: 65_536, ...options });

/** A published log of {@link SIZE} entries, of which the journal holds less than the last 300. */
export async function makeLedger(t: TestContext): Promise<string> {
  const folder = join(temporaryFolder(t), "ledger");
  await grow(folder, SIZE);
  return folder;
}

/** Appends and publishes so many entries. */
export async function grow(folder: string, count: number): Promise<void> {
  const opened = await reopen(folder);
  assert.ok(opened.ok, JSON.stringify(opened));
  const { value: writer } = opened;
  for (let n = 0; n < count; n += 50) {
    const first = writer.openedSize + n;
    const payloads = Array.from({ length: Math.min(50, count - n) }, (_, i) => payloadOf(`${PAD} ${first + i}`));
    assert.ok((await writer.append(payloads)).ok);
  }
  assert.ok((await writer.close()).ok);
}

/** The payload of a pruning entry. */
export function pruningStatement(minimumIndex: number, archive: string, root = "00".repeat(32)): Uint8Array {
  const at = "2026-01-01T00:00:00.000Z";
  return encodeStatement({
    subject: [{ name: "pruning", digest: { sha256: "00".repeat(32) } }],
    predicateType: "urn:nightcore:pruning:v1",
    predicate: { at, minimumIndex, root, policy: { logDays: 1 }, archive, by: { account: "test" } },
  });
}

/** The minimum index that the log has recorded by now. */
export function recordedIndex(folder: string): number {
  const reader = openLedgerReader({ folder });
  assert.ok(reader.ok, JSON.stringify(reader));
  const { size } = reader.value;
  const texts = [...reader.value.entries(MINIMUM, size)].map((entry) => {
    const { payload } = JSON.parse(Buffer.from(entry).toString()) as { readonly payload: string };
    return Buffer.from(payload, "base64").toString();
  });
  const newest = texts.findLast((text) => text.includes("urn:nightcore:pruning:v1")) ?? `{"predicate":{"minimumIndex":0}}`;
  return (JSON.parse(newest) as { readonly predicate: { readonly minimumIndex: number } }).predicate.minimumIndex;
}

/** Prunes as the command does: with the lock, by an entry of the log. `failures` of the disk hit the pruning alone. */
export async function prune(
  folder: string,
  archive: string,
  options: Partial<Pick<PruningOptions, "files" | "minimumIndex" | "record">> = {},
): Promise<Result<Pruned, LedgerFault>> {
  const opened = await reopen(folder);
  assert.ok(opened.ok, JSON.stringify(opened));
  const { value: writer } = opened;
  const reader = openLedgerReader({ folder, publicKey: PUBLIC_KEY, archive: { base: folder, folder: archive } });
  assert.ok(reader.ok);
  const { minimumIndex = MINIMUM } = options;
  const record = async (root: string) => {
    const appended = await writer.append([pruningStatement(minimumIndex, archive, root)]);
    return appended.ok ? writer.publish() : appended;
  };
  const before = recordedIndex(folder);
  const pruned = await pruneLedger({ reader: reader.value, archive, minimumIndex, recordedIndex: before, record, ...options });
  assert.ok((await writer.close()).ok);
  return pruned;
}

/** A reader that looks into an archive, or into none. */
export function read(folder: string, archive?: string): TilesReader {
  const place = archive === undefined ? undefined : { base: folder, folder: archive };
  const reader = openLedgerReader({ folder, publicKey: PUBLIC_KEY, archive: place });
  assert.ok(reader.ok, JSON.stringify(reader));
  return reader.value;
}

/** The first entries as text: they must never change, wherever they lie. */
export function readAll(folder: string, archive?: string): readonly string[] {
  return [...read(folder, archive).entries(0, SIZE)].map((entry) => Buffer.from(entry).toString("latin1"));
}

/** What a verification says, with an archive or without. */
export async function verify(folder: string, archive?: string) {
  const place = archive === undefined ? undefined : { base: folder, folder: archive };
  const verified = await verifyLedger({ folder, vkey: VKEY, archive: place });
  assert.ok(verified.ok, JSON.stringify(verified));
  return verified.value;
}

/** Files of a published folder, relative to it. */
export function listPublic(folder: string): readonly string[] {
  return readdirSync(join(folder, "public"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(join(folder, "public"), join(parentPath, name)))
    .toSorted();
}

/** The files that a pruning up to {@link MINIMUM} takes. */
export const TAKEN = ["tile/0/000", "tile/0/001", "tile/entries/000", "tile/entries/001"] as const;

/** The bytes of a file of a published folder. */
export function bytesOf(folder: string, path: string): Buffer {
  return readFileSync(join(folder, "public", path));
}
