"""CPU per request under full load: servers in turn, round after round, and the ratios of the rounds.

A row needs two servers; what several rows need is measured once per round.
"""
import contextlib
import dataclasses
import statistics

import load
import machine
from processes import BenchError
from report import Row
from servers import Apps, Flow, Link, Nginx, certificate, http_sink, wasm

WARM_UP_SECONDS = 1
NOISE = 1.03  # two runs of the same server differ by as much
C_GUEST = [wasm("passthrough")]
GO_GUEST = [wasm("passthrough_go")]
GUESTS_RUN = ("hello_app", "ndjson", "ndjson_go", "passthrough", "passthrough_go")
FAR = {"timeout": "1h"}  # the longest there is
LOOPING = {"execution": "pooled", "maxRequests": 1_000_000}


# All that a call may pass through: credentials, retries with their budget, a breaker, a rate limit. Metrics are always on.
EVERYTHING = {"auth": {"type": "bearer", "secretRef": {"envVar": "BENCH_TOKEN"}}, "circuitBreaker": {"enabled": True}, "retry": {"maxAttempts": 3},
              "rateLimit": {"requestsPerSecond": 1_000_000, "burst": 1_000_000}}


def one_flow(**parts):
    return Flow({"/": parts})


@dataclasses.dataclass
class Backends:
    """What stands behind the servers that pass on, on the load's core."""

    plain: Nginx
    tls: Nginx


def tls_link(backend):
    return Link(backend.port, protocol="https", tls={"caFile": str(certificate())}, **EVERYTHING)


# Each takes the servers behind it and starts the one that is measured.
SERVERS = {
    "nginx return 200": lambda behind: Nginx(),
    "nginx proxy_pass": lambda behind: Nginx(behind.plain.address()),
    "fiso": lambda behind: one_flow(),
    "fiso, C guest": lambda behind: one_flow(interceptors=C_GUEST),
    "fiso, C guest, 1h": lambda behind: one_flow(interceptors=[wasm("passthrough", **FAR)]),
    "app, C guest": lambda behind: Apps("hello_app", "/echo", runtime="wazero"),
    "NDJSON guest, fresh": lambda behind: one_flow(interceptors=[wasm("ndjson")]),
    "NDJSON guest, looping": lambda behind: one_flow(interceptors=[wasm("ndjson", **LOOPING)]),
    "NDJSON Go guest, fresh": lambda behind: one_flow(interceptors=[wasm("ndjson_go")]),
    "NDJSON Go guest, looping": lambda behind: one_flow(interceptors=[wasm("ndjson_go", **LOOPING)]),
    "fiso to sink": lambda behind: one_flow(sink=http_sink(behind.plain)),
    "fiso, C guest, to sink": lambda behind: one_flow(interceptors=C_GUEST, sink=http_sink(behind.plain)),
    "fiso, Go guest, to sink": lambda behind: one_flow(interceptors=GO_GUEST, sink=http_sink(behind.plain)),
    "fiso, Go guest, 1h, to sink": lambda behind: one_flow(interceptors=[wasm("passthrough_go", **FAR)], sink=http_sink(behind.plain)),
    "nginx proxy_pass, TLS": lambda behind: Nginx(behind.tls.address(), certificate=certificate()),
    "fiso-link": lambda behind: Link(behind.plain.port, **EVERYTHING),
    "fiso-link, TLS": lambda behind: tls_link(behind.tls),
    "fiso-link, C guest": lambda behind: Link(behind.plain.port, interceptors=C_GUEST, **EVERYTHING),
}


@dataclasses.dataclass
class Comparison:
    what: str
    ours: str
    against: str
    goal: float | None = None
    moonshot: float | None = None
    tail: bool = False  # the 99th percentile of latency must be no worse either


