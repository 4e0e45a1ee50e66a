/** Small guests in text form, one for each thing that a run can depend on or end with. */

const IMPORTS = [
  ["args_sizes_get", "(param i32 i32) (result i32)"],
  ["args_get", "(param i32 i32) (result i32)"],
  ["environ_sizes_get", "(param i32 i32) (result i32)"],
  ["environ_get", "(param i32 i32) (result i32)"],
  ["fd_write", "(param i32 i32 i32 i32) (result i32)"],
  ["fd_read", "(param i32 i32 i32 i32) (result i32)"],
  ["fd_readdir", "(param i32 i32 i32 i64 i32) (result i32)"],
  ["path_open", "(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)"],
  ["random_get", "(param i32 i32) (result i32)"],
  ["clock_time_get", "(param i32 i64 i32) (result i32)"],
  ["proc_exit", "(param i32)"],
] as const;

/** A module whose `_start` is the text given, with all that it calls imported, `$print` and a page to work in from 1024 on. */
export function guest(start: string, rest = ""): string {
  const imports = IMPORTS.filter(([name]) => name === "fd_write" || `${start}${rest}`.includes(`$${name}`));
  return `(module
  ${imports.map(([name, type]) => `(import "wasi_snapshot_preview1" "${name}" (func $${name} ${type}))`).join("\n  ")}
  (memory (export "memory") 2)
  (data (i32.const 512) "data.txt")
  (func $print (param $fd i32) (param $at i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $length))
    (drop (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func $read (param $fd i32) (result i32)
    (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 4096)) (i32.store (i32.const 8) (i32.const 0))
    ${imports.some(([name]) => name === "fd_read") ? "(drop (call $fd_read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))" : ""}
    (i32.load (i32.const 8)))
  (func $size (result i32) (i32.load (i32.const 4)))
  ${rest}
  (func (export "_start") ${start}))`;
}

const text = (words: string): string =>
  guest(`(call $print (i32.const 1) (i32.const 600) (i32.const ${words.length}))`, `(data (i32.const 600) "${words}")`);

/** By name: what the guest does, in its text. Those that need a capability say so in {@link GUEST_NEEDS}. */
export const GUESTS = {
  greeter: text("good evening"),
  complainer: guest("(call $print (i32.const 2) (i32.const 600) (i32.const 5))", '(data (i32.const 600) "alas!")'),
  silent: guest("(nop)"),
  arguments:
    guest(`(drop (call $args_sizes_get (i32.const 12) (i32.const 4))) (drop (call $args_get (i32.const 16) (i32.const 1024)))
    (call $print (i32.const 1) (i32.const 1024) (call $size))`),
  environment:
    guest(`(drop (call $environ_sizes_get (i32.const 12) (i32.const 4))) (drop (call $environ_get (i32.const 16) (i32.const 1024)))
    (call $print (i32.const 1) (i32.const 1024) (call $size))`),
  // $fd_read
  echo: guest("(call $print (i32.const 1) (i32.const 1024) (call $read (i32.const 0))) (; $fd_read ;)"),
  file: guest(`(drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 512) (i32.const 8) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 40)))
    (call $print (i32.const 1) (i32.const 1024) (call $read (i32.load (i32.const 40)))) (; $fd_read ;)`),
  folder: guest(`(drop (call $fd_readdir (i32.const 3) (i32.const 1024) (i32.const 4096) (i64.const 0) (i32.const 4)))
    (call $print (i32.const 1) (i32.const 1024) (call $size))`),
  random: guest(
    `(drop (call $random_get (i32.const 1024) (i32.const 32))) (call $print (i32.const 1) (i32.const 1024) (i32.const 32))`,
  ),
  clock: guest(`(drop (call $clock_time_get (i32.const 0) (i64.const 1) (i32.const 1024)))
    (drop (call $clock_time_get (i32.const 1) (i64.const 1) (i32.const 1032))) (call $print (i32.const 1) (i32.const 1024) (i32.const 16))`),
  exit: guest("(call $proc_exit (i32.const 3))"),
  exitByArguments: guest("(drop (call $args_sizes_get (i32.const 12) (i32.const 4))) (call $proc_exit (i32.load (i32.const 4)))"),
  unreachable: guest("(unreachable)"),
  divider: guest("(drop (i32.div_u (i32.const 1) (i32.load (i32.const 2048))))"),
  outside: guest("(drop (i32.load (i32.const -1)))"),
  table: guest("(call_indirect (i32.const 7))", "(table 1 funcref)"),
  endless: guest("(loop $on (br $on))"),
  flood: guest("(loop $on (call $print (i32.const 1) (i32.const 1024) (i32.const 4096)) (br $on))"),
  deep: guest("(call $deeper)", "(func $deeper (call $deeper) (call $deeper))"),
  grower: guest("(loop $on (br_if $on (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))"),
  counter:
    guest(`(local $n i32) (loop $on (local.set $n (i32.add (local.get $n) (i32.const 1))) (br_if $on (i32.lt_u (local.get $n) (i32.const 12345))))
    (i32.store (i32.const 1024) (local.get $n)) (call $print (i32.const 1) (i32.const 1024) (i32.const 4))`),
  foreign: '(module (import "env" "launch" (func)) (func (export "_start")))',
  noEntry: '(module (func (export "other")))',
} as const;
export type GuestName = keyof typeof GUESTS;

/** Capabilities that a guest uses beyond `stdout`. */
export const GUEST_NEEDS: Partial<Record<GuestName, readonly string[]>> = {
  echo: ["stdin"],
  file: ["fs:read"],
  folder: ["fs:read"],
};
