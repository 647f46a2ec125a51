#!/usr/bin/env python3
"""Ours against nginx on this machine, as ratios, and the single figures that have goals. See docs/benchmarks.md.

Needs what `make build` builds, nginx, wrk, and for the row `instructions` valgrind. The table goes to stdout, every sample to
build/bench.json.
"""
import argparse
import sys
import time

import apps
import floods
import fork_server
import hops
import instructions
import load
import machine
import probes
import report
import servers
import throughput
import workers
from processes import BenchError, end_with_us

JSON_FILE = servers.SOURCE / "build/bench.json"
PAGE_FILE = servers.SOURCE / "docs/benchmarks.md"
INSTRUCTIONS = "instructions"
PROBES = {**probes.PROBES, **workers.PROBES, **fork_server.PROBES, **apps.PROBES, **hops.PROBES, **floods.PROBES}

# What each row means, in the order of the table.
MEANINGS = {
    "M1": "an event over HTTP through a new instance of a C guest (`passthrough`) to the discard sink, against nginx answering 200",
    "M1-bare": "the same flow without its interceptor: what HTTP, the pipeline and the CloudEvent cost",
    "M3": "an event over HTTP through a new instance of the C guest to an HTTP sink, against nginx passing it to the same server",
    "M3-bare": "the same hop without its interceptor",
    "M6": "as M3, with a Go guest (3.3 MB, `encoding/json`); goal and moonshot are an eighth and a hundredth of the original's CPU",
    "M4": "CPU per call of fiso-link with everything on (credentials, retries, a breaker, a rate limit, metrics) to a target that is the "
          "backend of M3, against nginx passing it on; the 99th percentile of the latency at 64 connections, which saturate both, must be "
          "no worse either",
    "M4-tls": "the same where the backend speaks TLS 1.3 and is verified",
    "M4-guest": "M4 through a new instance of the C guest (`passthrough`) as the target's interceptor",
    "M4-added": "what the hop adds at one connection and one call every 5 ms: fiso-link and nginx in front of the backend, each less the "
                "backend asked directly",
    "link-idle": "what 5,000 client connections that wait for their next request add to the resident memory of fiso-link",
    "link-slow": "what 1,000 client connections add that have sent half of a request head each; good calls meanwhile, and without them",
    "link-flood": "the latency of good calls through fiso-link, one every 2 ms, beside a flood from one process, which shares the core of the "
                  "client that measures; and without it",
    "M8-armed": "CPU per event of the C guest with its usual deadline of 30 s, against the farthest there is (1 h), which no ticker ever "
                "comes near; guests are always compiled to be stopped, so a row without any deadline does not exist",
    "M8-armed-go": "the same for the Go guest of M6",
    "app-light": "M1 with a reply: fiso-wasmer, an app with `runtime: wazero`, a new instance of a C guest (`hello_app`) that answers with "
                 "what it got, against nginx answering 200",
    "ndjson": "CPU per event of a guest that loops over lines (`ndjson`, pooled, `maxRequests` above 1), against a fresh instance of it per "
              "event",
    "ndjson-go": "the same in Go (`ndjson_go`)",
    "M2": "what the Go guest adds to the latency of an event at 100 requests/s, pooled against fresh",
    "python": "the answer to an event at 5 requests/s through CPython with a script (`guests/python/enrich.py`) in worker processes: its "
              "process was started ahead and ends before the answer counts; looping: `maxRequests` above 1",
    "forked": "a run of a guest in a worker process: as a child of its fork server, against a process of its own. CPU is that of all "
             "processes but Fiso's",
    "M8": "the 99th percentile of how much later than its timeout a looping guest is answered; the deadline is always armed, its cost "
          "is in the instructions",
    "M8-bulk": "the same for the worst case, a guest inside one bulk-memory instruction over all the memory it has by default, which "
               "nothing can interrupt; and what its shard's other connections wait meanwhile (docs/guests.md)",
    "M9": "the median time from exec to the first answered event, the module compiled before; nginx beside it for scale",
    "M10": "the resident memory of the process, two seconds after its start",
    "flat": "what fresh instances leave behind in memory, maps and descriptors",
    "fair": "the latency of short events while another guest computes on the only shard",
    "call-go": "CPU of a call of the Go guest of M6 with `runtime: wasmer`, fresh per event, one call after the other: our process, the fork "
               "server and its child together; goal and moonshot are the original's 75 ms by 4.5 and by 8",
    "call-c": "the same for the C guest of M1, and the time from sending an event to its answer",
    "pooled-c": "the time from sending an event to its answer, C guest, `runtime: wasmer`, pooled, when the pool is complete; HTTP and "
                "the end of the guest are part of it, and a flow without a guest and nginx are measured beside it",
    "pooled-go": "the same for the Go guest",
    "pooled-rate": "C guest, `runtime: wasmer`, over 16 connections as fast as they are answered: calls per second fresh over those pooled "
                   "with `maxRequests: 1`; pooled is at least 0.95 of fresh",
    "relay": "CPU per request of fiso-wasmer's own process, not the guest's, passing requests on to a longRunning guest that serves HTTP "
             "(`poll_server`) over 16 connections, against that of nginx passing them on to the same guest; the guest runs on the load's core",
    "lines": "the time per request of a longRunning app that answers line by line (`lines_app`, `runtime: wasmer`, one request at a time), "
             "HTTP included: under full load, and for one request every 5 ms; nginx answering the latter beside it",
    "app-start": "the median time from exec to the first answer of a longRunning app in a worker (`counter_server`), which a health check "
                 "comes before; its module compiled before",
    "app-memory": "the proportional set size of the worker of such an app, ten of them side by side",
    "app-hundred": "from exec until a hundred such apps are healthy",
    "app-crash": "how soon an app's port answers 200 again when its worker is killed; and that of an app whose guest is forked per "
                 "request (`hello_app`) when the fork server does",
    INSTRUCTIONS: "user-space instructions for one event, C guest included, and for one call as in M4, one connection",
}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="2 rounds of 1 s, fewer samples: to try the harness")
    parser.add_argument("--only", metavar="NAMES", help=f"rows, separated by commas, of: {', '.join(MEANINGS)}")
    parser.add_argument("--rounds", type=int, help="of the throughput rows (default 5)")
    parser.add_argument("--seconds", type=int, help="of load per server and round (default 3)")
    parser.add_argument("--markdown", action="store_true", help="write docs/benchmarks.md")
    arguments = parser.parse_args()
    arguments.names = list(MEANINGS) if arguments.only is None else arguments.only.split(",")
    if unknown := [name for name in arguments.names if name not in MEANINGS]:
        parser.error(f"there is no row {', '.join(unknown)}; there are {', '.join(MEANINGS)}")
    arguments.rounds = arguments.rounds or (2 if arguments.quick else 5)
    arguments.seconds = arguments.seconds or (1 if arguments.quick else 3)
    return arguments


