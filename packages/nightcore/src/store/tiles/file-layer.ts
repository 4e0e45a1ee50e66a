import fs from "node:fs";
import type { Bytes, Fault, Result } from "#core";
import { fail } from "#core";
import type { LedgerFault, LedgerFaultCode } from "#ports";
import { BLOCK_BYTES, returnStage, roundUpToBlock, STAGE_BYTES, takeStage } from "./page-memory.ts";

/**
 * POWER: the file operations that the ledger needs, each a step that may fail. Synchronous, because a step that has not
 * returned must not be overtaken, but for the two that only ever make files which nobody reads yet. Tests hand in a layer that
 * fails, tears or forgets at a chosen step.
 */
export type FileLayer = {
  /**
   * `create` refuses an existing file; `folder` gives a descriptor for {@link FileLayer.fsync}; `through` and `direct` give one for
   * {@link FileLayer.writeThrough}, the second past the page cache, which a file system may refuse here or later with EINVAL.
   * Throws as node:fs does.
   */
  open(path: string, mode: OpenMode): number;
  close(fd: number): void;
  read(fd: number, bytes: Uint8Array, position: number): number;
  /** May write less than it was given. */
  write(fd: number, bytes: Bytes, position: number): number;
  /** Writes all of `bytes`; durable when it returns. */
  writeThrough(fd: number, bytes: Bytes, position: number): void;
  fdatasync(fd: number): void;
  fsync(fd: number): void;
  size(fd: number): number;
  rename(from: string, to: string): void;
  unlink(path: string): void;
  /** Makes one folder; false when it was there. */
  makeFolder(path: string): boolean;
  removeFolder(path: string): void;
  /** Names in a folder, or none when it is absent. */
  list(path: string): readonly string[];
  exists(path: string): boolean;
  /** Creates `path` with `length` zero bytes and flushes it, off the calling thread. */
  zeroFill(path: string, length: number): Promise<void>;
  /** Creates `path` with these bytes and flushes it, off the calling thread: several at once share what the disk does for each. */
  createFlushed(path: string, bytes: Bytes): Promise<void>;
};

/** What a file is opened for. */
export type OpenMode = "read" | "write" | "create" | "folder" | "through" | "direct";

const { O_RDONLY, O_RDWR, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY } = fs.constants;
// Elsewhere it does not mean that the disk's own cache is flushed, and `fdatasync` follows each write.
const O_DSYNC = process.platform === "linux" ? fs.constants.O_DSYNC : 0;
const O_DIRECT = process.platform === "linux" ? fs.constants.O_DIRECT : 0;

const FLAGS: Readonly<Record<OpenMode, string | number>> = {
  read: "r",
  write: "r+",
  create: "wx+",
  folder: O_RDONLY | O_DIRECTORY,
  through: O_RDWR | O_DSYNC,
  direct: O_RDWR | O_DSYNC | O_DIRECT,
};

/** The platform's own file system. Journal and lock are for this user alone; what is published may be read by all. */
export const nodeFiles: FileLayer = {
  open: (path, mode) => fs.openSync(path, FLAGS[mode], 0o644),
  close: (fd) => fs.closeSync(fd),
  read: (fd, bytes, position) => fs.readSync(fd, bytes, 0, bytes.length, position),
  write: (fd, bytes, position) => fs.writeSync(fd, bytes, 0, bytes.length, position),
  writeThrough(fd, bytes, position) {
    writeAll(nodeFiles, fd, bytes, position);
    if (O_DSYNC === 0) fs.fdatasyncSync(fd);
  },
  fdatasync: (fd) => fs.fdatasyncSync(fd),
  fsync: (fd) => fs.fsyncSync(fd),
  size: (fd) => fs.fstatSync(fd).size,
  rename: (from, to) => fs.renameSync(from, to),
  unlink: (path) => fs.unlinkSync(path),
  makeFolder(path) {
    try {
      fs.mkdirSync(path);
      return true;
    } catch (error) {
      if (errnoOf(error) === "EEXIST") return false;
      throw error;
    }
  },
  removeFolder: (path) => fs.rmdirSync(path),
  list(path) {
    try {
      return fs.readdirSync(path);
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return [];
      throw error;
    }
  },
  exists: (path) => fs.existsSync(path),
  zeroFill: (path, length) =>
    createFlushed(path, FLAGS.create, async (fd) => {
      const zeros = new Uint8Array(Math.min(length, ZERO_CHUNK_BYTES));
      for (let at = 0; at < length; at += zeros.length) await writeAllLater(fd, zeros.subarray(0, length - at), at);
    }),
  async createFlushed(path, bytes) {
    if (bytes.length >= DIRECT_BYTES_MIN && directly) {
      try {
        return await createFlushed(path, O_WRONLY | O_CREAT | O_EXCL | O_DIRECT, (fd) => writeBlocksLater(fd, bytes));
      } catch (error) {
        if (errnoOf(error) !== "EINVAL") throw error;
        directly = false;
        fs.rmSync(path, { force: true });
      }
    }
    return createFlushed(path, FLAGS.create, (fd) => writeAllLater(fd, bytes, 0));
  },
};

const DIRECT_BYTES_MIN = 65_536; // below it the page cache is as quick

