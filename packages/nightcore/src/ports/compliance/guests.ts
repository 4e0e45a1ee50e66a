// Guests that the suite assembles, in the text format of WebAssembly.

const WASI = {
  fd_write: "i32 i32 i32 i32) (result i32",
  fd_read: "i32 i32 i32 i32) (result i32",
  fd_prestat_get: "i32 i32) (result i32",
  random_get: "i32 i32) (result i32",
  clock_time_get: "i32 i64 i32) (result i32",
  args_sizes_get: "i32 i32) (result i32",
  args_get: "i32 i32) (result i32",
  environ_sizes_get: "i32 i32) (result i32",
  proc_exit: "i32",
  fd_close: "i32) (result i32",
  path_open: "i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32",
} as const;

type Call = keyof typeof WASI;

/** A module that imports some calls of preview 1, has one page of memory, and does one thing in `_start`. */
export function guest(calls: readonly Call[], body: string, more = ""): string {
  const imports = calls.map((call) => `(import "wasi_snapshot_preview1" "${call}" (func $${call} (param ${WASI[call]})))`);
  return `(module ${imports.join(" ")} (memory (export "memory") 1) ${more} (func (export "_start") ${body}))`;
}

/** Prints `length` bytes that are in memory from `at` on; it uses the 16 bytes from 65,520 on. */
export function print(at: number, length: number): string {
  return `(i32.store (i32.const 65520) (i32.const ${at})) (i32.store (i32.const 65524) (i32.const ${length}))
    (drop (call $fd_write (i32.const 1) (i32.const 65520) (i32.const 1) (i32.const 65528)))`;
}

/** A module without a host, whose `f` returns one number. */
export function pure(body: string, more = ""): string {
  return `(module ${more} (func (export "f") (result i32) ${body}))`;
}

/** Prints `fine`. After everything that a guest has done, this has to work. */
export const HONEST: string = guest(["fd_write"], print(16, 4), '(data (i32.const 16) "fine")');

/** Never ends, and does nothing but use fuel. */
export const SPIN = '(module (func (export "_start") (loop $l (br $l))))';

/** Does a known amount of work, with branches and memory in it. */
export const WORK: string = guest(
  [],
  `(local $i i32) (loop $l (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (local.get $i)))
    (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000))))`,
);

/** Prints 16 random bytes and two readings of the clock. */
export const PROBE: string = guest(
  ["fd_write", "random_get", "clock_time_get"],
  `(drop (call $random_get (i32.const 0) (i32.const 16)))
    (drop (call $clock_time_get (i32.const 0) (i64.const 1) (i32.const 16)))
    (drop (call $clock_time_get (i32.const 1) (i64.const 1) (i32.const 24))) ${print(0, 32)}`,
);

/** Fills its memory and a table's worth of globals with a mark, and grows. */
export const LITTERER = `(module (memory (export "memory") 1 64) (global $g (mut i32) (i32.const 0))
  (func (export "_start") (drop (memory.grow (i32.const 15))) (global.set $g (i32.const -1))
    (memory.fill (i32.const 0) (i32.const 0xa5) (i32.const 1048576))))`;

/** Grows its memory as far as the litterer did, and returns how many of the words in it are not zero. */
export const SEARCHER = `(module (memory (export "memory") 1 64)
  (func (export "f") (result i32) (local $at i32) (local $found i32) (drop (memory.grow (i32.const 15)))
    (loop $l
      (local.set $found (i32.add (local.get $found) (i32.ne (i32.load (local.get $at)) (i32.const 0))))
      (br_if $l (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4))) (i32.const 1048576))))
    (local.get $found)))`;

const open = (path: number, length: number, rights: number): string =>
  `(drop (call $path_open (i32.const 3) (i32.const 0) (i32.const ${path}) (i32.const ${length}) (i32.const 0)
    (i64.const ${rights}) (i64.const 0) (i32.const 0) (i32.const 64)))`;

/** Asks for `/etc` and `../x`, for writing to `f`, and to have something printed from outside of its memory; and for `f`. */
export const TRESPASSER: string = guest(
  ["path_open", "fd_write", "fd_close"],
  `${open(0, 4, 2)} ${open(4, 4, 2)} ${open(8, 1, 64)} ${open(8, 1, 2)}
    (drop (call $fd_write (i32.const 1) (i32.const 65532) (i32.const 1) (i32.const 64)))
    (drop (call $fd_close (i32.const 77)))`,
  '(data (i32.const 0) "/etc../xf")',
);
