"""Apps that live on, through fiso-wasmer: relayed requests, answers line by line, starts, memory at rest, and a crash."""
import os
import signal
import statistics
import time

import load
import machine
from load import Client
from probes import MEGABYTE, first_answer, paced, spread
from processes import BenchError
from report import Row
from servers import FISO_WASMER, Apps, Nginx, fill_cache

RELAYED_CONNECTIONS = 16  # the guest has 32
MANY = 100
SERVER = {"execution": "longRunning", "healthCheck": "/health"}


def prepare(guest):
    if not FISO_WASMER.exists():
        raise BenchError("fiso-wasmer was not built")
    fill_cache(guest, runtime="wasmer")
    return guest


def only_worker(server):
    workers = server.workers()
    if len(workers) != 1:
        raise BenchError(f"{len(workers)} worker processes instead of one:\n{server.process.tail()}")
    return workers[0]


def relayed_sample(server, seconds):
    load.run_wrk(server.url(), 1, RELAYED_CONNECTIONS)
    before = machine.cpu_ns(server.process.pid)
    result = load.run_wrk(server.url(), seconds, RELAYED_CONNECTIONS)
    return (machine.cpu_ns(server.process.pid) - before) / 1000 / result.requests


def relay(quick):
    """Both pass requests on to the same guest, which runs where the load does."""
    rounds, seconds = (3, 1) if quick else (5, 3)
    ours, nginx = [], []
    with Apps(prepare("poll_server"), execution="longRunning") as server:
        server.wait_ready()
        guest = only_worker(server)
        machine.move(guest, machine.LOAD_CORE)
        address = ":".join(map(str, machine.listening_on(guest)))
        for _ in range(rounds):
            ours.append(relayed_sample(server, seconds))
            with Nginx(address) as other:
                nginx.append(relayed_sample(other.wait_ready(), seconds))
    ratio = statistics.median(a / b for a, b in zip(ours, nginx))
    return [Row("relay", "an app's port → guest that serves HTTP", f"{statistics.median(ours):.1f} µs",
                f"nginx proxy_pass {statistics.median(nginx):.1f} µs", ratio, "×", 1.5, samples={"ours_us": ours, "nginx_us": nginx})]


def lines(quick):
    """The guest is asked one thing at a time: under full load the next line is there when it has answered one."""
    rounds, seconds, count = (3, 1, 100) if quick else (3, 3, 500)
    back_to_back, idle, nginx = [], [], []
    with Apps(prepare("lines_app"), "/echo", execution="longRunning", protocol="ndjson") as server, Nginx() as other:
        server.wait_ready()
        other.wait_ready()
        for _ in range(rounds):
            result = load.run_wrk(server.url(), seconds)
            back_to_back.append(result.seconds * 1e6 / result.requests)
            for asked, taken in ((server, idle), (other, nginx)):
                with Client(asked.port) as client:
                    paced(client, 5, 0.005, "/echo")
                    taken += [ms * 1000 for ms in paced(client, count, 0.005, "/echo")]
    together = statistics.median(back_to_back)
    single = statistics.median(idle)
    return [Row("lines", "a request to an NDJSON app, one behind the other", f"{together:.1f} µs", figure=together, unit="µs", goal=30,
                samples={"us": back_to_back}),
            Row("lines", "the same, alone and at rest before", f"p50 {single:.0f} µs", f"nginx return 200 p50 {statistics.median(nginx):.0f} µs",
                single, "µs", 120, samples={"ours_us": idle, "nginx_us": nginx})]


def cold_start(quick):
    guest = prepare("counter_server")
    took = [first_answer(lambda: Apps(guest, **SERVER)) for _ in range(5 if quick else 20)]
    return [Row("app-start", "exec → first answer of an app in a worker, cached", spread(took), figure=statistics.median(took), unit="ms",
                goal=50, samples={"took_ms": took})]


def idle_memory(quick, count=10):
    with Apps(prepare("counter_server"), count=count, **SERVER) as server:
        server.wait_ready()
        time.sleep(0.5 if quick else 2)
        each = sum(map(machine.pss_bytes, server.workers())) / MEGABYTE / count
        own = machine.pss_bytes(server.process.pid) / MEGABYTE
    return [Row("app-memory", f"PSS of each of {count} idle C apps in workers", f"{each:.2f} MB", f"the manager itself {own:.1f} MB", each, "MB", 8,
                samples={"each_mb": each, "own_mb": own})]


def many(quick):
    guest = prepare("counter_server")
    took = []
    for _ in range(1 if quick else 3):
        began = time.perf_counter()
        with Apps(guest, count=MANY, **SERVER) as server:
            server.wait_ready()
            took.append(time.perf_counter() - began)
    return [Row("app-hundred", f"exec → {MANY} C apps in workers are healthy", f"{statistics.median(took):.2f} s", figure=statistics.median(took),
                unit="s", goal=5, samples={"took_s": took})]


def answers_after_crash(guest, **settings):
    """From the death of its worker to the next answer 200, in ms."""
    with Apps(guest, "/hello", **settings) as server:
        server.wait_ready()
        with Client(server.port) as client:
            client.accepted("/hello")
            worker = only_worker(server)
            os.kill(worker, signal.SIGKILL)
            began = time.perf_counter_ns()
            while client.post("/hello").status != 200:
                if time.perf_counter_ns() - began > 30e9:
                    raise BenchError("the port did not answer again within 30 s")
            took = (time.perf_counter_ns() - began) / 1e6
        if worker in server.workers():
            raise BenchError("the worker is still there")
    return took


def crash(quick):
    """One worker after the other, each the first to die in its app."""
    lives_on, per_request = prepare("counter_server"), prepare("hello_app")
    count = 3 if quick else 10
    living = [answers_after_crash(lives_on, execution="longRunning") for _ in range(count)]
    forked = [answers_after_crash(per_request) for _ in range(count)]
    return [Row("app-crash", "death of an app's worker → its port answers again", spread(living), samples={"took_ms": living}),
            Row("app-crash", "the same of the fork server of an app per request", spread(forked), samples={"took_ms": forked})]


PROBES = {"relay": (relay, []), "lines": (lines, []), "app-start": (cold_start, []), "app-memory": (idle_memory, []),
          "app-hundred": (many, []), "app-crash": (crash, [])}
