import type { EngineReport } from "../engine.ts";
import { guest, print, PROBE, TRESPASSER } from "./guests.ts";
import { differ, endOf, type EngineRule, runText } from "./subject.ts";

const READ_STDIN = guest(
  ["fd_read", "fd_write"],
  `(i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 100))
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.store (i32.const 65520) (i32.const 64)) (i32.store (i32.const 65524) (i32.load (i32.const 8)))
    (drop (call $fd_write (i32.const 1) (i32.const 65520) (i32.const 1) (i32.const 65528)))`,
);
const ERRNO_OF_PREOPEN = `(module (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
  (memory (export "memory") 1) (func (export "f") (result i32) (call $prestat (i32.const 3) (i32.const 0))))`;
const ERRNO_OF_WRITE = `(module (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (func (export "f") (result i32) (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))`;
const COUNTS = guest(
  ["args_sizes_get", "environ_sizes_get", "args_get", "fd_write"],
  `(drop (call $args_sizes_get (i32.const 0) (i32.const 4))) (drop (call $environ_sizes_get (i32.const 8) (i32.const 12)))
    (drop (call $args_get (i32.const 64) (i32.const 16))) ${print(0, 24)}`,
);

/** Makes the folder `d` and in it the file `f` with the bytes `hi`, under the first preopen; exits with the first errno. */
const WRITER = `(module
  (import "wasi_snapshot_preview1" "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1) (data (i32.const 0) "d/fhi") (data (i32.const 16) "\\03\\00\\00\\00\\02\\00\\00\\00")
  (func $must (param i32) (if (local.get 0) (then (call $exit (local.get 0)))))
  (func (export "_start")
    (call $must (call $mkdir (i32.const 3) (i32.const 0) (i32.const 1)))
    (call $must (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 3) (i32.const 1)
      (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 32)))
    (call $must (call $write (i32.load (i32.const 32)) (i32.const 16) (i32.const 1) (i32.const 40)))))`;

const EBADF = "8"; // witx `$errno`

/** What a guest has of the world: what its job grants, and nothing of the host. */
export const GRANT_RULES: readonly EngineRule[] = [
  {
    name: "stdin is there when it is granted, and empty when it is not",
    async check(subject) {
      const stdin = new Uint8Array([104, 105]);
      const read = await runText(subject, READ_STDIN, { stdin, capabilities: ["stdin", "stdout"] });
      const refused = await runText(subject, READ_STDIN, { stdin });
      return [
        ...differ("granted", [endOf(read), [...read.stdout]], ["exit 0", [104, 105]]),
        ...differ("not granted", [endOf(refused), refused.stdout.length], ["exit 0", 0]),
      ];
    },
  },
  {
    name: "a mount is there when files are granted, and no descriptor of it when they are not",
    async check(subject) {
      const mounts = [{ guestPath: "/data", files: [], folders: [] }];
      const granted = await runText(subject, ERRNO_OF_PREOPEN, { entry: "f", mounts, capabilities: ["fs:read"] });
      const refused = await runText(subject, ERRNO_OF_PREOPEN, { entry: "f", mounts });
      return [...differ("granted", granted.results, ["0"]), ...differ("not granted", refused.results, [EBADF])];
    },
  },
  {
    name: "what a guest leaves in /out is in its report, and without the grant there is no folder to leave it in",
    async check(subject) {
      const granted = await runText(subject, WRITER, { capabilities: ["fs:write"] });
      const again = await runText(subject, WRITER, { capabilities: ["fs:write"] });
      const refused = await runText(subject, WRITER);
      const said = ({ output = [] }: EngineReport) =>
        output.map(({ path, bytes }) => [path, bytes === undefined ? null : [...bytes]]);
      const tree = [
        ["d", null],
        ["d/f", [104, 105]],
      ];
      return [
        ...differ("granted", [endOf(granted), said(granted)], ["exit 0", tree]),
        ...differ("the next run finds an empty folder", [endOf(again), said(again)], ["exit 0", tree]),
        ...differ("not granted", [endOf(refused), said(refused)], [`exit ${EBADF}`, []]),
      ];
    },
  },
  {
    name: "calls that are refused are counted: those that are not permitted, ways out among them, and bad pointers",
    async check(subject) {
      const mounts = [{ guestPath: "/data", files: [{ path: "f", bytes: new Uint8Array(1) }], folders: [] }];
      const report = await runText(subject, TRESPASSER, { mounts, capabilities: ["fs:read", "stdout"] });
      const honest = await runText(subject, ERRNO_OF_PREOPEN, { entry: "f" });
      return [
        ...differ("refused", [endOf(report), report.refusals], ["exit 0", { deniedCalls: 3, escapes: 2, badPointers: 1 }]),
        ...differ("a descriptor that is not open refuses nothing", [endOf(honest), honest.refusals], ["exit 0", undefined]),
      ];
    },
  },
  {
    name: "a guest that may not print has no stdout",
    async check(subject) {
      const refused = await runText(subject, ERRNO_OF_WRITE, { entry: "f", capabilities: [] });
      return differ("not granted", [refused.results, refused.stdout.length], [[EBADF], 0]);
    },
  },
  {
    name: "arguments and environment are those of the job, and none of the host",
    async check(subject) {
      const report = await runText(subject, COUNTS, { argv: ["ab", "c"], env: ["X=1"] });
      const expected = [2, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 97, 98, 0, 99, 0, 0, 0, 0];
      const none = await runText(subject, COUNTS, { argv: [], env: [] });
      return [...differ("given", [...report.stdout], expected), ...differ("none", [...none.stdout.subarray(0, 16)], zeros(16))];
    },
  },
  {
    name: "random numbers and time are the job's own, until the real ones are granted",
    async check(subject) {
      const [one, two] = [await runText(subject, PROBE), await runText(subject, PROBE)];
      const capabilities = ["stdout", "clock:real", "random:real"] as const;
      const [real, other] = [await runText(subject, PROBE, { capabilities }), await runText(subject, PROBE, { capabilities })];
      const random = ({ stdout }: EngineReport): string => String(stdout.subarray(0, 16));
      return [
        ...differ("without the grant", [...one.stdout], [...two.stdout]),
        ...differ("a clock that knows what year it is, without the grant", secondsOf(one) > 1_600_000_000, false),
        ...differ("with the grant it does", secondsOf(real) > 1_600_000_000, true),
        ...differ("with the grant two runs draw the same", random(real) === random(other), false),
      ];
    },
  },
];

/** The second thing that the probe prints: nanoseconds since 1970, little-endian, as seconds. */
function secondsOf({ stdout }: Pick<EngineReport, "stdout">): number {
  return [...stdout.subarray(16, 24)].reduceRight((sum, byte) => sum * 256 + byte, 0) / 1e9;
}

function zeros(length: number): readonly number[] {
  return Array.from({ length }, () => 0);
}
