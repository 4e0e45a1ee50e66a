;; Bulk work in many calls: memory.copy of half a page each, for ever.
(module
  (memory (export "memory") 1)
  (func (export "_start")
    (loop $l
      (memory.copy (i32.const 0) (i32.const 32768) (i32.const 32768))
      (br $l))))
