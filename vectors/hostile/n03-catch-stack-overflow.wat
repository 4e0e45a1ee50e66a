;; Recurses until the stack ends, catches that, and does it again for ever.
(module
  (memory (export "memory") 1)
  (func $f (call $f))
  (func (export "_start")
    (loop $again
      (try (do (call $f)) (catch_all))
      (br $again))))