/** Whether long files are written past the page cache, which nobody needs them in; until a file system refuses it. */
let directly = O_DIRECT !== 0;

// By descriptor: a handle of node:fs/promises costs more to make than a small file.
async function createFlushed(path: string, flags: string | number, write: (fd: number) => Promise<void>): Promise<void> {
  const fd = await later<number>((done) => fs.open(path, flags, 0o644, done));
  try {
    await write(fd);
    await flushLater(fd);
  } finally {
    await later<void>((done) => fs.close(fd, done));
  }
}

/** Writes a whole file in whole blocks, and cuts it to its length. */
async function writeBlocksLater(fd: number, bytes: Bytes): Promise<void> {
  const stage = takeStage();
  try {
    for (let at = 0; at < bytes.length; at += STAGE_BYTES) {
      const part = bytes.subarray(at, at + STAGE_BYTES);
      stage.set(part);
      stage.fill(0, part.length, roundUpToBlock(part.length));
      await writeAllLater(fd, stage.subarray(0, roundUpToBlock(part.length)), at);
    }
  } finally {
    returnStage(stage);
  }
  if (bytes.length % BLOCK_BYTES !== 0) await later<void>((done) => fs.ftruncate(fd, bytes.length, done));
}

async function writeAllLater(fd: number, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const written = await later<number>((done) => fs.write(fd, bytes, at, bytes.length - at, position + at, done));
    if (written <= 0) throw new Error("nothing was written");
    at += written;
  }
}

function flushLater(fd: number): Promise<void> {
  return later<void>((done) => fs.fdatasync(fd, done));
}

/** What a call of node:fs hands to its callback. */
function later<T>(call: (done: (error: Error | null, value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => call((error, value) => (error === null ? resolve(value) : reject(error))));
}

const ZERO_CHUNK_BYTES = 1024 * 1024;

/** Writes all of `bytes`, in as many steps as the layer takes. */
export function writeAll(files: FileLayer, fd: number, bytes: Bytes, position: number): void {
  for (let at = 0; at < bytes.length;) {
    const written = files.write(fd, at === 0 ? bytes : bytes.subarray(at), position + at);
    if (written <= 0) throw new Error("nothing was written");
    at += written;
  }
}

/** Writes all of `bytes` to a file that was opened for it, makes them durable, and closes it whatever comes of that. */
export function writeFlushed(files: FileLayer, fd: number, bytes: Bytes, position = 0): void {
  try {
    writeAll(files, fd, bytes, position);
    files.fdatasync(fd);
  } finally {
    files.close(fd);
  }
}

/** Makes the names in a folder durable. */
export function flushFolder(files: FileLayer, folder: string): void {
  const fd = files.open(folder, "folder");
  try {
    files.fsync(fd);
  } finally {
    files.close(fd);
  }
}

const WHOLE_BYTES_MAX = 96 * 1024 * 1024; // LIMIT: the longest segment is that of one request of 64 MiB; all else is shorter

/** The whole file, or undefined when there is none. Of one that is longer than any of ours, its beginning: no reader takes it for one. */
export function readWhole(files: FileLayer, path: string): Buffer | undefined {
  let fd: number;
  try {
    fd = files.open(path, "read");
  } catch (error) {
    // ENOTDIR: a component of the path is a file, so there is no such file either.
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
  try {
    const bytes = Buffer.allocUnsafe(Math.min(files.size(fd), WHOLE_BYTES_MAX));
    let at = 0;
    while (at < bytes.length) {
      const read = files.read(fd, at === 0 ? bytes : bytes.subarray(at), at);
      if (read === 0) break;
      at += read;
    }
    return bytes.subarray(0, at);
  } finally {
    files.close(fd);
  }
}

/** The error code of a failed file operation, such as `ENOENT`; empty for anything else that was thrown. */
export function errnoOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** A fault about a place in the ledger folder. */
export function ledgerFault(code: LedgerFaultCode, where: string, detail: string): LedgerFault {
  return { code, where, detail };
}

/** Carries a fault out of nested reading; never leaves this room. */
export class Refusal extends Error {
  readonly fault: LedgerFault;
  constructor(fault: LedgerFault) {
    super(fault.code);
    this.fault = fault;
  }
}

/** Ends a piece of work with a fault, which {@link attempt} turns into a result again. */
export function refuse(code: LedgerFaultCode, where: string, detail: string): never {
  throw new Refusal(ledgerFault(code, where, detail));
}

/** A failed file operation as the fault that stops the writer. A bug is thrown on. */
export function faultOfError(error: unknown, where: string): LedgerFault {
  if (error instanceof Refusal) return error.fault;
  const errno = errnoOf(error);
  if (errno === "ENOSPC" || errno === "EDQUOT") return ledgerFault("ledger/disk-full", where, errno);
  if (errno === "" && !(error instanceof Error && error.message === "nothing was written")) throw error;
  return ledgerFault("ledger/write-failed", where, errno === "" ? "a write wrote nothing" : errno);
}

/** Runs a piece of work over files and turns what it throws into its fault. */
export function attempt<T>(where: string, work: () => Result<T, LedgerFault>): Result<T, LedgerFault> {
  try {
    return work();
  } catch (error) {
    return fail<LedgerFault & Fault>(faultOfError(error, where));
  }
}