COMPARISONS = {
    "M1": Comparison("HTTP → fresh C guest → answer", "fiso, C guest", "nginx return 200", 2.6, 2.0),
    "M1-bare": Comparison("the same without a guest", "fiso", "nginx return 200"),
    "M3": Comparison("HTTP → fresh C guest → HTTP sink", "fiso, C guest, to sink", "nginx proxy_pass", 1.75, 1.35),
    "M3-bare": Comparison("the same without a guest", "fiso to sink", "nginx proxy_pass"),
    # The original spends 220 times what nginx does on this: an eighth of it is the goal, a hundredth the moonshot.
    "M6": Comparison("HTTP → fresh Go guest → HTTP sink", "fiso, Go guest, to sink", "nginx proxy_pass", 27.5, 2.2),
    "M4": Comparison("a call through fiso-link", "fiso-link", "nginx proxy_pass", 1.2, tail=True),
    "M4-tls": Comparison("the same to a target with TLS", "fiso-link, TLS", "nginx proxy_pass, TLS", 1.2, tail=True),
    "M4-guest": Comparison("the same through a fresh C guest", "fiso-link, C guest", "nginx proxy_pass", 1.8),
    "M8-armed": Comparison("a deadline of 30 s, C guest", "fiso, C guest", "fiso, C guest, 1h", NOISE),
    "M8-armed-go": Comparison("a deadline of 30 s, Go guest", "fiso, Go guest, to sink", "fiso, Go guest, 1h, to sink", NOISE),
    "app-light": Comparison("HTTP → app, fresh C guest → answer", "app, C guest", "nginx return 200", 2.6, 2.0),
    "ndjson": Comparison("a C guest that loops over events", "NDJSON guest, looping", "NDJSON guest, fresh", 1.0),
    "ndjson-go": Comparison("a Go guest that loops over events", "NDJSON Go guest, looping", "NDJSON Go guest, fresh", 1.0),
}


def sample(server, seconds):
    """CPU µs per request, and requests per second."""
    load.run_wrk(server.url(), WARM_UP_SECONDS)
    before = machine.cpu_ns(server.process.pid)
    result = load.run_wrk(server.url(), seconds)
    spent = machine.cpu_ns(server.process.pid) - before
    if isinstance(server, Flow) and server.delivered() < result.requests:
        raise BenchError(f"{result.requests} requests were answered 200, {server.delivered()} events delivered")
    return {"cpu_us": spent / 1000 / result.requests, "per_second": result.requests / result.seconds,
            "p50_us": result.p50_us, "p99_us": result.p99_us}


def measure(names, rounds, seconds, say):
    """`names`: of COMPARISONS. Their rows."""
    needed = {server for name in names for server in (COMPARISONS[name].ours, COMPARISONS[name].against)}
    samples = {server: [] for server in SERVERS if server in needed}
    with contextlib.ExitStack() as stack:
        behind = Backends(plain=stack.enter_context(Nginx(core=machine.LOAD_CORE)).wait_ready(),
                          tls=stack.enter_context(Nginx(core=machine.LOAD_CORE, certificate=certificate())).wait_ready())
        for number in range(rounds):
            for name, taken in samples.items():
                with SERVERS[name](behind) as server:
                    taken.append(sample(server.wait_ready(), seconds))
                say(f"round {number + 1} of {rounds}: {name}: {taken[-1]['cpu_us']:.2f} µs, {taken[-1]['per_second']:,.0f} requests/s")
    return [compare(name, samples) for name in names]


def compare(name, samples):
    row = COMPARISONS[name]
    ours, against = samples[row.ours], samples[row.against]
    ratio = statistics.median(a["cpu_us"] / b["cpu_us"] for a, b in zip(ours, against))
    own, other = summary(ours), summary(against)
    no_worse = True
    if row.tail:
        tails = [statistics.median(taken["p99_us"] for taken in samples_of) for samples_of in (ours, against)]
        own, other = (f"{text}, p99 {tail / 1000:.2f} ms" for text, tail in zip((own, other), tails))
        no_worse = tails[0] <= tails[1] * NOISE
    return Row(name, row.what, own, f"{row.against} {other}", ratio, "×", row.goal, row.moonshot, no_worse,
               samples={row.ours: ours, row.against: against})


def summary(samples):
    return (f"{statistics.median(taken['cpu_us'] for taken in samples):.1f} µs, "
            f"{statistics.median(taken['per_second'] for taken in samples) / 1000:.1f}k/s")
