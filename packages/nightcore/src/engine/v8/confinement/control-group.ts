import { mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EngineJob } from "#ports";
import { type Hierarchy, KERNEL_FILES } from "./hierarchy.ts";

const MEBIBYTE = 1024 * 1024;

/** LIMIT: processes and threads of a sandbox. Node has about a dozen, and bubblewrap one or two around it. */
export const PROCESSES_MAX = 64;

/** LIMIT: of a sandbox process without any job: Node, and the modules that it keeps compiled (sandbox/module-cache.ts). */
export const OWN_BYTES: number = 512 * MEBIBYTE;

const BYTES_PER_MODULE_BYTE = 32; // LIMIT: docs/formats/limits.md; V8 takes 14 for most, and frees what it takes for one function
const BYTES_PER_SHOWN_BYTE = 4; // LIMIT: of input, files and output: as a message, in memory, and while they grow

/** What the system lets a process have that is given this job. More than it takes: its guest has a budget of its own. */
export function processBytesFor({ bytes, stdin, mounts, budgets }: Omit<EngineJob, "tenant">): number {
  const files = mounts.reduce((sum, mount) => sum + mount.files.reduce((all, file) => all + file.bytes.length, 0), 0);
  const shown = stdin.length + files + budgets.outputBytes;
  return OWN_BYTES + budgets.memoryBytes + BYTES_PER_MODULE_BYTE * bytes.length + BYTES_PER_SHOWN_BYTE * shown;
}

const REMOVAL_MS = 20; // between attempts: what the kernel has killed is gone a little later
const REMOVALS_MAX = 100; // LIMIT: a group that is not empty after two seconds is left to a later worker

const SHELL = "/bin/sh";

/** Enters each group that is named before `--`, and then becomes the command behind it. Writing 0 means oneself. */
const JOIN = 'while [ "$1" != -- ]; do echo 0 >"$1" || exit 126; shift; done; shift; exec "$@"';

/**
 * The file of a group by which a process enters it that has one thread, as the shell does. In version 1 that thread can go by itself;
 * to move a process with all of its threads, the kernel first waits for every processor, which takes ten milliseconds.
 */
const ENTRANCES = { 1: "tasks", 2: "cgroup.procs" } as const;

/** One group, and the limits that the kernel holds its processes to. */
export class ControlGroup {
  readonly #places: readonly Hierarchy[];
  #bytesMax = 0;

  constructor(places: readonly Hierarchy[]) {
    this.#places = places;
  }

  get #folders(): readonly string[] {
    return [...new Set(this.#places.map(({ folder }) => folder))];
  }

  get #memory(): Hierarchy | undefined {
    return this.#places.find(({ controller }) => controller === "memory");
  }

  /** Makes it with its limits in place, or not at all: then nobody can join it. */
  create(bytesMax: number): void {
    const created = succeeds(() => {
      for (const folder of this.#folders) mkdirSync(folder);
      for (const { controller, folder } of this.#places)
        if (controller === "pids") writeFileSync(join(folder, "pids.max"), String(PROCESSES_MAX));
      this.#limit(bytesMax);
    });
    if (!created) this.#removeEmpty();
  }

  /** The command that enters the group before it becomes another: whatever that starts is in it from the beginning. */
  wrap(command: string, args: readonly string[]): readonly [command: string, args: readonly string[]] {
    const members = new Set(this.#places.map(({ version, folder }) => join(folder, ENTRANCES[version])));
    return [SHELL, ["-c", JOIN, "sh", ...members, "--", command, ...args]];
  }

  /** Lets its processes have so much memory, if that is more than they may have. When it fails, they go on with less. */
  raise(bytesMax: number): void {
    if (bytesMax > this.#bytesMax) succeeds(() => this.#limit(bytesMax));
  }

  #limit(bytesMax: number): void {
    const memory = this.#memory;
    if (memory === undefined) return;
    const set = (name: string, value: number): void => writeFileSync(join(memory.folder, name), String(value));
    const raising = this.#bytesMax > 0;
    if (memory.version === 2) {
      set("memory.max", bytesMax);
      // What may not be in memory may not be in swap either. Kernels without swap do not have these.
      succeeds(() => set("memory.swap.max", 0));
      succeeds(() => set("memory.oom.group", 1));
    } else {
      // memory.rst, 5.2: the limit with swap is never below the one without.
      if (raising) succeeds(() => set("memory.memsw.limit_in_bytes", bytesMax));
      set("memory.limit_in_bytes", bytesMax);
      if (!raising) succeeds(() => set("memory.memsw.limit_in_bytes", bytesMax));
    }
    this.#bytesMax = bytesMax;
  }

  /** Whether the kernel has killed a process of it for want of memory. */
  get outOfMemory(): boolean {
    const memory = this.#memory;
    if (memory === undefined) return false;
    const file = join(memory.folder, memory.version === 2 ? "memory.events" : "memory.oom_control");
    return /^oom_kill [1-9]/m.test(KERNEL_FILES.read(file) ?? "");
  }

  /** Ends what is still in it, removes it when that is gone, and gives up after a while. */
  async remove(): Promise<void> {
    for (let n = 0; n < REMOVALS_MAX; n++) {
      this.#killMembers();
      if (this.#removeEmpty()) return;
      await new Promise((resolve) => setTimeout(resolve, REMOVAL_MS));
    }
  }

  #killMembers(): void {
    const lists = this.#folders.map((folder) => KERNEL_FILES.read(join(folder, "cgroup.procs")) ?? "");
    // One that this process cannot name is listed as 0, which for `kill` is a group that the worker is in.
    const members = new Set(
      lists
        .join("\n")
        .split("\n")
        .map(Number)
        .filter((pid) => pid > 1),
    );
    for (const pid of members) succeeds(() => process.kill(pid, "SIGKILL"));
  }

  #removeEmpty(): boolean {
    let gone = true;
    for (const folder of this.#folders) {
      try {
        rmdirSync(folder);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") gone = false;
      }
    }
    return gone;
  }
}

/** For what is tried: whether it did not throw. */
export function succeeds(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}
