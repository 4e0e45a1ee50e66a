;; Writes one file of 48 MiB into the folder that is kept, and gives it a second name: as an output it counts twice, and is too much.
(module
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_link" (func $link (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_set_size" (func $resize (param i32 i64) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1) (data (i32.const 0) "ab")
  (func $must (param i32) (if (local.get 0) (then (call $exit (local.get 0)))))
  (func (export "_start")
    (call $must (call $open (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 1) (i64.const -1) (i64.const 0) (i32.const 0) (i32.const 32)))
    (call $must (call $resize (i32.load (i32.const 32)) (i64.const 50331648)))
    (call $must (call $link (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4) (i32.const 1) (i32.const 1)))))
