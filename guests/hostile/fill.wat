;; Fills 14 MiB over and over: each time is one instruction, inside which nothing can interrupt it.
(module
  (memory (export "memory") 240)
  (func (export "_start")
    (loop $again
      (memory.fill (i32.const 65536) (i32.const 170) (i32.const 14680064))
      (br $again))))
