;; Tries to survive its own exhaustion: catches everything around a loop that never ends, and starts again.
(module
  (memory (export "memory") 1)
  (func $spin (loop $l (br $l)))
  (func (export "_start")
    (loop $again
      (try (do (call $spin)) (catch_all))
      (br $again))))
