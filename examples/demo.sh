#!/usr/bin/env bash
# One order through Fiso, step by step: in by HTTP, through a WebAssembly guest, out as a CloudEvent by HTTP.
#
# It uses the programs and guests of `make build`, free ports and a directory of its own; exit 1, with the reason, if
# anything is not as it should be.
#
#   FISO_FLOW    the program (default tmp/fiso-flow)
#   FISO_GUESTS  where the guests are (default build/release/guests)
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly flow=${FISO_FLOW:-$PWD/tmp/fiso-flow} guests=${FISO_GUESTS:-$PWD/build/release/guests}
readonly order=examples/orders/order.json
work=$(mktemp -d)
readonly work
sink_pid='' flow_pid=''

clean_up() {
  for pid in $flow_pid $sink_pid; do kill "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap clean_up EXIT

fail() {
  printf '\ndemo: %s\n' "$*" >&2
  for log in flow sink; do
    if [[ -s $work/$log.log ]]; then printf -- '--- last lines of the %s:\n' "$log" >&2 && tail -n 15 "$work/$log.log" >&2; fi
  done
  exit 1
}

bold='' plain=''
if [[ -t 1 ]]; then bold=$'\e[1m' plain=$'\e[0m'; fi
step() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
indent() { sed 's/^/    /'; }

# Evaluates a Python expression over `it`, the JSON on stdin.
json() { python3 -c 'import json, sys; it = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"; }
pretty() { python3 -m json.tool | indent; }

# Runs a command until it succeeds, for at most ten seconds, while the process lives.
wait_for() {
  local pid=$1 what=$2
  shift 2
  for _ in {1..200}; do
    if "$@" >/dev/null 2>&1; then return; fi
    kill -0 "$pid" 2>/dev/null || fail "$what: the process has ended"
    sleep 0.05
  done
  fail "$what: not within ten seconds"
}

# The port that a line of the log names.
port_of() { grep -m1 "\"msg\":\"$1\"" "$work/flow.log" | json 'it["port"]'; }

metrics() { curl -fsS "http://127.0.0.1:$admin_port/metrics" | grep -E '^fiso_(flow_events|wasm_calls)' | grep -v _bucket; }

for program in curl python3; do command -v "$program" >/dev/null || fail "needs $program"; done
[[ -x $flow ]] || fail "$flow is missing: run make build"
[[ -r $guests/enrich.wasm ]] || fail "$guests/enrich.wasm is missing: run make build"

step '1. A sink that prints what it gets'
examples/sink.py >"$work/sink.log" 2>&1 &
sink_pid=$!
wait_for "$sink_pid" 'the sink listens' grep -q listening "$work/sink.log"
sink=$(head -n1 "$work/sink.log" | json 'it["listening"]')
echo "http://$sink/orders" | indent

step '2. fiso-flow with examples/orders/flows, here on free ports'
mkdir "$work/flows"
sed -e 's|127.0.0.1:8081|127.0.0.1:0|' -e "s|127.0.0.1:8082|$sink|" -e "s|build/release/guests|$guests|" \
  examples/orders/flows/orders.yaml >"$work/flows/orders.yaml"
grep -vE '^(#|$)' "$work/flows/orders.yaml" | indent
FISO_METRICS_ADDR=127.0.0.1:0 "$flow" -config-dir "$work/flows" >"$work/flow.log" 2>&1 &
flow_pid=$!
wait_for "$flow_pid" 'the admin port opens' grep -q '"metrics server starting"' "$work/flow.log"
admin_port=$(port_of 'metrics server starting')
wait_for "$flow_pid" 'fiso-flow is ready' curl -fsS "http://127.0.0.1:$admin_port/readyz"
flow_port=$(port_of 'http pool server starting')
grep -oE '"msg":"(compiled wasm module|loaded wasm interceptor|flow started)".*' "$work/flow.log" | indent
metrics >"$work/metrics.before"

step "3. The order goes in: POST http://127.0.0.1:$flow_port/orders"
pretty <"$order"
status=$(curl -sS -o "$work/answer" -w '%{http_code}' -H 'Content-Type: application/json' -H 'X-Request-Id: demo-1' \
  --data-binary "@$order" "http://127.0.0.1:$flow_port/orders")
echo "answer: $status" | indent
[[ $status == 200 ]] || fail "the order was answered $status: $(cat "$work/answer")"

step '4. What came out at the sink: a CloudEvent, its data changed by the guest'
[[ $(grep -c '"event"' "$work/sink.log") == 1 ]] || fail 'the sink did not get exactly one event'
tail -n1 "$work/sink.log" >"$work/received"
json 'json.dumps(it["event"])' <"$work/received" | pretty
echo "Content-Type:        $(json 'it["headers"]["Content-Type"]' <"$work/received")" | indent
echo "fiso-correlation-id: $(json 'it["headers"]["fiso-correlation-id"]' <"$work/received")" | indent
[[ $(json 'it["event"]["data"].get("wasm_enriched")' <"$work/received") == True ]] || fail 'the event lacks "wasm_enriched": true'
[[ $(json 'it["event"]["data"]["order_id"]' <"$work/received") == 12345 ]] || fail 'the order did not arrive whole'
[[ $(json 'it["event"]["type"]' <"$work/received") == order.created ]] || fail 'the event is not of the configured type'
[[ $(json 'it["headers"]["fiso-correlation-id"]' <"$work/received") == demo-1 ]] || fail 'the correlation id was lost'

step '5. The metrics that moved'
metrics >"$work/metrics.after"
awk 'NR == FNR { was[$1] = $2; next } $2 != was[$1] { print $1 ": " was[$1] + 0 " -> " $2 }' \
  "$work/metrics.before" "$work/metrics.after" | indent
grep -q '^fiso_flow_events_total{flow="orders",status="delivered"} 1$' "$work/metrics.after" || fail 'no event counts as delivered'

step '6. SIGTERM: what is in flight is finished, then it stops'
kill -TERM "$flow_pid"
code=0
wait "$flow_pid" || code=$?
flow_pid=''
grep -oE '"msg":"shutdown[^,]*' "$work/flow.log" | indent
[[ $code == 0 ]] || fail "fiso-flow ended with exit code $code"
echo 'exit code: 0' | indent

printf '\ndemo: one order in, one CloudEvent out, nothing lost\n'
