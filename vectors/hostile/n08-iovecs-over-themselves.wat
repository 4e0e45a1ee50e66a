;; 1,024 buffers that all name the same 64 KiB: 64 MiB of output from one call and one page.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $i i32)
    (loop $l
      (i32.store (i32.add (i32.const 4) (i32.mul (local.get $i) (i32.const 8))) (i32.const 65536))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1024))))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1024) (i32.const 65532)))))
