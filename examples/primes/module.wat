;; Counts the primes below 10,000 with a sieve and prints the number.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  ;; 0: the vector (pointer, length); 8: bytes written; 16 to 31: digits, written from the end; 1024 on: the sieve
  (global $limit i32 (i32.const 10000))

  (func $count (result i32)
    (local $n i32) (local $multiple i32) (local $found i32)
    (local.set $n (i32.const 2))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $n) (global.get $limit)))
        (if (i32.eqz (i32.load8_u offset=1024 (local.get $n)))
          (then
            (local.set $found (i32.add (local.get $found) (i32.const 1)))
            (local.set $multiple (i32.shl (local.get $n) (i32.const 1)))
            (block $crossed
              (loop $cross
                (br_if $crossed (i32.ge_u (local.get $multiple) (global.get $limit)))
                (i32.store8 offset=1024 (local.get $multiple) (i32.const 1))
                (local.set $multiple (i32.add (local.get $multiple) (local.get $n)))
                (br $cross)))))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br $next)))
    (local.get $found))

  (func $print (param $number i32)
    (local $at i32)
    (local.set $at (i32.const 31))
    (i32.store8 (local.get $at) (i32.const 10))
    (loop $digit
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10))))
      (local.set $number (i32.div_u (local.get $number) (i32.const 10)))
      (br_if $digit (local.get $number)))
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (i32.sub (i32.const 32) (local.get $at)))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))

  (func (export "_start")
    (call $print (call $count))))
