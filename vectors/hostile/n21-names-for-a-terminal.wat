;; Leaves a file whose name clears a terminal and begins a new line, so that whoever lists the output is misled; ends by itself.
(module
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1) (data (i32.const 0) "\1b[2J\0afile")
  (func (export "_start")
    (call $exit (call $open (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 9) (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 32)))))
