;; Traps: calls an element of its table that is null.
(module
  (memory (export "memory") 1)
  (table 1 funcref)
  (type $nothing (func))
  (func (export "_start") (call_indirect (type $nothing) (i32.const 0))))
