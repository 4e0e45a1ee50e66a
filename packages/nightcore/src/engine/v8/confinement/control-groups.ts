import { readdirSync, readlinkSync, rmdirSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ControlGroup, OWN_BYTES, succeeds } from "./control-group.ts";
import type { Controller, Hierarchy } from "./hierarchy.ts";

let made = 0;

/**
 * Makes groups of processes below the worker's own, and takes them away again. Their names say whose they are, so that those of a
 * worker that was killed are found, which are empty then.
 */
export class ControlGroups {
  readonly #hierarchies: readonly Hierarchy[];
  readonly #ownBytes: number;
  #prepared = false;

  constructor(hierarchies: readonly Hierarchy[], ownBytes = OWN_BYTES) {
    this.#hierarchies = hierarchies;
    this.#ownBytes = ownBytes;
  }

  get controllers(): readonly Controller[] {
    return this.#hierarchies.map(({ controller }) => controller);
  }

  /** A group with limits for a process that is not there yet. When something of it fails, nobody will be able to join it. */
  make(): ControlGroup {
    this.#prepare();
    const name = `${ownPrefix()}${process.pid}-${++made}`;
    const places = this.#hierarchies.map((one) => ({ ...one, folder: join(one.folder, name) }));
    const group = new ControlGroup(places);
    group.create(this.#ownBytes);
    return group;
  }

  #prepare(): void {
    if (this.#prepared) return;
    this.#prepared = true;
    for (const folder of new Set(this.#hierarchies.map(({ folder: one }) => one))) sweep(folder);
    const unified = this.#hierarchies.filter(({ version }) => version === 2);
    const [first] = unified;
    if (first !== undefined)
      handOn(
        first.folder,
        unified.map(({ controller }) => controller),
      );
  }
}

/** Numbers of processes mean something in one namespace only. */
function ownPrefix(): string {
  const namespace = /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "0";
  return `nightcore-${namespace}-`;
}

/** Removes what workers have left that are no more. A group with a process in it cannot be removed. */
function sweep(folder: string): void {
  const prefix = ownPrefix();
  for (const name of listFolder(folder)) {
    const pid = name.startsWith(prefix) ? /^(\d+)-/.exec(name.slice(prefix.length))?.[1] : undefined;
    if (pid !== undefined && !isAlive(Number(pid))) succeeds(() => rmdirSync(join(folder, name)));
  }
}

function listFolder(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** cgroups(7): a group of version 2 hands controllers on when no process is in it, so the worker moves into one below it. */
function handOn(folder: string, controllers: readonly Controller[]): void {
  const control = (): void =>
    writeFileSync(join(folder, "cgroup.subtree_control"), controllers.map((one) => `+${one}`).join(" "));
  if (succeeds(control)) return;
  const own = join(folder, `${ownPrefix()}${process.pid}-worker`);
  const move = (to: string): void => writeFileSync(join(to, "cgroup.procs"), String(process.pid));
  const moved = succeeds(() => {
    mkdirSync(own);
    move(own);
    control();
  });
  if (moved) return;
  succeeds(() => move(folder));
  succeeds(() => rmdirSync(own));
}
