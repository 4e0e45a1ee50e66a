;; Appends a page to a file until the host refuses; exits with the errno (51: ENOSPC).
(module
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "f")
  (func (export "_start") (local $e i32)
    (local.set $e (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 1) (i64.const 0x40) (i64.const 0) (i32.const 1) (i32.const 64)))
    (if (local.get $e) (then (call $proc_exit (local.get $e))))
    (i32.store (i32.const 8) (i32.const 65536))
    (i32.store (i32.const 12) (i32.const 65536))
    (loop $l
      (br_if $l (i32.eqz (local.tee $e (call $fd_write (i32.load (i32.const 64)) (i32.const 8) (i32.const 1) (i32.const 16))))))
    (call $proc_exit (local.get $e))))
