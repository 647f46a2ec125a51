"""What those who behave notice of those who do not: latencies through fiso-link, calm and under floods."""
import statistics
import sys
import time

import machine
from flooder import KINDS
from load import Client
from probes import paced, percentile
from processes import BenchError, Process
from report import Row
from servers import SOURCE, Link, Nginx

PATH = Link.entry
WHAT = {"resets": "requests that are reset at once", "continuations": "heads without end", "bombs": "heads that grow on unpacking",
        "pings": "pings without end", "connections": "500 connections with half a head, again and again", "heads": "heads of 1000 fields"}


def flooded(server, client, kind, count):
    """Latencies beside one flood, which must go on meanwhile."""
    flooder = Process([sys.executable, str(SOURCE / "bench/flooder.py"), kind, str(server.port), PATH], machine.LOAD_CORE,
                      server.directory / f"flood-{kind}")
    try:
        time.sleep(0.5)
        taken = paced(client, count, 0.002, PATH)
        if flooder.has_ended():
            raise BenchError(f"{kind}: the flood ended: {flooder.tail()}")
        return taken
    finally:
        flooder.stop()


def link_floods(quick):
    count = 100 if quick else 1000
    with Nginx(core=machine.LOAD_CORE) as nginx:
        nginx.wait_ready()
        with Link(nginx.port) as server:
            server.wait_ready()
            with Client(server.port) as client:
                paced(client, 50, 0.002, PATH)
                calm = paced(client, count, 0.002, PATH)
                samples = {kind: flooded(server, client, kind, count) for kind in KINDS}
    beside = f"calm p50 {statistics.median(calm):.2f}, p99 {percentile(calm, 99):.2f} ms"
    return [Row("link-flood", WHAT[kind], f"p50 {statistics.median(taken):.2f}, p99 {percentile(taken, 99):.2f} ms", beside,
                samples={"calm_ms": calm, "flood_ms": taken}) for kind, taken in samples.items()]


PROBES = {"link-flood": (link_floods, [])}
