"""Guests in worker processes, through fiso-flow-wasmer: what a call costs in CPU and until its answer, fresh and pooled.

A call's CPU is that of all processes: ours, the fork server, and the child that served it.
"""
import statistics
import time

import load
import machine
from load import Client
from probes import paced, spread
from processes import BenchError
from report import Row
from servers import FISO_FLOW_WASMER, Flow, Nginx, fill_cache, wasm

ORIGINAL_MS = 75  # CPU the original spends on a call of a Go guest
SETTLING = 0.1  # seconds in which the last child ends and is reaped
CONNECTIONS = 16


def start(guest, **mode):
    if not FISO_FLOW_WASMER.exists():
        raise BenchError("fiso-flow-wasmer was not built")
    fill_cache(guest, runtime="wasmer")
    return Flow({"/": {"interceptors": [wasm(guest, runtime="wasmer", **mode)]}}, program=FISO_FLOW_WASMER)


def spent_ms(server):
    time.sleep(SETTLING)
    return machine.tree_cpu_ns(server.process.pid) / 1e6


def fresh_calls(guest, rounds, count):
    """CPU ms per call, a figure per round, and how long each call took."""
    cpu, took = [], []
    with start(guest) as server, Client(server.wait_ready().port) as client:
        paced(client, 5, 0.01)
        for _ in range(rounds):
            before = spent_ms(server)
            took += [client.accepted() for _ in range(count)]
            cpu.append((spent_ms(server) - before - idle_ms(server)) / count)
    return cpu, took


def idle_ms(server):
    """What is spent while a figure settles."""
    before = machine.tree_cpu_ns(server.process.pid) / 1e6
    return spent_ms(server) - before


def call_go(quick):
    cpu, took = fresh_calls("passthrough_go", 3, 10 if quick else 40)
    figure = statistics.median(cpu)
    return [Row("call-go", "CPU of a call of a fresh Go guest in a worker", f"{figure:.1f} ms, answered {spread(took)}",
                f"the original {ORIGINAL_MS} ms: {ORIGINAL_MS / figure:.1f} times", figure, "ms", 16.7, 9.4,
                samples={"cpu_ms": cpu, "took_ms": took})]


def call_c(quick):
    cpu, took = fresh_calls("passthrough", 3, 40 if quick else 150)
    return [Row("call-c", "CPU of a call of a fresh C guest in a worker", f"{statistics.median(cpu):.2f} ms", figure=statistics.median(cpu),
                unit="ms", goal=4, samples={"cpu_ms": cpu}),
            Row("call-c", "until it is answered", spread(took), figure=statistics.median(took), unit="ms", goal=3,
                samples={"took_ms": took})]


def paced_calls(server, pause, count):
    with server, Client(server.wait_ready().port) as client:
        paced(client, 5, pause)
        return paced(client, count, pause)


def pooled_call(name, guest, goal, pause, count):
    """Asked when the instances that stand ready are complete again."""
    took = paced_calls(start(guest, execution="pooled"), pause, count)
    without = paced_calls(Flow({"/": {}}), pause, count)
    nginx = paced_calls(Nginx(), pause, count)
    return [Row(name, f"until a pooled {'Go' if guest.endswith('_go') else 'C'} guest in a worker has answered", spread(took),
                f"without a guest p50 {statistics.median(without):.2f} ms, nginx return 200 p50 {statistics.median(nginx):.2f} ms",
                statistics.median(took), "ms", goal, samples={"took_ms": took, "without_ms": without, "nginx_ms": nginx})]


def pooled_c(quick):
    return pooled_call("pooled-c", "passthrough", 0.3, 0.02, 50 if quick else 200)


def pooled_go(quick):
    return pooled_call("pooled-go", "passthrough_go", 1, 0.06, 20 if quick else 60)


def rate(server, seconds):
    load.run_wrk(server.url(), 1, CONNECTIONS)
    result = load.run_wrk(server.url(), seconds, CONNECTIONS)
    return result.requests / result.seconds


def pooled_rate(quick):
    """Both under full load, in turn."""
    rounds, seconds = (2, 1) if quick else (3, 3)
    modes = {"fresh": {}, "pooled": {"execution": "pooled"}}
    rates = {name: [] for name in modes}
    for _ in range(rounds):
        for name, mode in modes.items():
            with start("passthrough", **mode) as server:
                rates[name].append(rate(server.wait_ready(), seconds))
    ratio = statistics.median(fresh / pooled for fresh, pooled in zip(rates["fresh"], rates["pooled"]))
    return [Row("pooled-rate", "calls per second of fresh over pooled C guests in workers, full load",
                f"pooled {statistics.median(rates['pooled']):,.0f}/s", f"fresh {statistics.median(rates['fresh']):,.0f}/s", ratio, "×",
                1 / 0.95, samples=rates)]


PROBES = {"call-go": (call_go, []), "call-c": (call_c, []), "pooled-c": (pooled_c, []), "pooled-go": (pooled_go, []),
          "pooled-rate": (pooled_rate, [])}
