;; Answers with the payload, the letters of every string in it (names too) in upper case. By hand, without a libc.
;;
;; Memory: 0 iovec (8 bytes), 8 byte count, 16 iovecs of the answer, 64 literals, 1024 the input and all that follows.
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "{\"payload\":")
  (data (i32.const 80) ",\"headers\":{\"X-Upper\":\"true\"}}")
  (data (i32.const 128) "\"payload\":")

  ;; Reads stdin to its end; returns the end of the input.
  (func $read_all (result i32)
    (local $end i32)
    (local.set $end (i32.const 1024))
    (loop $more
      ;; Always room for at least 4 KiB.
      (if (i32.gt_u (i32.add (local.get $end) (i32.const 4096)) (i32.shl (memory.size) (i32.const 16)))
        (then (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then (call $proc_exit (i32.const 70))))))
      (i32.store (i32.const 0) (local.get $end))
      (i32.store (i32.const 4) (i32.sub (i32.shl (memory.size) (i32.const 16)) (local.get $end)))
      (if (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8))
        (then (call $proc_exit (i32.const 70))))
      (local.set $end (i32.add (local.get $end) (i32.load (i32.const 8))))
      (br_if $more (i32.load (i32.const 8))))
    (local.get $end))

  ;; Does "payload": stand at this place? The host writes it without a space before the colon.
  (func $is_payload (param $at i32) (result i32)
    (local $i i32)
    (loop $next
      (if (i32.ne (i32.load8_u (i32.add (local.get $at) (local.get $i)))
                  (i32.load8_u (i32.add (i32.const 128) (local.get $i))))
        (then (return (i32.const 0))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 10))))
    (i32.const 1))

  ;; The place after "payload":, or exit code 65.
  (func $find_payload (param $end i32) (result i32)
    (local $at i32)
    (local.set $at (i32.const 1024))
    (loop $next
      (if (i32.gt_u (i32.add (local.get $at) (i32.const 10)) (local.get $end)) (then (call $proc_exit (i32.const 65))))
      (if (call $is_payload (local.get $at)) (then (return (i32.add (local.get $at) (i32.const 10)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next))
    (unreachable))

  (func $upper_at (param $at i32)
    (local $c i32)
    (local.set $c (i32.load8_u (local.get $at)))
    (if (i32.lt_u (i32.sub (local.get $c) (i32.const 97)) (i32.const 26))
      (then (i32.store8 (local.get $at) (i32.sub (local.get $c) (i32.const 32))))))

  ;; `at` is after an opening quote; returns the place after the closing one. The letter of an escape stays as it is.
  (func $upper_string (param $at i32) (param $end i32) (result i32)
    (local $c i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $c (i32.load8_u (local.get $at)))
        (call $upper_at (local.get $at))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (if (i32.eq (local.get $c) (i32.const 92)) (then (local.set $at (i32.add (local.get $at) (i32.const 1)))))
        (br_if $next (i32.ne (local.get $c) (i32.const 34)))))
    (local.get $at))

  ;; Walks over one value; returns its end.
  (func $upper_value (param $at i32) (param $end i32) (result i32)
    (local $c i32) (local $depth i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $c (i32.load8_u (local.get $at)))
        (if (i32.or (i32.eq (local.get $c) (i32.const 125)) (i32.eq (local.get $c) (i32.const 93)))
          (then
            (br_if $done (i32.eqz (local.get $depth)))
            (local.set $depth (i32.sub (local.get $depth) (i32.const 1)))))
        (br_if $done (i32.and (i32.eq (local.get $c) (i32.const 44)) (i32.eqz (local.get $depth))))
        (if (i32.or (i32.eq (local.get $c) (i32.const 123)) (i32.eq (local.get $c) (i32.const 91)))
          (then (local.set $depth (i32.add (local.get $depth) (i32.const 1)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (if (i32.eq (local.get $c) (i32.const 34))
          (then (local.set $at (call $upper_string (local.get $at) (local.get $end)))))
        (br $next)))
    (local.get $at))

  (func (export "_start")
    (local $end i32) (local $payload i32)
    (local.set $end (call $read_all))
    (local.set $payload (call $find_payload (local.get $end)))
    (local.set $end (call $upper_value (local.get $payload) (local.get $end)))
    (i32.store (i32.const 16) (i32.const 64))
    (i32.store (i32.const 20) (i32.const 11))
    (i32.store (i32.const 24) (local.get $payload))
    (i32.store (i32.const 28) (i32.sub (local.get $end) (local.get $payload)))
    (i32.store (i32.const 32) (i32.const 80))
    (i32.store (i32.const 36) (i32.const 30))
    (if (call $fd_write (i32.const 1) (i32.const 16) (i32.const 3) (i32.const 8))
      (then (call $proc_exit (i32.const 74))))))
