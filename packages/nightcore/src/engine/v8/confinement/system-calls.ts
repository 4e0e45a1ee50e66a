import type { Bytes } from "#core";
import { type ArgumentRule, assembleFilter, type CallRule, ENOSYS } from "./filter.ts";

type Machine = "x64" | "arm64";

/** AUDIT_ARCH_X86_64 and AUDIT_ARCH_AARCH64 of linux/audit.h. */
const ARCHITECTURES: Readonly<Record<Machine, number>> = { x64: 0xc000_003e, arm64: 0xc000_00b7 };

/** Numbers of asm/unistd_64.h (x86_64) and asm-generic/unistd.h (aarch64); undefined where the machine has no such call. */
type Row = readonly [name: string, x64: number | undefined, arm64: number | undefined, when?: ArgumentRule];

// CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, PARENT_SETTID, CHILD_CLEARTID: a thread as pthread_create makes it, and
// nothing else. musl adds CLONE_DETACHED, which has no effect.
const A_THREAD: ArgumentRule = { argument: 0, mask: ~0x0040_0000 >>> 0, oneOf: [0x003d_0f00] };
const ONESELF: ArgumentRule = { argument: 0, mask: 0xffff_ffff, oneOf: [0] };
const IS_TERMINAL: ArgumentRule = { argument: 1, mask: 0xffff_ffff, oneOf: [0x5401, 0x5451] }; // TCGETS, FIOCLEX
const NAME_THREAD_OR_MEMORY: ArgumentRule = { argument: 0, mask: 0xffff_ffff, oneOf: [15, 0x5356_4d41] }; // PR_SET_NAME, _VMA

/** What Node 24 and 26 call from `execve` on, and while jobs run, as strace shows it; each group with its reason. */
const ALLOWED: readonly (readonly Row[])[] = [
  // The channel, and reading its own code and libraries. What there is to open is decided by the root, not here.
  [
    ["read", 0, 63],
    ["write", 1, 64],
    ["pread64", 17, 67],
    ["readv", 19, 65],
    ["writev", 20, 66],
    ["openat", 257, 56],
    ["close", 3, 57],
    ["fstat", 5, 80],
    ["newfstatat", 262, 79],
    ["statx", 332, 291],
    ["lseek", 8, 62],
    ["readlink", 89, undefined],
    ["readlinkat", 267, 78],
    ["access", 21, undefined],
    ["faccessat", 269, 48],
    ["getcwd", 79, 17],
    ["fcntl", 72, 25],
    ["ioctl", 16, 29, IS_TERMINAL],
  ],
  // V8's heap, code and linear memories. Memory protection keys guard code where the processor has them.
  [
    ["mmap", 9, 222],
    ["munmap", 11, 215],
    ["mprotect", 10, 226],
    ["mremap", 25, 216],
    ["madvise", 28, 233],
    ["brk", 12, 214],
    ["pkey_alloc", 330, 289],
    ["pkey_free", 331, 290],
    ["pkey_mprotect", 329, 288],
  ],
  // Threads of V8's platform, of the compiler and of libuv; no process.
  [
    ["clone", 56, 220, A_THREAD],
    ["futex", 202, 98],
    ["set_robust_list", 273, 99],
    ["set_tid_address", 218, 96],
    ["rseq", 334, 293],
    ["arch_prctl", 158, undefined],
    ["prctl", 157, 167, NAME_THREAD_OR_MEMORY],
    ["gettid", 186, 178],
    ["getpid", 39, 172],
    ["sched_yield", 24, 124],
    ["sched_getaffinity", 204, 123],
    ["sched_getparam", 143, 121],
    ["sched_getscheduler", 145, 120],
    ["exit", 60, 93],
    ["exit_group", 231, 94],
  ],
  // The event loop, which Node makes at its start.
  [
    ["epoll_create1", 291, 20],
    ["epoll_ctl", 233, 21],
    ["epoll_pwait", 281, 22],
    ["epoll_wait", 232, undefined],
    ["eventfd2", 290, 19],
    ["pipe2", 293, 59],
  ],
  // A trap of WebAssembly is a signal that V8 handles in its own thread.
  [
    ["rt_sigaction", 13, 134],
    ["rt_sigprocmask", 14, 135],
    ["rt_sigreturn", 15, 139],
    ["sigaltstack", 131, 132],
    ["restart_syscall", 219, 128],
  ],
  // Time, waiting, random numbers, and what the process may know about itself.
  [
    ["clock_gettime", 228, 113],
    ["clock_getres", 229, 114],
    ["gettimeofday", 96, 169],
    ["clock_nanosleep", 230, 115],
    ["nanosleep", 35, 101],
    ["getrandom", 318, 278],
    ["uname", 63, 160],
    ["sysinfo", 99, 179],
    ["prlimit64", 302, 261, ONESELF],
    ["getrusage", 98, 165],
    ["getuid", 102, 174],
    ["geteuid", 107, 175],
    ["getgid", 104, 176],
    ["getegid", 108, 177],
    ["capget", 125, 90],
  ],
  // KNOWN: bubblewrap installs the filter and then executes Node, so this one cannot be taken away. What it can start is what the
  // root holds: Node and the loader, in the same confinement.
  [["execve", 59, 221]],
];

