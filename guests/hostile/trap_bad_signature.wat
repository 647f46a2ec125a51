;; Traps: calls a function of one type as if it had another.
(module
  (memory (export "memory") 1)
  (table 1 funcref)
  (type $nothing (func))
  (func $number (result i32) (i32.const 1))
  (elem (i32.const 0) $number)
  (func (export "_start") (call_indirect (type $nothing) (i32.const 0))))
