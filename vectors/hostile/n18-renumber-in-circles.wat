;; Renumbers descriptors onto each other and far away, closes what is left, and asks for the root again; exits with the errno (8: EBADF).
(module
  (import "wasi_snapshot_preview1" "fd_renumber" (func $renumber (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $n i32)
    (loop $l
      (drop (call $renumber (i32.const 3) (i32.const 0)))
      (drop (call $renumber (i32.const 0) (i32.const 1)))
      (drop (call $renumber (i32.const 1) (i32.const -1)))
      (drop (call $renumber (i32.const 1) (i32.const 0x7fffffff)))
      (drop (call $close (i32.and (local.get $n) (i32.const 3))))
      (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000))))
    (call $proc_exit (call $prestat (i32.const 3) (i32.const 0)))))
