;; Makes folders with ever new names until the host refuses; exits with the errno (51: ENOSPC).
(module
  (import "wasi_snapshot_preview1" "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $n i32) (local $e i32) (local $i i32) (local $rest i32)
    (loop $l
      (local.set $rest (local.tee $n (i32.add (local.get $n) (i32.const 1))))
      (local.set $i (i32.const 0))
      (loop $digits
        (i32.store8 (local.get $i) (i32.add (i32.const 97) (i32.and (local.get $rest) (i32.const 15))))
        (local.set $rest (i32.shr_u (local.get $rest) (i32.const 4)))
        (br_if $digits (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8))))
      (br_if $l (i32.eqz (local.tee $e (call $mkdir (i32.const 3) (i32.const 0) (i32.const 8))))))
    (call $proc_exit (local.get $e))))
