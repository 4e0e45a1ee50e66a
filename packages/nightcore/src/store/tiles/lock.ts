import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fail, ok, type Result } from "#core";
import type { LedgerFault } from "#ports";
import { errnoOf, ledgerFault } from "./file-layer.ts";

/** The right to write one ledger. The operating system takes it back when the process dies, however it dies. */
export type LedgerLock = { release(): void };

const LOCK_FILE = "lock.db";
const HOLDER_FILE = "lock.pid";
const RETRY_MS = 10;

/**
 * Takes the exclusive lock of a ledger folder, waiting `waitMs` at the most. Node has no flock, so the lock is SQLite's own
 * (POSIX record locks, kept correct between the threads of one process as well) on an empty database that is never written.
 */
export async function acquireLock(folder: string, waitMs: number): Promise<Result<LedgerLock, LedgerFault>> {
  // Loaded here: a reader needs no SQLite, and a cold command pays for it only when it writes.
  const { DatabaseSync } = await import("node:sqlite");
  const deadline = performance.now() + waitMs;
  for (;;) {
    const database = new DatabaseSync(join(folder, LOCK_FILE), { timeout: 0 });
    try {
      // What is never written needs no journal on the disk, and none that is flushed; Node refuses to do without any.
      database.exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=MEMORY; BEGIN EXCLUSIVE");
      writeHolder(folder);
      return ok({ release: () => database.close() });
    } catch (error) {
      database.close();
      if (!isBusy(error)) return fail(ledgerFault("ledger/write-failed", LOCK_FILE, describe(error)));
      if (performance.now() >= deadline) return fail(ledgerFault("ledger/locked", LOCK_FILE, readHolder(folder)));
    }
    await sleep(RETRY_MS);
  }
}

/**
 * Who holds the lock of a ledger folder, in words; empty when nobody does. Changes nothing: it asks for the lock that SQLite's
 * readers share, and gives it back.
 */
export async function readWriter(folder: string): Promise<string> {
  if (!existsSync(join(folder, LOCK_FILE))) return "";
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(join(folder, LOCK_FILE), { readOnly: true, timeout: 0 });
  try {
    database.prepare("SELECT count(*) FROM sqlite_master").get();
    return "";
  } catch (error) {
    if (!isBusy(error)) throw error;
    return readHolder(folder) || "held by another process";
  } finally {
    database.close();
  }
}

function isBusy(error: unknown): boolean {
  const SQLITE_BUSY = 5;
  return typeof error === "object" && error !== null && "errcode" in error && error.errcode === SQLITE_BUSY;
}

function describe(error: unknown): string {
  return errnoOf(error) || (error instanceof Error ? error.message : "unknown");
}

/** Says who holds the lock. On a full disk nobody is told, and the lock holds all the same. */
function writeHolder(folder: string): void {
  try {
    writeFileSync(join(folder, HOLDER_FILE), String(process.pid));
  } catch (error) {
    if (errnoOf(error) === "") throw error;
  }
}

/** The holder as it wrote itself down; a hint, because nobody else vouches for it. */
function readHolder(folder: string): string {
  try {
    const pid = readFileSync(join(folder, HOLDER_FILE), "latin1");
    return /^[1-9][0-9]{0,9}$/.test(pid) ? `held by process ${pid}` : "";
  } catch {
    return "";
  }
}
