#!/usr/bin/env bash
# Fuzzes PROGRAM for SECONDS from the corpus of NAME. What it finds new goes to build/, what crashes to the corpus itself:
# commit that file together with the fix.
#
#   fuzz/run.sh PROGRAM NAME SECONDS
set -euo pipefail

readonly program=$1 name=$2 seconds=$3
readonly corpus=fuzz/corpus/$name found=build/fuzz/found/$name
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p "$corpus" "$found"
exec "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
  -artifact_prefix="$corpus/" "$found" "$corpus"
