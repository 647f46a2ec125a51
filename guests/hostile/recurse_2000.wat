;; Recurses 2,000 deep and comes back, with eight live values in every frame: more than 64 KiB of native stack, less than 512.
(module
  (memory (export "memory") 1)
  (func $deeper (param $n i64) (param $a i64) (param $b i64) (param $c i64) (param $d i64) (param $e i64) (param $f i64)
    (param $g i64) (result i64)
    (local $below i64)
    (if (i64.eqz (local.get $n)) (then (return (local.get $a))))
    (local.set $below
      (call $deeper (i64.sub (local.get $n) (i64.const 1)) (local.get $b) (local.get $c) (local.get $d) (local.get $e)
        (local.get $f) (local.get $g) (local.get $n)))
    (i64.add (local.get $below)
      (i64.mul (i64.xor (local.get $a) (i64.mul (local.get $b) (local.get $c)))
        (i64.xor (local.get $d) (i64.mul (local.get $e) (i64.xor (local.get $f) (i64.mul (local.get $g) (local.get $n))))))))
  (func (export "_start")
    (drop (call $deeper (i64.const 2000) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6)
      (i64.const 7)))))
