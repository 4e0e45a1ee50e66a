;; Makes a ring of two links and opens one; then deep folders, each in the last, until something refuses. Exits with the errno of
;; the open (32: ELOOP).
(module
  (import "wasi_snapshot_preview1" "path_symlink" (func $path_symlink (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "ab")
  (func (export "_start")
    (drop (call $path_symlink (i32.const 0) (i32.const 1) (i32.const 3) (i32.const 1) (i32.const 1)))
    (drop (call $path_symlink (i32.const 1) (i32.const 1) (i32.const 3) (i32.const 0) (i32.const 1)))
    (call $proc_exit (call $path_open (i32.const 3) (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 64)))))