def say(text):
    print(f"  {text}", file=sys.stderr, flush=True)


def guests_of(names):
    probed = {guest for name in names if name in PROBES for guest in PROBES[name][1]}
    return sorted(probed | set(throughput.GUESTS_RUN if throughput.COMPARISONS.keys() & set(names) else ()))


def measure(arguments, rows, notes):
    """Adds to `rows`; a row that cannot be measured becomes a note."""
    def attempt(what, measurement, *parameters):
        say(what)
        try:
            rows.extend(measurement(*parameters))
        except (BenchError, OSError) as error:
            notes.append(f"{what} could not be measured: {str(error).strip()}")
            say(notes[-1])

    if guests := guests_of(arguments.names):
        servers.fill_cache(*guests)
    if compared := [name for name in arguments.names if name in throughput.COMPARISONS]:
        attempt(", ".join(compared), throughput.measure, compared, arguments.rounds, arguments.seconds, say)
    for name, (probe, _) in PROBES.items():
        if name in arguments.names:
            attempt(name, probe, arguments.quick)
    if INSTRUCTIONS in arguments.names:
        attempt(INSTRUCTIONS, instructions.measure, arguments.quick)


def main():
    arguments = parse_arguments()
    end_with_us()
    machine.pin_self(machine.LOAD_CORE)
    began = time.monotonic()
    rows, notes = [], []
    try:
        servers.check_built()
        description = machine.describe()
        measure(arguments, rows, notes)
    except BenchError as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    print(f"{report.machine_line(description)}\n")
    print(report.table(rows))
    for note in [*report.warnings(description), *notes]:
        print(f"note: {note}")
    options = {"rounds": arguments.rounds, "seconds": arguments.seconds, "quick": arguments.quick, "rows": arguments.names}
    report.write_json(JSON_FILE, description, options, rows, notes)
    if arguments.markdown:
        facts = {"rounds": arguments.rounds, "seconds": arguments.seconds, "connections": load.CONNECTIONS, "order_bytes": len(load.ORDER)}
        measured = {name: text for name, text in MEANINGS.items() if name in arguments.names}
        report.write_page(PAGE_FILE, description, rows, notes, measured, facts)
    print(f"{len(rows)} rows in {time.monotonic() - began:.0f} s; every sample: {JSON_FILE.relative_to(servers.SOURCE)}")
    sys.exit(1 if notes else 0)


if __name__ == "__main__":
    main()
