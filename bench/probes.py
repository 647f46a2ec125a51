"""Single figures: latency, deadlines, start, memory, and what one slow guest does to the others."""
import contextlib
import json
import statistics
import threading
import time

import load
import machine
from load import Client
from processes import BenchError
from report import Row
from servers import FISO_FLOW_WASMER, GUESTS, SOURCE, Flow, Nginx, fill_cache, wasm

KILL_MS = 50
MEGABYTE = 1_000_000


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def spread(values):
    return f"p50 {statistics.median(values):.2f}, p99 {percentile(values, 99):.2f}, max {max(values):.2f} ms"


def paced(client, count, pause, path="/"):
    """The latencies in ms of requests with a pause before each."""
    taken = []
    for _ in range(count):
        time.sleep(pause)
        taken.append(client.accepted(path))
    return taken


def pooled_latency(quick):
    """One request every 10 ms, so that a started instance is always ready."""
    rounds, count = (3, 20) if quick else (5, 60)
    guests = {"none": [], "fresh": [wasm("passthrough_go")], "pooled": [wasm("passthrough_go", execution="pooled")]}
    latencies = {name: [] for name in guests}
    with contextlib.ExitStack() as stack:
        clients = {}
        for name, interceptors in guests.items():
            server = stack.enter_context(Flow({"/": {"interceptors": interceptors}})).wait_ready()
            clients[name] = stack.enter_context(Client(server.port))
            paced(clients[name], 5, 0.01)
        for _ in range(rounds):
            for name, client in clients.items():
                latencies[name].append(statistics.median(paced(client, count, 0.01)))
    added = {name: [ms - none for ms, none in zip(latencies[name], latencies["none"])] for name in ("pooled", "fresh")}
    ratio = statistics.median(pooled / fresh for pooled, fresh in zip(added["pooled"], added["fresh"]))
    return [Row("M2", "latency a pooled Go guest adds", f"{statistics.median(added['pooled']):.3f} ms",
                f"fresh {statistics.median(added['fresh']):.3f} ms", ratio, "×", 0.5, 0.1, samples=latencies)]


def python(quick):
    """A script for CPython in worker processes, asked when the instances that stand ready are complete again."""
    if not (GUESTS / "python.wasm").exists() or not FISO_FLOW_WASMER.exists():
        raise BenchError("python.wasm or fiso-flow-wasmer was not built")
    fill_cache("python", runtime="wasmer")
    script = {"runtime": "wasmer", "args": ["/scripts/enrich.py"], "preopens": {"/scripts": f"{SOURCE}/guests/python:ro"}}
    modes = {"fresh": {}, "pooled": {"execution": "pooled", "poolSize": 2},
             "pooled, looping": {"execution": "pooled", "poolSize": 2, "maxRequests": 1_000_000}}
    latencies = {}
    for name, mode in modes.items():
        with Flow({"/": {"interceptors": [wasm("python", **script, **mode)]}}, program=FISO_FLOW_WASMER) as server:
            server.wait_ready()
            with Client(server.port) as client:
                paced(client, 3, 0.2)
                latencies[name] = paced(client, 10 if quick else 40, 0.2)
    fresh, looping = (statistics.median(latencies[name]) for name in ("fresh", "pooled, looping"))
    return [Row("python", "an event through CPython, pooled", spread(latencies["pooled"]),
                f"fresh p50 {fresh:.1f} ms, looping p50 {looping:.2f} ms", statistics.median(latencies["pooled"]), "ms", 20,
                samples=latencies)]


def late_answer(client, guest, path="/"):
    """How much later than its timeout a guest that never ends is answered, in ms."""
    answer = client.post(path)
    if answer.status != 500 or "wasm execution timeout" not in answer.text():
        raise BenchError(f"{guest}: answered {answer.status}: {answer.text()[:200]}")
    return answer.ms - KILL_MS


def kill(quick):
    with Flow({"/": {"interceptors": [wasm("loop", timeout=f"{KILL_MS}ms")]}}) as server:
        server.wait_ready()
        with Client(server.port) as client:
            late = [late_answer(client, "loop") for _ in range(10 if quick else 40)]
    return [Row("M8", f"a guest that loops is answered after its {KILL_MS} ms", spread(late), figure=percentile(late, 99), unit="ms",
                goal=5, moonshot=1, samples={"late_ms": late})]


def kill_in_bulk(quick, memory="256MiB"):
    """A guest that fills all its memory again and again, and short requests on another connection of its only shard meanwhile."""
    count = 10 if quick else 40
    late, waited = [], []
    filling = {"interceptors": [wasm("fill", timeout=f"{KILL_MS}ms", memoryLimit=memory)]}
    with Flow({"/fill": filling, "/short": {}}) as server:
        server.wait_ready()
        ended = threading.Event()

        def ask():
            with Client(server.port) as client:
                while not ended.is_set():
                    waited.append(client.accepted("/short"))

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        with Client(server.port) as client:
            late = [late_answer(client, "fill", "/fill") for _ in range(count)]
        ended.set()
        thread.join(30)
    slowest = sorted(waited)[-count:]  # about one of them met each guest
    return [Row("M8-bulk", f"the same inside memory.fill of {memory}", spread(late), figure=percentile(late, 99), unit="ms",
                samples={"late_ms": late}),
            Row("M8-bulk", "a request on its shard meanwhile, the slowest per guest", spread(slowest), figure=percentile(slowest, 99),
                unit="ms", samples={"waited_ms": slowest})]


