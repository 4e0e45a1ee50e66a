;; Valid, harmless, and without anything to call: what v39 reported as "ok".
(module
  (memory (export "memory") 1)
  (func (export "answer") (result i32)
    (i32.const 42)))
