import assert from "node:assert/strict";
import { test } from "node:test";
import { findHierarchies, type KernelFiles } from "./hierarchy.ts";

const V1 = `32 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
39 31 0:36 / /sys/fs/cgroup/pids rw,relatime shared:9 - cgroup cgroup rw,pids
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`;
const V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
const GROUP = "/sys/fs/cgroup/user.slice/run-7.scope";

/** A kernel whose files are these; what ends in `!` may be written. */
function kernel(files: Readonly<Record<string, string>>): KernelFiles {
  return {
    read: (path) => files[path] ?? files[`${path}!`],
    isWritable: (path) => files[`${path}!`] !== undefined,
  };
}

const delegated = (over: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => ({
  "/proc/self/mountinfo": V2,
  "/proc/self/cgroup": "0::/user.slice/run-7.scope\n",
  [`${GROUP}!`]: "",
  [`${GROUP}/cgroup.controllers`]: "cpu memory pids\n",
  [`${GROUP}/cgroup.subtree_control!`]: "\n",
  [`${GROUP}/cgroup.procs!`]: "42\n",
  ...over,
});

const older = (memory: string, writable: string): Readonly<Record<string, string>> => ({
  "/proc/self/mountinfo": V1,
  "/proc/self/cgroup": `9:name=systemd:/\n8:pids:/\n4:memory:${memory}\n0::/\n`,
  [writable]: "",
  "/sys/fs/cgroup/unified/cgroup.controllers": "hugetlb\n",
});

const ROWS: readonly (readonly [machine: string, files: Readonly<Record<string, string>>, memory: string, pids: string])[] = [
  ["without control groups", {}, "no control groups", "no control groups"],
  [
    "with version 1, and memory to write alone",
    older("/jobs/7", "/sys/fs/cgroup/memory/jobs/7!"),
    "1 /sys/fs/cgroup/memory/jobs/7",
    "no group can be made below /sys/fs/cgroup/pids",
  ],
  [
    "with version 1, whose mount begins at the group of a container",
    {
      ...older("/docker/ab", "/sys/fs/cgroup/memory/x!"),
      "/proc/self/mountinfo": V1.replace("0:32 /", "0:32 /docker/ab"),
      "/sys/fs/cgroup/memory!": "",
    },
    "1 /sys/fs/cgroup/memory",
    "no group can be made",
  ],
  [
    "with version 1, in a group that is not under the mount",
    { ...older("/elsewhere", ""), "/proc/self/mountinfo": V1.replace("0:32 /", "0:32 /docker/ab") },
    "the controller is not handed down to /sys/fs/cgroup/unified",
    "no group can be made",
  ],
  ["with a group of version 2 to itself", delegated(), `2 ${GROUP}`, `2 ${GROUP}`],
  [
    "with a group of version 2 that hands on already, and others in it",
    delegated({ [`${GROUP}/cgroup.subtree_control!`]: "memory pids\n", [`${GROUP}/cgroup.procs!`]: "" }),
    `2 ${GROUP}`,
    `2 ${GROUP}`,
  ],
  [
    "with a group of version 2 that it shares",
    delegated({ [`${GROUP}/cgroup.procs!`]: "41\n42\n" }),
    "other processes are in",
    "other processes are in",
  ],
  [
    "with one controller of version 2",
    delegated({ [`${GROUP}/cgroup.controllers`]: "memory\n" }),
    `2 ${GROUP}`,
    "the controller is not handed down",
  ],
  [
    "with a group of version 2 that it may not write",
    { ...delegated(), [`${GROUP}!`]: undefined as unknown as string },
    "no group can be made below",
    "no group can be made below",
  ],
  [
    "with a group of version 2 that hands nothing on",
    {
      ...delegated({ [`${GROUP}/cgroup.subtree_control`]: "" }),
      [`${GROUP}/cgroup.subtree_control!`]: undefined as unknown as string,
    },
    "cannot hand the controller on",
    "cannot hand the controller on",
  ],
  [
    "with a namespace that its own group lies outside of",
    delegated({ "/proc/self/cgroup": "0::/../other\n" }),
    "no control groups",
    "no control groups",
  ],
  [
    "with a space in the path of the mount",
    {
      ...delegated({ "/proc/self/mountinfo": V2.replace("/sys/fs/cgroup", "/c\\040g") }),
      "/c g/user.slice/run-7.scope!": "",
      "/c g/user.slice/run-7.scope/cgroup.controllers": "memory pids",
      "/c g/user.slice/run-7.scope/cgroup.subtree_control!": "memory pids",
    },
    "2 /c g/user.slice/run-7.scope",
    "2 /c g/user.slice/run-7.scope",
  ],
];

for (const [machine, files, memory, pids] of ROWS) {
  test(`on a machine ${machine}, limits are found or missed by name`, () => {
    const { found, missing } = findHierarchies(kernel(files), 42);
    const said = (controller: string): string => {
      const place = found.find((one) => one.controller === controller);
      return place === undefined
        ? (missing.find((one) => one.controller === controller)?.detail ?? "")
        : `${place.version} ${place.folder}`;
    };
    assert.ok(said("memory").startsWith(memory) || said("memory").includes(memory), said("memory"));
    assert.ok(said("pids").startsWith(pids) || said("pids").includes(pids), said("pids"));
    assert.ok(missing.every(({ remedy }) => remedy !== ""));
  });
}
