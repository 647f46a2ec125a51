#!/bin/sh
# Builds QuickJS as a guest from its C sources (quickjs-ng): a command that runs the script which its arguments name, with the modules
# qjs:std and qjs:os as far as WASI has what they want.
#
#   guests/javascript/build.sh SOURCES MODULE.wasm      CC is the compiler, clang-19 without
set -eu
sources=$1 module=$2
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT
for name in quickjs dtoa libregexp libunicode quickjs-libc qjs gen/repl gen/standalone; do
  ${CC:-clang-19} --target=wasm32-wasi -O2 -w -D_GNU_SOURCE -D_WASI_EMULATED_PROCESS_CLOCKS -D_WASI_EMULATED_SIGNAL -I"$sources" \
    -c "$sources/$name.c" -o "$objects/$(basename "$name").o"
done
# Without -O, as all guests here: see guests/CMakeLists.txt. QuickJS bounds its own use of the stack.
clang-19 --target=wasm32-wasi -Wno-deprecated -Wl,--strip-all -Wl,-z,stack-size=1048576 "$objects"/*.o \
  -lwasi-emulated-process-clocks -lwasi-emulated-signal -o "$module"
