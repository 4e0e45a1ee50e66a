;; Writes two buffers with one call, and exits with its errno.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "one, two\n")
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 5))
    (i32.store (i32.const 8) (i32.const 69))
    (i32.store (i32.const 12) (i32.const 4))
    (call $proc_exit (call $fd_write (i32.const 1) (i32.const 0) (i32.const 2) (i32.const 16)))))
