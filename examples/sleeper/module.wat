;; Does nothing for a very long time. Its fuel would last for several seconds; its time does not.
(module
  (memory (export "memory") 1)
  (func (export "_start")
    (local $left i64)
    (local.set $left (i64.const 0x7fffffffffffffff))
    (loop $again
      (local.set $left (i64.sub (local.get $left) (i64.const 1)))
      (br_if $again (i64.ne (local.get $left) (i64.const 0))))))
