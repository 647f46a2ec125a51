#!/bin/sh
# Builds a C guest with threads: shared memory, atomics, and a start routine for each thread, on a C library that knows no threads.
#
#   examples/worker-pool/build.sh SOURCE.c MODULE.wasm      from the root of the repository
set -eu
object=$(mktemp)
trap 'rm -f "$object"' EXIT
clang="clang-19 --target=wasm32-wasi -matomics -mbulk-memory -Wno-deprecated"
$clang -O2 -Iguests/include -c "$1" -o "$object"
$clang -nostartfiles "$object" guests/include/thread_start.S -o "$2" -Wl,--strip-all \
  -Wl,--import-memory -Wl,--export-memory -Wl,--shared-memory -Wl,--max-memory=1073741824 -Wl,--no-check-features \
  -Wl,--export=__stack_pointer -Wl,--export=__tls_base -Wl,--export=__heap_base -Wl,--export=__data_end
