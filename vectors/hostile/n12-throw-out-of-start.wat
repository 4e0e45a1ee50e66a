;; Throws an exception that nobody catches, through the host's own frames.
(module
  (memory (export "memory") 1)
  (tag $t (param i32))
  (func (export "_start") (throw $t (i32.const 1))))