/** What nobody calls by mistake: the process ends at once, and the run with it. */
const DEADLY: readonly Row[] = [
  ["ptrace", 101, 117],
  ["process_vm_readv", 310, 270],
  ["process_vm_writev", 311, 271],
  ["kcmp", 312, 272],
  ["pidfd_open", 434, 434],
  ["pidfd_getfd", 438, 438],
  ["pidfd_send_signal", 424, 424],
  ["bpf", 321, 280],
  ["perf_event_open", 298, 241],
  ["userfaultfd", 323, 282],
  ["mount", 165, 40],
  ["umount2", 166, 39],
  ["open_tree", 428, 428],
  ["move_mount", 429, 429],
  ["fsopen", 430, 430],
  ["fsmount", 432, 432],
  ["pivot_root", 155, 41],
  ["chroot", 161, 51],
  ["setns", 308, 268],
  ["unshare", 272, 97],
  ["add_key", 248, 217],
  ["request_key", 249, 218],
  ["keyctl", 250, 219],
  ["init_module", 175, 105],
  ["finit_module", 313, 273],
  ["delete_module", 176, 106],
  ["kexec_load", 246, 104],
  ["kexec_file_load", 320, 294],
  ["open_by_handle_at", 304, 265],
  ["execveat", 322, 281],
  ["memfd_create", 319, 279],
  ["reboot", 169, 142],
];

/** Calls whose refusal has to look like that of an old kernel, because the older call is then used instead. */
const UNKNOWN: readonly Row[] = [["clone3", 435, 435]]; // its flags are in memory, where a filter cannot look

/** Every call by name, for the tests. */
export const CALLS: readonly { readonly name: string; readonly x64: number | undefined; readonly arm64: number | undefined }[] = [
  ...ALLOWED.flat(),
  ...DEADLY,
  ...UNKNOWN,
].map(([name, x64, arm64]) => ({ name, x64, arm64 }));

/**
 * The filter of a sandbox process: what Node needs is allowed, what is only an attack ends the process, all else is refused with
 * EPERM. Undefined on machines whose numbers are not here.
 */
export function sandboxFilter(machine: string): Bytes | undefined {
  if (machine !== "x64" && machine !== "arm64") return undefined;
  const numberOf = ([, x64, arm64]: Row): number | undefined => (machine === "x64" ? x64 : arm64);
  const ruled = (rows: readonly Row[], rule: (number: number, when: ArgumentRule | undefined) => CallRule): readonly CallRule[] =>
    rows.flatMap((row) => {
      const number = numberOf(row);
      return number === undefined ? [] : [rule(number, row[3])];
    });
  return assembleFilter(ARCHITECTURES[machine], [
    ...ruled(ALLOWED.flat(), (number, when) => ({ number, act: "allow", when })),
    ...ruled(UNKNOWN, (number) => ({ number, act: "refuse", errno: ENOSYS })),
    ...ruled(DEADLY, (number) => ({ number, act: "kill" })),
  ]);
}
