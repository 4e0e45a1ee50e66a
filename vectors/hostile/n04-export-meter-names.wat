;; Exports everything under the names that the meter would like to use.
(module
  (memory (export "memory") (export "nightcore.memory") 1)
  (global (export "nightcore.fuel") (mut i64) (i64.const 9223372036854775807))
  (func (export "nightcore.start"))
  (func (export "nightcore.fuel.1"))
  (func (export "_start") (loop $l (br $l))))
