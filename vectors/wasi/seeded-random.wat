;; Prints the first 64 bytes of randomness: under a seed of zeros, the first block of ChaCha20 under a key of zeros.
(module
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (drop (call $random_get (i32.const 64) (i32.const 3)))
    (drop (call $random_get (i32.const 67) (i32.const 61)))
    ;; RFC 8439 A.1, test vector 1: 76 b8 e0 ad a0 f1 3d 90 ... 66 f5 5b 8a 39 8b 36 28 in the middle, last 8: 6a 43 b8 f4 15 18 a1 1c c3 87 b6 69 b2 ee 65 86
    (if (i64.ne (i64.load (i32.const 64)) (i64.const 0x903df1a0ade0b876)) (then (call $proc_exit (i32.const 1))))
    (if (i64.ne (i64.load (i32.const 120)) (i64.const 0x8665eeb269b687c3)) (then (call $proc_exit (i32.const 2))))))
