;; Fills standard output and standard error in turn: they share one budget.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $fd i32)
    (i32.store (i32.const 0) (i32.const 16))
    (i32.store (i32.const 4) (i32.const 1000))
    (loop $l
      (local.set $fd (i32.sub (i32.const 3) (i32.add (i32.const 1) (local.get $fd))))
      (local.set $fd (select (i32.const 1) (i32.const 2) (i32.and (local.get $fd) (i32.const 1))))
      (drop (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br $l))))