def first_answer(start):
    """Milliseconds from starting a server to its first answer."""
    began = time.perf_counter_ns()
    with start() as server:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                with Client(server.port) as client:
                    if client.post("/").status == 200:
                        return (time.perf_counter_ns() - began) / 1e6
            except OSError:
                pass
            time.sleep(0.0001)
        raise BenchError(f"no answer within 30 s of the start:\n{server.process.tail()}")


def start_up(quick):
    ours, nginx = [], []
    for _ in range(5 if quick else 20):
        nginx.append(first_answer(Nginx))
        ours.append(first_answer(lambda: Flow({"/": {"interceptors": [wasm("passthrough")]}})))
    return [Row("M9", "exec → first answer, modules cached", spread(ours), f"nginx p50 {statistics.median(nginx):.2f} ms",
                statistics.median(ours), "ms", 10, 4, samples={"ours_ms": ours, "nginx_ms": nginx})]


def idle_memory(quick):
    with Flow({"/": {"interceptors": [wasm("passthrough")]}}) as server:
        server.wait_ready()
        time.sleep(0.5 if quick else 2)
        idle = machine.rss_bytes(server.process.pid) / MEGABYTE
        with Client(server.port) as client:
            for _ in range(1000):
                client.accepted()
        after = machine.rss_bytes(server.process.pid) / MEGABYTE
    return [Row("M10", "RSS, one flow with a C guest", f"idle {idle:.1f} MB, after 1,000 requests {after:.1f} MB", figure=idle, unit="MB",
                goal=14, moonshot=8, samples={"idle_mb": idle, "after_1000_mb": after})]


def counts(server, expected_fds=None):
    """RSS, maps and descriptors, once the connections of the load are closed."""
    pid = server.process.pid
    deadline = time.monotonic() + 2
    while expected_fds is not None and machine.fd_count(pid) > expected_fds and time.monotonic() < deadline:
        time.sleep(0.01)
    return {"rss": machine.rss_bytes(pid), "maps": machine.map_count(pid), "fds": machine.fd_count(pid)}


def load_until(server, events):
    deadline = time.monotonic() + 60
    while server.delivered() < events:
        if time.monotonic() > deadline:
            raise BenchError(f"{server.delivered()} of {events} events in 60 s")
        load.run_wrk(server.url(), 1)


def flat(quick):
    """What stays behind when instances have come and gone: nothing."""
    # So many before that as many as there ever are at once have been: each leaves the slot that it was in mapped.
    warm, more = (20_000, 20_000) if quick else (100_000, 200_000)
    with Flow({"/": {"interceptors": [wasm("passthrough")]}}) as server:
        server.wait_ready()
        idle_fds = counts(server)["fds"]
        load_until(server, warm)
        before, started = counts(server, idle_fds), server.delivered()
        load_until(server, started + more)
        after, instances = counts(server, idle_fds), server.delivered() - started
    grown = (after["rss"] - before["rss"]) / MEGABYTE
    maps, fds = after["maps"] - before["maps"], after["fds"] - before["fds"]
    return [Row("flat", f"growth over {instances:,} fresh instances", f"RSS {grown:+.2f} MB, maps {maps:+d}, descriptors {fds:+d}",
                figure=max(grown, 0.0), unit="MB", goal=1, holds=maps <= 0 and fds <= 0, samples={"before": before, "after": after})]


def fairness(quick):
    """Short requests, alone and while one guest computes on their shard all the time."""
    count = 100 if quick else 400
    body = json.dumps({"rounds": 300}).encode()
    with Flow({"/short": {"interceptors": [wasm("passthrough")]}, "/busy": {"interceptors": [wasm("busy")]}}) as server:
        server.wait_ready()
        stop = threading.Event()

        def compute():
            with Client(server.port) as client:
                while not stop.is_set():
                    client.accepted("/busy", body)

        with Client(server.port) as client:
            paced(client, 20, 0.002, "/short")
            calm = paced(client, count, 0.002, "/short")
            thread = threading.Thread(target=compute, daemon=True)
            thread.start()
            time.sleep(0.05)
            busy = paced(client, count, 0.002, "/short")
            beside = thread.is_alive()
            stop.set()
            thread.join(30)
    if not beside:
        raise BenchError("the computing guest failed")
    return [Row("fair", "short requests while a guest computes", f"p50 {statistics.median(busy):.2f}, p99 {percentile(busy, 99):.2f} ms",
                f"calm p50 {statistics.median(calm):.2f}, p99 {percentile(calm, 99):.2f} ms", samples={"calm_ms": calm, "busy_ms": busy})]


# name → (rows, guests it runs)
PROBES = {
    "M2": (pooled_latency, ["passthrough_go"]),
    "python": (python, []),
    "M8": (kill, ["loop"]),
    "M8-bulk": (kill_in_bulk, ["fill"]),
    "M9": (start_up, ["passthrough"]),
    "M10": (idle_memory, ["passthrough"]),
    "flat": (flat, ["passthrough"]),
    "fair": (fairness, ["passthrough", "busy"]),
}
