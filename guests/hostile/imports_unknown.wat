;; Imports a function that no host has.
(module
  (import "wasi_snapshot_preview1" "no_such_function" (func $unknown (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (drop (call $unknown (i32.const 0)))))
