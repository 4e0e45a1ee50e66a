;; Reads the entries of the first preopen twice: at once, and one by one from the cookies, through a buffer of 64 bytes. Exits with
;; the number of entries, or with 100 when the two differ.
(module
  (import "wasi_snapshot_preview1" "fd_readdir" (func $fd_readdir (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (func $count (param $size i32) (result i32) (local $cookie i64) (local $n i32) (local $at i32)
    (block $done
      (loop $read
        (drop (call $fd_readdir (i32.const 3) (i32.const 1024) (local.get $size) (local.get $cookie) (i32.const 0)))
        (br_if $done (i32.lt_u (i32.load (i32.const 0)) (i32.const 24)))
        (local.set $at (i32.const 1024))
        (loop $entry
          (local.set $cookie (i64.load (local.get $at)))
          (local.set $n (i32.add (local.get $n) (i32.const 1)))
          (local.set $at (i32.add (i32.add (local.get $at) (i32.const 24)) (i32.load offset=16 (local.get $at))))
          (br_if $entry (i32.le_u (i32.add (local.get $at) (i32.const 24)) (i32.add (i32.const 1024) (i32.load (i32.const 0))))))
        (br $read)))
    (local.get $n))
  (func (export "_start")
    (if (i32.ne (call $count (i32.const 64)) (call $count (i32.const 4096))) (then (call $proc_exit (i32.const 100))))
    (call $proc_exit (call $count (i32.const 4096)))))
