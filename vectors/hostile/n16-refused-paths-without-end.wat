;; Opens ever new absolute paths of 60,000 bytes full of control characters: the list of refused paths that the worker is told
;; must not grow with them.
(module
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "_start") (local $n i32)
    (memory.fill (i32.const 0) (i32.const 0x1b) (i32.const 60000))
    (i32.store8 (i32.const 0) (i32.const 47))
    (loop $l
      (i32.store (i32.const 8) (i32.or (local.get $n) (i32.const 0x01010101)))
      (drop (call $path_open (i32.const 3) (i32.const 1) (i32.const 0) (i32.const 60000) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 65536)))
      (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 20000))))))
