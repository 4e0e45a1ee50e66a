;; Does nothing at all, for which its manifest demands a fortune.
(module
  (memory (export "memory") 1)
  (func (export "_start")))
