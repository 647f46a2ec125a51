;; Its _start is not the _start of a command.
(module
  (memory (export "memory") 1)
  (func (export "_start") (param i32)))
