#!/usr/bin/env bash
# Runs the end-to-end scenarios of the original (its numbered statements are in the tests), with the real programs, guests and
# peers.
#
#   tools/e2e.sh NAME...    wasm, http, multi-flow, kafka-link, wasmer-standalone, flow-wasmer, wasmer-link, wasmer-aio
#
# E2E_MODE=process (default) runs the programs of tmp/; E2E_MODE=docker those of the images, which docker/build.sh builds before.
# A scenario that was skipped has failed, unless FISO_NO_GO=1 says that there are no guests written in Go.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly mode=${E2E_MODE:-process}

# The file under tests/e2e/, and what of it is the scenario (nothing: all).
scenario() {
  case $1 in
    wasm) echo contract_test.py Scenarios.test_16_17_an_event_is_enriched_by_a_guest ;;
    http) echo contract_test.py Scenarios.test_1_an_event_reaches_the_sink_and_is_answered_200 \
      Scenarios.test_2_a_sink_that_says_502_gives_500_after_one_attempt ;;
    multi-flow) echo contract_test.py Scenarios.test_14_15_two_flows_share_a_listener ;;
    kafka-link) echo link_kafka_test.py Records Refusals.test_beyond_the_rate_limit_is_429 \
      Refusals.test_a_breaker_opens_after_failures Failures.test_errors_that_pass_are_tried_again_and_the_record_is_there_once ;;
    wasmer-standalone) echo contract_wasmer_test.py Standalone Processor ;;
    flow-wasmer) echo contract_wasmer_test.py FlowWasmer ;;
    wasmer-link) echo wasmer_link_test.py Scenario ;;
    wasmer-aio) echo aio_contract_test.py ;;
    *) return 1 ;;
  esac
}

image() {
  case $1 in
    wasm | http | multi-flow) echo flow ;;
    kafka-link) echo link ;;
    wasmer-standalone) echo wasmer ;;
    *) echo "$1" ;;
  esac
}

# Programs that are the images', under the names by which the tests call them.
use_images() {
  local name variable
  for name in "$@"; do
    variable=FISO_${name^^}
    export "${variable//-/_}=$PWD/docker/run/fiso-$name"
  done
}

(($# > 0)) || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
failed=()
for name in "$@"; do
  words=$(scenario "$name") || { echo "e2e: there is no scenario $name" >&2; exit 2; }
  read -ra run <<<"$words"
  if [[ ! -e tests/e2e/${run[0]} ]]; then
    echo "e2e: there is no scenario $name in this version" >&2
    exit 2
  fi
  printf '\n== %s (%s)\n' "$name" "$mode"
  case $mode in
    process) ;;
    docker) docker/build.sh "$(image "$name")"; use_images "$(image "$name")" ;;
    *) echo "e2e: E2E_MODE is process or docker, not '$mode'" >&2; exit 2 ;;
  esac
  code=0
  python3 -B "tests/e2e/${run[0]}" "${run[@]:1}" || code=$?
  if ((code == 77)) && [[ ${FISO_NO_GO:-} == 1 ]]; then code=0; fi
  if ((code != 0)); then failed+=("$name"); fi
done
if ((${#failed[@]} > 0)); then
  printf '\ne2e: FAILED: %s\n' "${failed[*]}"
  exit 1
fi
printf '\ne2e: passed: %s\n' "$*"
