#!/usr/bin/env bash
# Runs CTest for a preset and prints its summary as the last line.
#
#   tools/run_tests.sh PRESET [CTEST ARGUMENTS...]
#
# Skipped tests are listed. One that needs a guest written in Go counts as failed, unless FISO_NO_GO=1 asks for that; so
# does a selection without any test: silence is not success.
set -euo pipefail

readonly preset=$1
shift
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p tmp
readonly log=build/$preset/test.log

verdict=0
ctest --preset "$preset" --no-tests=error "$@" 2>&1 | tee "$log" || verdict=1

if skipped=$(grep -E '\*\*\*Skipped' "$log"); then
  printf '\nSkipped:\n%s\n' "$skipped"
  if [[ ${FISO_NO_GO:-} != 1 ]] && grep -qE '(^|[^A-Z])Go[^a-z]' <<<"$skipped"; then
    printf '\nTests of guests written in Go were skipped; set FISO_NO_GO=1 if that is meant.\n'
    verdict=1
  fi
fi

readonly summary=$(grep -E '^[0-9]+% tests passed' "$log" | tail -n1)
if ((verdict == 0)); then
  printf '\n%s\n' "$summary"
else
  printf '\nFAILED (%s): %s\n' "$preset" "${summary:-no test was run}"
fi
exit "$verdict"
