import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { planLaunches } from "../pool/launch.ts";
import { assembleAttempt, type Attempt, runLaunch, runOutside, withProgram } from "./attempt.test.ts";
import { CALLS, sandboxFilter } from "./system-calls.ts";

const ALLOWED = 0;
const EPERM = 1;
const ENOENT = 2;
const ENOSYS = 38;
const KILLED = 128 + 31; // SIGSYS

const CLONE_NEWUSER = 0x1000_0000;
const SIGCHLD = 17;

// Calls by their numbers on x86_64. What `outside` says is how the same program ends without confinement, where that is certain:
// the positive control. Elsewhere it only has to be another end.
const ROWS: readonly (readonly [attack: string, attempt: Attempt, inside: number, outside?: number])[] = [
  ["asks for its own id, which is allowed", { number: 39, args: [] }, ALLOWED, 0],
  ["opens a file of the host", { number: 257, args: [-100, "/etc/hostname", 0] }, ENOENT],
  ["opens /proc", { number: 257, args: [-100, "/proc/self/status", 0] }, ENOENT, 0],
  ["opens a device", { number: 257, args: [-100, "/dev/null", 0] }, ENOENT, 0],
  ["signals the worker", { number: 62, args: [process.pid, 0] }, EPERM, 0],
  ["signals a thread of the worker", { number: 234, args: [process.pid, process.pid, 0] }, EPERM, 0],
  ["signals everything", { number: 62, args: [-1, 0] }, EPERM],
  ["opens an IPv4 socket", { number: 41, args: [2, 1, 0] }, EPERM, 0],
  ["opens an IPv6 socket", { number: 41, args: [10, 1, 0] }, EPERM],
  ["opens a Unix socket", { number: 41, args: [1, 1, 0] }, EPERM, 0],
  ["opens a netlink socket", { number: 41, args: [16, 3, 0] }, EPERM, 0],
  ["makes a pair of sockets", { number: 53, args: [1, 1, 0, 0] }, EPERM],
  ["forks", { number: 57, args: [] }, EPERM, 0],
  ["forks by clone", { number: 56, args: [SIGCHLD, 0, 0, 0, 0] }, EPERM, 0],
  ["clones into a user namespace", { number: 56, args: [CLONE_NEWUSER + SIGCHLD, 0, 0, 0, 0] }, EPERM],
  ["clones with flags that a filter cannot see", { number: 435, args: [0, 0] }, ENOSYS, 22],
  ["makes a thread with a flag in the high half", { number: 56, args: [0x1_003d_0f00, 0, 0, 0, 0] }, EPERM],
  ["leaves for new namespaces", { number: 272, args: [CLONE_NEWUSER] }, KILLED],
  ["enters a namespace", { number: 308, args: [0, 0] }, KILLED],
  ["traces", { number: 101, args: [0, 0, 0, 0] }, KILLED, 0],
  ["reads the worker's memory", { number: 310, args: [process.pid, 0, 0, 0, 0, 0] }, KILLED, 0],
  ["writes the worker's memory", { number: 311, args: [process.pid, 0, 0, 0, 0, 0] }, KILLED, 0],
  ["opens the worker as a descriptor", { number: 434, args: [process.pid, 0] }, KILLED, 0],
  ["loads a program into the kernel", { number: 321, args: [0, 0, 0] }, KILLED],
  ["mounts", { number: 165, args: [0, 0, 0, 0, 0] }, KILLED],
  ["changes its root", { number: 161, args: ["/"] }, KILLED],
  ["asks for keys", { number: 250, args: [0, -3, 0] }, KILLED],
  ["makes a file without a name to execute", { number: 319, args: ["x", 0] }, KILLED, 0],
  ["handles page faults", { number: 323, args: [0] }, KILLED],
  ["hands work to io_uring", { number: 425, args: [1, 0] }, EPERM],
  ["asks for another process's limits", { number: 302, args: [process.pid, 7, 0, 0] }, EPERM, 0],
  ["becomes dumpable", { number: 157, args: [4, 1, 0, 0, 0] }, EPERM, 0],
  ["installs a filter", { number: 317, args: [0, 0, 0] }, EPERM],
  ["makes a folder", { number: 83, args: ["/x", 0] }, EPERM],
  ["writes into the root", { number: 257, args: [-100, "/x", 0x41, 0o600] }, 30],
  ["writes over its own code", { number: 257, args: [-100, "/code/package.json", 1, 0] }, 30],
  ["calls by the x32 table", { number: 0x4000_0000 + 39, args: [] }, KILLED],
  ["calls by the 32-bit table", { number: 20, args: [], entry: "int80" }, KILLED],
];

test("system calls of a sandbox process end as the filter and the root say, and outside they do not", (t) => {
  const [launch] = planLaunches();
  if (!launch.isolation.includes("seccomp") || process.arch !== "x64") return t.skip("there is no bubblewrap here");
  for (const [attack, attempt, inside, outside] of ROWS) {
    const program = assembleAttempt(attempt);
    const ran = runLaunch(withProgram(launch, program));
    assert.equal(ran.status, inside, `${attack}: ${ran.printed}`);
    // Never outside: what would write, signal everything, or depends on the root and on the kernel's configuration.
    if (outside !== undefined) assert.equal(runOutside(program), outside, `outside: ${attack}`);
  }
});

test("the filter has what it allows for both machines, and no machine that it does not know", () => {
  for (const machine of ["x64", "arm64"]) {
    const filter = sandboxFilter(machine);
    assert.ok(filter !== undefined && filter.length % 8 === 0 && filter.length / 8 < 4096, "BPF_MAXINSNS");
  }
  assert.equal(sandboxFilter("ppc64"), undefined);
});

/** Where the headers of this machine's kernel define the numbers. */
const HEADERS = {
  x64: ["/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"],
  arm64: ["/usr/include/asm-generic/unistd.h"],
} as const;

test("the numbers are those of the kernel's headers", (t) => {
  for (const machine of ["x64", "arm64"] as const) {
    const path = HEADERS[machine].find((one) => existsSync(one));
    if (path === undefined) return t.skip("the kernel's headers are not here; on Debian: apt-get install linux-libc-dev");
    const header = readFileSync(path, "utf8");
    for (const call of CALLS) {
      const number = call[machine];
      if (number === undefined) continue;
      // The generic table has calls that are named differently on machines of 32 bits under the name of their slot.
      const slot = { newfstatat: "fstatat", fstat: "fstat" }[call.name] ?? call.name;
      assert.match(
        header,
        new RegExp(`#define __NR(?:3264)?_(?:${call.name}|${slot})\\s+${number}\\b`),
        `${call.name}, ${machine}`,
      );
    }
  }
});
