;; Does nothing yet. Its manifest says what it would like to do.
(module
  (memory (export "memory") 1)
  (func (export "_start")))
