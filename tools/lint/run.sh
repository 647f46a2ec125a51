#!/usr/bin/env bash
# Every lint, all of them even when one fails; exit 1 if any found something.
#
#   tools/lint/run.sh [BUILD_DIR]   BUILD_DIR: a finished build (default build/release), which clang-tidy reads
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
readonly build=${1:-build/release}
failed=()

run() {
  local name=$1 began=$SECONDS
  shift
  if "$@"; then
    printf 'lint: %-12s ok (%d s)\n' "$name" $((SECONDS - began))
  else
    printf 'lint: %-12s FAILED\n' "$name"
    failed+=("$name")
  fi
}

check_format() {
  git ls-files -co --exclude-standard '*.h' '*.cc' | grep -E '^(src|bin|fuzz|tests|bench)/' |
    xargs -r clang-format-19 --dry-run -Werror
}

# The worker's; the light engine's few lines of Rust are compiled with warnings shown.
check_rust() {
  local cargo_dir
  cargo_dir=$(sed -n 's/^FISO_CARGO_DIR:PATH=//p' "$build/CMakeCache.txt")
  (cd native/wasmer-host && cargo clippy --quiet --release --locked --target-dir "$cargo_dir/wasmer-host-clippy" -- -D warnings)
}

for name in layers sizes names docs; do run "$name" python3 "tools/lint/$name.py"; done
run format check_format
run rust check_rust
run tidy python3 tools/lint/tidy.py "$build"

if ((${#failed[@]} > 0)); then
  echo "lint: failed: ${failed[*]}"
  exit 1
fi
echo "lint: all passed"
