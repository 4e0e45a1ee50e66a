import { assert, type Bytes, fail, ok, type Result } from "#core";
import { TILE_WIDTH } from "./merkle-tree.ts";

/** LIMIT: tlog-tiles gives an entry's length two bytes. */
export const ENTRY_BYTES_MAX = 65_535;

export type BundleFault = {
  readonly code: "ledger/bundle-malformed";
  readonly offset: number;
  readonly what: "cut inside a length" | "cut inside an entry" | "too few entries" | "bytes after the last entry";
};

/** Entries as a bundle holds them: `u16 length ‖ entry`, one after the other, no count (tlog-tiles, "Log Entries"). */
export function encodeEntries(entries: readonly Bytes[]): Uint8Array {
  let length = 0;
  for (const entry of entries) length += 2 + entry.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const entry of entries) at = writeEntry(bytes, at, entry);
  return bytes;
}

/** Writes one length-prefixed entry at `at` and returns the offset behind it. */
export function writeEntry(bytes: Uint8Array, at: number, entry: Bytes): number {
  assert(entry.length <= ENTRY_BYTES_MAX, "an entry has at most 65,535 bytes");
  bytes[at] = entry.length >>> 8;
  bytes[at + 1] = entry.length & 0xff;
  bytes.set(entry, at + 2);
  return at + 2 + entry.length;
}

/**
 * The offsets of `count` length-prefixed entries: entry i is bytes `offsets[i] + 2` to `offsets[i + 1]`, and the last offset
 * is where they end. More bytes may follow: a partial bundle is a prefix of the full one.
 */
export function parseEntryOffsets(bytes: Bytes, count: number): Result<readonly number[], BundleFault> {
  const offsets = [0];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at === bytes.length) return fail({ code: "ledger/bundle-malformed", offset: at, what: "too few entries" });
    if (at + 2 > bytes.length) return fail({ code: "ledger/bundle-malformed", offset: at, what: "cut inside a length" });
    const end = at + 2 + (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
    if (end > bytes.length) return fail({ code: "ledger/bundle-malformed", offset: at, what: "cut inside an entry" });
    at = end;
    offsets.push(at);
  }
  return ok(offsets);
}

/** Parses a bundle of exactly `count` entries (1 to 256), nothing before and nothing behind. The entries share its memory. */
export function parseBundle(bytes: Bytes, count: number): Result<readonly Bytes[], BundleFault> {
  assert(count >= 1 && count <= TILE_WIDTH, "a bundle has 1 to 256 entries");
  const offsets = parseEntryOffsets(bytes, count);
  if (!offsets.ok) return offsets;
  const end = offsets.value[count] ?? 0;
  if (end !== bytes.length) return fail({ code: "ledger/bundle-malformed", offset: end, what: "bytes after the last entry" });
  return ok(offsets.value.slice(0, count).map((at, i) => bytes.subarray(at + 2, offsets.value[i + 1])));
}
