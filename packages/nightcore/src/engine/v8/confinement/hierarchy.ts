import { accessSync, constants, readFileSync } from "node:fs";
import { join } from "node:path";

/** What the kernel can count and limit for a group of processes. cgroups(7). */
export type Controller = "memory" | "pids";

/** Where groups can be made for a controller: below the group of the worker itself, which stays as it is. */
export type Hierarchy = { readonly controller: Controller; readonly version: 1 | 2; readonly folder: string };

/** Why there are no groups for a controller, and what to do about it. */
export type MissingLimit = { readonly controller: Controller; readonly detail: string; readonly remedy: string };

/** For each controller, where its groups can be made or why they cannot. */
export type Hierarchies = { readonly found: readonly Hierarchy[]; readonly missing: readonly MissingLimit[] };

/** POWER: looks at files of the kernel. */
export type KernelFiles = {
  /** Undefined: it is not there, or may not be read. */
  read(path: string): string | undefined;
  isWritable(path: string): boolean;
};

/** The files of the kernel that runs this process. */
export const KERNEL_FILES: KernelFiles = {
  read(path) {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return undefined;
    }
  },
  isWritable(path) {
    try {
      accessSync(path, constants.W_OK);
      return true;
    } catch {
      return false;
    }
  },
};

const DELEGATE = "give the worker a group of its own: `systemd-run --user --scope -p Delegate=yes nightcore …`";

/**
 * Where this process may make groups, found by reading: a hierarchy of version 1 with the controller, or else that of version 2
 * where the controller has been handed down. Nothing is changed by looking.
 */
export function findHierarchies(files: KernelFiles = KERNEL_FILES, pid: number = process.pid): Hierarchies {
  const mounts = parseMounts(files.read("/proc/self/mountinfo") ?? "");
  const memberships = parseMemberships(files.read("/proc/self/cgroup") ?? "");
  const found: Hierarchy[] = [];
  const missing: MissingLimit[] = [];
  for (const controller of ["memory", "pids"] as const) {
    const older = folderOf(mounts.get(controller), memberships.get(controller));
    const unified = folderOf(mounts.get(UNIFIED), memberships.get(UNIFIED));
    const lack = older !== undefined ? lackOfOlder(older, files) : lackOfUnified(unified, controller, { files, pid });
    const folder = older ?? unified;
    if (lack !== undefined || folder === undefined) missing.push({ controller, ...(lack ?? NO_GROUPS) });
    else found.push({ controller, version: older === undefined ? 2 : 1, folder });
  }
  return { found, missing };
}

type Lack = Pick<MissingLimit, "detail" | "remedy">;

const NO_GROUPS: Lack = {
  detail: "no control groups are mounted here",
  remedy: "on Linux: mount them (cgroup2), or in a container: show them to it",
};

function lackOfOlder(folder: string, files: KernelFiles): Lack | undefined {
  if (files.isWritable(folder)) return undefined;
  return {
    detail: `no group can be made below ${folder}`,
    remedy: "run the worker as root, or hand a group of version 2 down to it",
  };
}

/** cgroups(7), "Cgroups delegation", and "no internal processes": a group with members of its own hands no controller down. */
function lackOfUnified(
  folder: string | undefined,
  controller: Controller,
  { files, pid }: { readonly files: KernelFiles; readonly pid: number },
): Lack | undefined {
  if (folder === undefined) return NO_GROUPS;
  const words = (name: string): readonly string[] => (files.read(join(folder, name)) ?? "").trim().split(/\s+/);
  if (!words("cgroup.controllers").includes(controller))
    return { detail: `the controller is not handed down to ${folder}`, remedy: DELEGATE };
  if (!files.isWritable(folder)) return { detail: `no group can be made below ${folder}`, remedy: DELEGATE };
  if (words("cgroup.subtree_control").includes(controller)) return undefined;
  if (!files.isWritable(join(folder, "cgroup.subtree_control")))
    return { detail: `${folder} cannot hand the controller on`, remedy: DELEGATE };
  const members = words("cgroup.procs");
  if (members.length === 1 && members[0] === String(pid)) return undefined;
  return { detail: `other processes are in ${folder}, which can hand nothing on then`, remedy: DELEGATE };
}

const UNIFIED = "";

type MountPoint = { readonly root: string; readonly path: string };

/** By controller, or {@link UNIFIED}. proc(5): identifiers, device, root, mount point, options, optional fields, `-`, type, source, options. */
function parseMounts(text: string): ReadonlyMap<string, MountPoint> {
  const mounts = new Map<string, MountPoint>();
  for (const line of text.split("\n")) {
    const [, root, path, type, options] = /^\d+ \d+ \S+ (\S+) (\S+) .*? - (\S+) \S+ (\S+)/.exec(line) ?? [];
    if (root === undefined || path === undefined || options === undefined) continue;
    const mount = { root: unescapePath(root), path: unescapePath(path) };
    if (type === "cgroup2") mounts.set(UNIFIED, mount);
    if (type === "cgroup") for (const option of options.split(",")) mounts.set(option, mount);
  }
  return mounts;
}

function unescapePath(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** The group of this process by controller. cgroups(7): `number:controllers:path`, without controllers in version 2. */
function parseMemberships(text: string): ReadonlyMap<string, string> {
  const memberships = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    for (const controller of controllers?.split(",") ?? []) if (path !== undefined) memberships.set(controller, path);
  }
  return memberships;
}

/** A mount shows a part of the hierarchy, from its root on; a group outside of that part is out of reach. */
function folderOf(mount: MountPoint | undefined, group: string | undefined): string | undefined {
  if (mount === undefined || group === undefined) return undefined;
  if (mount.root === "/") return group.startsWith("/..") ? undefined : join(mount.path, group);
  const inside = group === mount.root || group.startsWith(`${mount.root}/`);
  return inside ? join(mount.path, group.slice(mount.root.length)) : undefined;
}
