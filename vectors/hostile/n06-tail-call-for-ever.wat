;; Two functions that tail-call each other: no loop, no stack, no end.
(module
  (memory (export "memory") 1)
  (func $a (return_call $b))
  (func $b (return_call $a))
  (func (export "_start") (call $a)))
