;; Reads the monotonic clock, sleeps an hour, and reads it again. Exits with 1 when less than an hour, and 2 when more than an hour
;; and a second, has passed.
(module
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $slept i64)
    (drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 0)))
    (i32.store (i32.const 80) (i32.const 1))
    (i64.store (i32.const 88) (i64.const 3600000000000))
    (if (call $poll_oneoff (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 16)) (then (call $proc_exit (i32.const 3))))
    (drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 8)))
    (local.set $slept (i64.sub (i64.load (i32.const 8)) (i64.load (i32.const 0))))
    (if (i64.lt_u (local.get $slept) (i64.const 3600000000000)) (then (call $proc_exit (i32.const 1))))
    (if (i64.gt_u (local.get $slept) (i64.const 3601000000000)) (then (call $proc_exit (i32.const 2))))))
