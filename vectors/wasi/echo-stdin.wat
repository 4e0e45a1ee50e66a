;; Copies standard input to standard output, eight bytes at a time, until a read gives none; exits with the last errno.
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $e i32)
    (i32.store (i32.const 0) (i32.const 1024))
    (block $done
      (loop $more
        (i32.store (i32.const 4) (i32.const 8))
        (br_if $done (local.tee $e (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8))))
        (br_if $done (i32.eqz (i32.load (i32.const 8))))
        (i32.store (i32.const 4) (i32.load (i32.const 8)))
        (br_if $done (local.tee $e (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 12))))
        (br $more)))
    (call $proc_exit (local.get $e))))
