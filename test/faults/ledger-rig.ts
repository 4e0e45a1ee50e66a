import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { parseEnvelope } from "../../packages/nightcore/src/attest/index.ts";
import { encodeVkey, Frontier, makeLogKey, makeTreeHash, verifyCheckpoint } from "../../packages/nightcore/src/ledger/index.ts";
import { privateKeyObject, publicKeyOf, sha256, verifyEd25519 } from "../../packages/nightcore/src/store/keys/index.ts";
import {
  type LedgerWriterOptions,
  openLedgerReader,
  openLedgerWriter,
  verifyLedger,
} from "../../packages/nightcore/src/store/tiles/index.ts";

export const ORIGIN = "log.test/faults";
export const KEY = privateKeyObject(new Uint8Array(32).fill(6));
const made = makeLogKey(sha256, ORIGIN, publicKeyOf(KEY));
assert.ok(made.ok);
const LOG_KEY = made.value;
export const VKEY = encodeVkey(LOG_KEY);

/** A folder that goes when the test ends. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "nightcore-ledger-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function openWriter(folder: string, options: Partial<LedgerWriterOptions> = {}) {
  return openLedgerWriter({ folder, origin: ORIGIN, key: KEY, thread: false, publishAfterMs: 1_000_000, ...options });
}

/** What has been promised: the checkpoint handed out for each payload, by index. */
export type Promised = Map<number, { readonly payload: string; readonly checkpoint: string }>;

export function payloadOf(name: string): Uint8Array {
  return Buffer.from(JSON.stringify({ name, pad: "x".repeat(name.length * 7) }));
}

/**
 * The ledger as it is now keeps every promise: each acknowledged payload stands at its index, each checkpoint that was handed
 * out is a head of this very tree, and nothing in the folder contradicts anything else. Returns the payloads.
 */
export async function assertPromises(folder: string, promised: Promised, { signatures = true } = {}): Promise<readonly string[]> {
  const reader = openLedgerReader({ folder });
  assert.ok(reader.ok, JSON.stringify(reader));
  const payloads: string[] = [];
  const hash = makeTreeHash(sha256);
  const frontier = new Frontier(hash);
  const heads = new Map([...promised.values()].map(({ checkpoint }) => [checkpoint, headOf(checkpoint)]));
  const roots = new Map<number, Buffer>();
  const sizes = new Set([...heads.values()].map(({ size }) => size));
  for (const entry of reader.value.entries(0, reader.value.size)) {
    const envelope = parseEnvelope(entry);
    assert.ok(envelope.ok);
    payloads.push(Buffer.from(envelope.value.payload).toString());
    frontier.append(hash.leaf(entry));
    if (sizes.has(frontier.size)) roots.set(frontier.size, Buffer.from(frontier.root()));
  }
  for (const [index, { payload }] of promised) assert.equal(payloads[index], payload, `entry ${index} of ${payloads.length}`);
  for (const { size, root } of heads.values()) assert.deepEqual(roots.get(size), Buffer.from(root), `the head of ${size}`);
  const verified = await verifyLedger({ folder, vkey: VKEY, signatures });
  assert.ok(verified.ok, JSON.stringify(verified));
  assert.deepEqual(verified.value.problems, []);
  return payloads;
}

function headOf(checkpoint: string): { readonly size: number; readonly root: Uint8Array } {
  const head = verifyCheckpoint(checkpoint, LOG_KEY, verifyEd25519);
  assert.ok(head.ok);
  return { size: head.value.size, root: head.value.root };
}
