;; Takes all the memory it is given and fills it over and over: each time is one instruction, inside which nothing can interrupt it.
(module
  (memory (export "memory") 2)
  (func (export "_start")
    (local $step i32)
    (local.set $step (i32.const 32768))
    (loop $more
      (if (i32.eq (memory.grow (local.get $step)) (i32.const -1))
        (then (local.set $step (i32.shr_u (local.get $step) (i32.const 1)))))
      (br_if $more (local.get $step)))
    (loop $again
      (memory.fill (i32.const 65536) (i32.const 170)
        (i32.shl (i32.sub (memory.size) (i32.const 1)) (i32.const 16)))
      (br $again))))
