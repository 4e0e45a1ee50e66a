;; Leaves ever new empty files in the folder that is kept, which is preopened last (descriptor 4), and ends by itself.
(module
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $n i32) (local $i i32) (local $rest i32)
    (loop $l
      (local.set $rest (local.tee $n (i32.add (local.get $n) (i32.const 1))))
      (local.set $i (i32.const 0))
      (loop $digits
        (i32.store8 (local.get $i) (i32.add (i32.const 97) (i32.and (local.get $rest) (i32.const 15))))
        (local.set $rest (i32.shr_u (local.get $rest) (i32.const 4)))
        (br_if $digits (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8))))
      (drop (call $open (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 32)))
      (drop (call $close (i32.load (i32.const 32))))
      (br_if $l (i32.lt_u (local.get $n) (i32.const 12000))))))
