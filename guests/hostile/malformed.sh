#!/bin/sh
# Makes the files that are not modules.   malformed.sh GOOD_MODULE FOLDER
set -eu
good=$1 folder=$2

head -c 300 "$good" > "$folder/truncated.wasm"
# The right first eight bytes, then nonsense.
{ printf '\000asm\001\000\000\000'; printf '\377\200\201garbage\000\177%.0s' 1 2 3 4 5 6 7 8; } > "$folder/garbage.wasm"
: > "$folder/empty.wasm"
printf 'This is not a module.\n' > "$folder/text.wasm"
# What a component begins with: version 13, layer 1.
printf '\000asm\015\000\001\000' > "$folder/component.wasm"
