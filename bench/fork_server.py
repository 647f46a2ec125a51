"""What one run of a guest in a worker process costs: as a child of a fork server, and as a process of its own.

Speaks to fiso-wasmer-host as Fiso does: packets of words between NULs on a socket that is its descriptor 3
(src/wasm/worker/packets.h, native/wasmer-host/src/setup.rs), so that nothing of Fiso is in the figures.
"""
import os
import socket
import statistics
import subprocess
import time

import load
import machine
import servers
from processes import BenchError
from report import Row

CONTROL_FD = 3
INPUT = b'{"payload":' + load.ORDER + b',"headers":null,"direction":"inbound"}'
# What each is told besides.
GUESTS = {"passthrough": (), "passthrough_go": (),
          "python": ("arg", "/scripts/enrich.py", "mount", "ro", "/scripts", servers.SOURCE / "guests/python")}


def words(*items):
    return b"".join(str(item).encode() + b"\0" for item in items)


def artifact_of(guest):
    """Compiled into a cache of its own, so that the one file there is it."""
    cache = servers.WORK / f"workers-{guest}"
    subprocess.run([servers.FISO, "module", "compile", "--runtime", "wasmer", servers.GUESTS / f"{guest}.wasm"], check=True,
                   stdout=subprocess.DEVNULL, env={**os.environ, "FISO_CACHE_DIR": str(cache)})
    return max(cache.rglob("*.artifact"), key=lambda path: path.stat().st_mtime)


class Worker:
    """A worker process that is ready, on the server's core."""

    def __init__(self, kind, guest, artifact, stdio=None):
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with open(os.devnull, "r+b") as nothing, open(artifact, "rb") as file, theirs:
            streams = [(stdio or nothing).fileno()] * 2 + [nothing.fileno()]
            places = [(os.POSIX_SPAWN_DUP2, fd, place) for place, fd in enumerate([*streams, theirs.fileno()])]
            machine.pin_self(machine.SERVER_CORE)
            self.pid = os.posix_spawn(servers.WASMER_HOST, ["fiso-wasmer-host", "guest"], {}, file_actions=places)
            machine.pin_self(machine.LOAD_CORE)
            limits = ("memory", 256 << 20, "descriptors", 256, "threads", 16, "stack", 512 << 10, "files-memory", 16 << 20)
            packet = words("kind", kind, "name", guest, *limits, "stdin-file", "no", "network", "open", "dns", "yes", *GUESTS[guest])
            socket.send_fds(self.control, [packet], [file.fileno()])
        while (packet := self.control.recv(65536)) != b"ready\0":
            if not packet.startswith(b"lacks\0"):
                raise BenchError(f"the worker does not get ready: {packet!r}")

    def end(self):
        """The CPU that it and its children have used, in ms."""
        self.control.close()
        usage = os.wait4(self.pid, 0)[2]
        return (usage.ru_utime + usage.ru_stime) * 1000


def converse(stdio, status=None):
    """A child of a fork server says what it has written when it ends: `wrote SIZE`, the bytes, and how."""
    with stdio:
        stdio.sendall(INPUT)
        stdio.shutdown(socket.SHUT_WR)
        answer = b""
        while status and not answer:
            packet = status.recv(65536)
            if not packet or packet.startswith(b"exit"):
                break
            if packet.startswith(b"wrote\0"):
                answer = packet.split(b"\0", 2)[2]
        while not status and not answer.endswith(b"\n") and (piece := stdio.recv(65536)):
            answer += piece
        if not answer.startswith(b"{"):
            raise BenchError(f"the guest answered {answer!r}")
        answered = time.monotonic()
        while stdio.recv(65536):
            pass
    return answered


def forked(guest, artifact, count):
    """Milliseconds to the answer of each run, and CPU per run."""
    server = Worker("fork-server", guest, artifact)
    times = []
    before = machine.cpu_ns(server.pid)
    children = 0
    for _ in range(count):
        began = time.monotonic()
        pairs = [socket.socketpair(), socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)]
        (stdio, their_stdio), (status, their_status) = pairs
        with their_stdio, their_status, open(os.devnull, "wb") as errors:
            socket.send_fds(server.control, [words("run", "untold")], [their_stdio.fileno(), errors.fileno(), their_status.fileno()])
        times.append((converse(stdio, status) - began) * 1000)
        with status:
            while not (packet := status.recv(4096)).startswith(b"gone\0"):
                if not packet:
                    raise BenchError("the fork server does not say how a child ended")
        children += int(packet.split(b"\0")[2])
    cpu = (machine.cpu_ns(server.pid) - before) / 1e6 + children / 1000
    server.end()
    return times, cpu / count


def spawned(guest, artifact, count):
    times, cpu = [], 0
    for _ in range(count):
        began = time.monotonic()
        stdio, theirs = socket.socketpair()
        with theirs:
            worker = Worker("alone", guest, artifact, theirs)
        times.append((converse(stdio) - began) * 1000)
        cpu += worker.end()
    return times, cpu / count


def measure(quick):
    rows = []
    for guest in GUESTS:
        if not (servers.GUESTS / f"{guest}.wasm").exists():
            raise BenchError(f"{guest}.wasm was not built")
        artifact, count = artifact_of(guest), 50 if quick else 300
        runs = {"forked": forked(guest, artifact, count), "spawned": spawned(guest, artifact, count)}
        texts = {name: f"{cpu:.2f} ms CPU, answer p50 {statistics.median(times):.2f} ms" for name, (times, cpu) in runs.items()}
        rows.append(Row("forked", f"a run of {guest}, forked", texts["forked"], f"spawned {texts['spawned']}",
                        runs["forked"][1] / runs["spawned"][1], samples={name: times for name, (times, _) in runs.items()}))
    return rows


PROBES = {"forked": (measure, [])}
