;; Tries to go on after proc_exit(7): catches what unwinds it and exits with 8.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (try (do (call $proc_exit (i32.const 7))) (catch_all))
    (call $proc_exit (i32.const 8))))
