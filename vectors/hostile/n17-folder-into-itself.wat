;; Renames a folder into itself, which would cut a cycle off from the tree; exits with the errno (28: EINVAL).
(module
  (import "wasi_snapshot_preview1" "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_rename" (func $rename (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "a/b/c")
  (func (export "_start")
    (drop (call $mkdir (i32.const 3) (i32.const 0) (i32.const 1)))
    (drop (call $mkdir (i32.const 3) (i32.const 0) (i32.const 3)))
    (call $proc_exit (call $rename (i32.const 3) (i32.const 0) (i32.const 1) (i32.const 3) (i32.const 0) (i32.const 5)))))
