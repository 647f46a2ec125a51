"""The hop through fiso-link beyond its CPU: the latency that it adds, and the memory that its callers' connections take."""
import contextlib
import socket
import statistics

import machine
from load import Client
from probes import MEGABYTE, paced, spread
from processes import wait_until
from report import Row
from servers import Link, Nginx
from throughput import EVERYTHING

IDLE, SLOW = 5_000, 1_000
ROOM = {"http": {"maxConnections": 20_000, "idleTimeout": "10m", "headerTimeout": "10m"}}
HALF_A_HEAD = b"POST /link/bench/ HTTP/1.1\r\nHost: bench\r\nX-Slow: "


def added_latency(quick):
    rounds, count = (3, 20) if quick else (5, 100)
    taken = {"direct": [], "nginx": [], "fiso-link": []}
    with contextlib.ExitStack() as stack:
        backend = stack.enter_context(Nginx(core=machine.LOAD_CORE)).wait_ready()
        servers = {"direct": backend, "nginx": stack.enter_context(Nginx(backend.address())).wait_ready(),
                   "fiso-link": stack.enter_context(Link(backend.port, **EVERYTHING)).wait_ready()}
        clients = {name: (stack.enter_context(Client(server.port)), server.entry) for name, server in servers.items()}
        for client, entry in clients.values():
            paced(client, 5, 0.005, entry)
        for _ in range(rounds):
            for name, (client, entry) in clients.items():
                taken[name].append(statistics.median(paced(client, count, 0.005, entry)))
    added = {name: statistics.median(ms - direct for ms, direct in zip(taken[name], taken["direct"])) for name in ("fiso-link", "nginx")}
    return [Row("M4-added", "latency that the hop adds, p50 at one connection", f"{added['fiso-link']:.3f} ms", f"nginx {added['nginx']:.3f} ms",
                added["fiso-link"] / added["nginx"], "×", samples=taken)]


def connect_all(stack, server, count, say=b""):
    for _ in range(count):
        connection = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 30))
        connection.sendall(say)


def has_connections(server, count):
    return machine.fd_count(server.process.pid) >= count


def idle_connections(quick):
    """Each has been answered once, as those that are kept alive have."""
    count = IDLE // 10 if quick else IDLE
    with contextlib.ExitStack() as stack:
        backend = stack.enter_context(Nginx(core=machine.LOAD_CORE)).wait_ready()
        server = stack.enter_context(Link(backend.port, ROOM, **EVERYTHING)).wait_ready()
        with Client(server.port) as client:
            paced(client, 50, 0, server.entry)
        before = machine.rss_bytes(server.process.pid)
        for _ in range(count):
            stack.enter_context(Client(server.port)).accepted(server.entry)
        each = (machine.rss_bytes(server.process.pid) - before) / count / 1024
    return [Row("link-idle", f"RSS of each of {count:,} idle connections of callers", f"{each:.2f} KiB", f"before {before / MEGABYTE:.1f} MB", each,
                "KiB", 8, samples={"before": before, "each_kib": each})]


def slow_connections(quick):
    count = SLOW // 10 if quick else SLOW
    with contextlib.ExitStack() as stack:
        backend = stack.enter_context(Nginx(core=machine.LOAD_CORE)).wait_ready()
        server = stack.enter_context(Link(backend.port, ROOM, **EVERYTHING)).wait_ready()
        with Client(server.port) as client:
            calm = paced(client, 200, 0.002, server.entry)
            before = machine.rss_bytes(server.process.pid)
            connect_all(stack, server, count, HALF_A_HEAD)
            wait_until("the slow connections are accepted", lambda: has_connections(server, count), server.process)
            meanwhile = paced(client, 200, 0.002, server.entry)
        each = (machine.rss_bytes(server.process.pid) - before) / count / 1024
    return [Row("link-slow", f"RSS of each of {count:,} connections that stall in the head", f"{each:.2f} KiB", f"before {before / MEGABYTE:.1f} MB",
                each, "KiB", samples={"before": before, "each_kib": each}),
            Row("link-slow", "good calls meanwhile", spread(meanwhile), f"calm {spread(calm)}", samples={"calm_ms": calm, "meanwhile_ms": meanwhile})]


PROBES = {"M4-added": (added_latency, []), "link-idle": (idle_connections, []), "link-slow": (slow_connections, [])}
