import { randomInt } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type FileLayer, nodeFiles } from "../../packages/nightcore/src/store/tiles/index.ts";

/** How the chosen step fails: nothing of it happens, all of it happens and yet it reports failure, or half of a write does. */
export type Failure = "not persisted" | "persisted" | "torn";

/** `only`: count the steps of this name alone. `lasting`: every later one fails as well, as on a full disk. */
export type Plan = {
  readonly step: number;
  readonly failure: Failure;
  readonly errno: string;
  readonly only?: StepName;
  readonly lasting?: boolean;
};

/** The steps that may fail. `open` is the opening of what exists, `create` that of a new file. */
export type StepName = "open" | "create" | "write" | "fdatasync" | "fsync" | "rename" | "unlink" | "mkdir" | "rmdir";

/** What a layer has done: how many steps that change the disk, and the one that failed. */
export type Journey = { steps: number; failed: string | undefined };

export function errno(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** The platform's files, except that one step fails as planned. Background zero-filling is left out, to keep steps in order. */
export function failingFiles(plan: Plan | undefined, journey: Journey): FileLayer {
  function step<T>(name: StepName, work: () => T, half: () => void = () => undefined): T {
    // Opening what exists changes nothing on the disk; it is a step only for those who ask for it.
    if (plan?.only === undefined ? name === "open" : name !== plan.only) return work();
    const count = journey.steps++;
    const chosen = plan !== undefined && (plan.lasting === true ? count >= plan.step : count === plan.step);
    if (!chosen) return work();
    journey.failed ??= name;
    if (plan.failure === "persisted") work();
    if (plan.failure === "torn") half();
    throw errno(plan.errno);
  }
  const files: FileLayer = {
    ...nodeFiles,
    open: (path, mode) => step(mode === "create" ? "create" : "open", () => nodeFiles.open(path, cached(mode))),
    write: (fd, bytes, position) =>
      step(
        "write",
        () => nodeFiles.write(fd, bytes, position),
        () => nodeFiles.write(fd, bytes.subarray(0, bytes.length >> 1), position),
      ),
    fdatasync: (fd) => step("fdatasync", () => nodeFiles.fdatasync(fd)),
    fsync: (fd) => step("fsync", () => nodeFiles.fsync(fd)),
    rename: (from, to) => step("rename", () => nodeFiles.rename(from, to)),
    unlink: (path) => step("unlink", () => nodeFiles.unlink(path)),
    makeFolder: (path) => step("mkdir", () => nodeFiles.makeFolder(path)),
    removeFolder: (path) => step("rmdir", () => nodeFiles.removeFolder(path)),
    zeroFill: () => Promise.reject(errno("EAGAIN")),
    ...inSteps(() => files),
  };
  return files;
}

/** Half a write, and one that may be torn at any byte, need the page cache. */
function cached(mode: Parameters<FileLayer["open"]>[1]): Parameters<FileLayer["open"]>[1] {
  return mode === "direct" || mode === "through" ? "write" : mode;
}

type InSteps = Pick<FileLayer, "writeThrough" | "createFlushed">;

/** What a layer does in one step or off the calling thread, step by step in it, so that each step can fail. */
function inSteps(layer: () => FileLayer): InSteps {
  function writeThrough(fd: number, bytes: Uint8Array, position: number): void {
    const files = layer();
    for (let at = 0; at < bytes.length;) at += files.write(fd, bytes.subarray(at), position + at);
    files.fdatasync(fd);
  }
  return {
    writeThrough,
    // oxlint-disable-next-line typescript/require-await -- what it throws is to reject
    async createFlushed(path, bytes) {
      const files = layer();
      const fd = files.open(path, "create");
      try {
        writeThrough(fd, bytes, 0);
      } finally {
        files.close(fd);
      }
    },
  };
}

const SECTOR_BYTES = 512;
type Overwritten = { readonly path: string; readonly position: number; readonly before: Buffer; readonly length: number };
type Renamed = { readonly from: string; readonly to: string; readonly before: Buffer | undefined };

/**
 * The platform's files until the power goes at a chosen step. What was not flushed by then becomes, sector by sector, what it
 * was before, zeros, garbage, or what was written; names that were not flushed may fall back. A seeded generator draws.
 */
export class PowerCutFiles {
  readonly #cutAt: number;
  readonly #draw: () => number;
  readonly #flushes: boolean;
  readonly #paths = new Map<number, string>();
  #writes: Overwritten[] = [];
  #renames: Renamed[] = [];
  #steps = 0;
  #dead = false;

  /** `flushes: false`: a disk that says that it has flushed and has not, to prove that the loss would be seen. */
  constructor(cutAt: number, seed: number, { flushes = true } = {}) {
    this.#flushes = flushes;
    this.#cutAt = cutAt;
    this.#draw = generator(seed);
  }

  get dead(): boolean {
    return this.#dead;
  }

  readonly files: FileLayer = {
    ...nodeFiles,
    open: (path, mode) => {
      this.#alive();
      const fd = nodeFiles.open(path, cached(mode));
      this.#paths.set(fd, path);
      return fd;
    },
    write: (fd, bytes, position) => {
      const path = this.#paths.get(fd) ?? "";
      const before = Buffer.alloc(bytes.length);
      const known = nodeFiles.read(fd, before, position);
      // What a write leaves as it was survives it: the system writes whole pages, and whoever appends writes the last one again.
      const kept = bytes.findIndex((byte, i) => i >= known || byte !== before[i]);
      const changed = { position: position + kept, before: before.subarray(kept, known), length: bytes.length - kept };
      if (kept >= 0) this.#writes.push({ path, ...changed });
      const written = nodeFiles.write(fd, bytes, position);
      this.#step();
      return written;
    },
    fdatasync: (fd) => {
      this.#step();
      const path = this.#paths.get(fd);
      nodeFiles.fdatasync(fd);
      if (this.#flushes) this.#writes = this.#writes.filter((write) => write.path !== path);
    },
    fsync: (fd) => {
      this.#step();
      const path = this.#paths.get(fd);
      this.#renames = this.#renames.filter((renamed) => dirname(renamed.to) !== path);
    },
    rename: (from, to) => {
      this.#step();
      this.#renames.push({ from, to, before: existsSync(to) ? readFileSync(to) : undefined });
      nodeFiles.rename(from, to);
      this.#writes = this.#writes.map((write) => (write.path === from ? { ...write, path: to } : write));
    },
    unlink: (path) => {
      this.#step();
      nodeFiles.unlink(path);
    },
    zeroFill: () => Promise.reject(errno("EAGAIN")),
    ...inSteps(() => this.files),
  };

  /** Puts the disk into the state after the power cut. */
  cut(): void {
    this.#dead = true;
    for (const { path, position, before, length } of this.#writes.toReversed())
      this.#loseSectors({ path, position, before, length });
    for (const { from, to, before } of this.#renames.toReversed()) {
      if (this.#draw() < 0.5 || !existsSync(to)) continue;
      if (before === undefined) renameSync(to, from);
      else writeFileSync(to, before);
    }
  }

  #loseSectors({ path, position, before, length }: Overwritten): void {
    if (!existsSync(path)) return;
    const bytes = readFileSync(path);
    for (let at = position - (position % SECTOR_BYTES); at < position + length; at += SECTOR_BYTES) {
      const fate = this.#draw();
      if (fate < 0.4) continue; // it reached the disk
      const from = Math.max(at, position);
      const to = Math.min(at + SECTOR_BYTES, position + length, bytes.length);
      for (let i = from; i < to; i++) {
        if (fate < 0.7) bytes[i] = before[i - position] ?? 0;
        else bytes[i] = fate < 0.85 ? 0 : Math.floor(this.#draw() * 256);
      }
    }
    rmSync(path);
    writeFileSync(path, bytes);
  }

  #alive(): void {
    if (this.#dead) throw errno("EIO");
  }

  #step(): void {
    this.#alive();
    if (this.#steps++ !== this.#cutAt) return;
    this.cut();
    throw errno("EIO");
  }
}

/** A small generator that gives the same draws for the same seed (mulberry32). */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A seed to start from; a failure prints it. */
export const SEED = Number(process.env["NIGHTCORE_SEED"] ?? randomInt(1_000_000));
