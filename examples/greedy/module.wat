;; Wants 64 MiB of memory, sixty-four times what its manifest asks for.
(module
  (memory (export "memory") 1024)
  (func (export "_start")
    (i32.store (i32.const 67108860) (i32.const 1))))
