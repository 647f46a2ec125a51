;; Grows its table until it is refused, then leaves with exit code 3.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (table $table 1 funcref)
  (func (export "_start")
    (loop $more
      (br_if $more (i32.ne (table.grow $table (ref.null func) (i32.const 65536)) (i32.const -1))))
    (call $proc_exit (i32.const 3))))
