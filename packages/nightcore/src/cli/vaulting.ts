import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Digest } from "#core";
import { digestBlocks, newestDigestChange, type Rows } from "#state";
import { openBlobs, openVault } from "#store/blobs";
import { isolateModule, type IsolationNote, restoreModule } from "#store/modules";
import type { Projection } from "#store/sqlite";
import { type Configuration, type Layout, listFolders } from "#store/workspace";
import type { Recorder } from "#worker";

/** Where the bytes lie, and the rows that say what of them is blocked. */
export type VaultSession = {
  readonly layout: Layout;
  readonly configuration: Configuration;
  readonly rows: Projection;
  readonly recorder: Pick<Recorder, "applied">;
};

/** Digests of what went into the vault, and of what came out of it. */
export type Settled = { readonly isolated: readonly Digest[]; readonly restored: readonly Digest[] };

/**
 * Brings bytes to where the log says that they belong: what it blocks by digest into the vault, out of `modules/` and out of the
 * blobs, and what it has released since back. The log is the intent: it is asked at each opening how far this has come, so dying
 * in between leaves nothing behind. `folders`: module folders outside of `modules/`, which nobody would look into later.
 */
export function settleVault(session: VaultSession, folders: readonly string[] = []): Settled {
  const { layout, rows, recorder } = session;
  const newest = newestDigestChange(rows);
  const vault = openVault(layout.vault);
  const { settledTo } = vault;
  if (newest === undefined || (newest === settledTo && folders.length === 0)) return { isolated: [], restored: [] };
  // What was put and not yet committed would not be found.
  rows.commit(recorder.applied);
  // A vault that is ahead belongs to a longer log than this, of which an older copy was put back: all of it is looked at again.
  const changed = changedDigests(rows, settledTo !== undefined && settledTo < newest ? settledTo : -1);
  const blocked = changed.filter((digest) => blockOf(rows, digest) !== undefined);
  const released = new Set(changed.filter((digest) => !blocked.includes(digest)));
  const places = [...listFolders(layout.modules).map((name) => join(layout.modules, name)), ...folders];
  const isolated = [...isolateBlobs(session, blocked), ...places.flatMap((folder) => isolateFolder(session, folder))];
  const restored = restoreReleased(session, released, places);
  if (newest !== settledTo) vault.noteSettled(newest);
  return { isolated: [...new Set(isolated)], restored };
}

/** Takes the bytes of one folder into the vault, if they are blocked: what came in again after it was blocked. */
export function isolateFolder({ layout, configuration, rows }: VaultSession, folder: string): readonly Digest[] {
  const vault = openVault(layout.vault);
  const digest = isolateModule(folder, configuration.moduleBytesMax, {
    blockOf: (one) => blockOf(rows, one),
    keep: (one, bytes) => vault.put(one, bytes),
  });
  return digest === undefined ? [] : [digest];
}

function isolateBlobs({ layout }: VaultSession, blocked: readonly Digest[]): readonly Digest[] {
  const blobs = openBlobs(layout.blobs);
  const vault = openVault(layout.vault);
  const found: Digest[] = [];
  for (const digest of blocked) {
    const bytes = blobs.get(digest);
    if (bytes === undefined) continue;
    vault.put(digest, bytes);
    found.push(digest);
  }
  // In the vault and durable before the first of them goes.
  if (found.length > 0) blobs.delete(new Set(found));
  return found;
}

function restoreReleased({ layout }: VaultSession, released: ReadonlySet<Digest>, places: readonly string[]): readonly Digest[] {
  if (released.size === 0) return [];
  const vault = openVault(layout.vault);
  const blobs = openBlobs(layout.blobs);
  const get = (digest: Digest) => (released.has(digest) ? vault.get(digest) : undefined);
  const found = [...released].filter((digest) => get(digest) !== undefined);
  for (const folder of places) if (existsSync(folder)) restoreModule(folder, get);
  for (const digest of found) {
    blobs.put(digest, get(digest) ?? new Uint8Array());
    vault.delete(digest);
  }
  return found;
}

function changedDigests(rows: Rows, settledTo: number): readonly Digest[] {
  const isNew = (index: unknown) => typeof index === "number" && index > settledTo;
  const all = rows.scan("blocks", { where: { kind: "digest" }, orderBy: "log_index" });
  const changed = all.filter((row) => isNew(row["log_index"]) || isNew(row["released_index"]));
  return [...new Set(changed.map((row) => String(row["target"]) as Digest))];
}

function blockOf(rows: Rows, digest: Digest): IsolationNote | undefined {
  const [first] = digestBlocks(rows, digest);
  return first && { block: first.id, at: first.at, reason: first.reason };
}
