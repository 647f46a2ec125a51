"""Instructions per request, counted by callgrind: the figure that does not depend on what else the machine does.

Valgrind shows programs a CPU with fewer features than the real one, so guests are compiled under it too, into a cache of
their own. It cannot start /proc/self/exe, which is how the server starts its compiler; hence the compiler is run by hand, and
what it made is put where the server looks for it: the trace of its system calls says where that is.
"""
import hashlib
import os
import re
import shutil
import subprocess

import machine
from load import Client
from processes import BenchError
from report import Row
from servers import CACHE, FISO_FLOW, FISO_LINK, GUESTS, WORK, Flow, Link, Nginx, wasm
from throughput import EVERYTHING

CACHE_HERE = WORK / "valgrind-cache"
PROGRAM = WORK / "fiso-flow"
LINK_PROGRAM = WORK / "fiso-link"
COMPILER = WORK / "fiso-module-compiler"
STACK_BYTES = 512 << 10  # the default of wasm.maxStack
COMPILED = b"\x01"  # what the compiler's reply begins with; the artifact follows
SHORT, LONG = 1000, 3000
# A thousand slots of address space are more than valgrind has.
SETTINGS = {"wasm": {"maxInstances": 8}}
# Callgrind counts `rep stosb` once per byte: memset and memcpy of large blocks shall use vector instructions instead.
TUNABLES = "GLIBC_TUNABLES=" + ":".join(f"glibc.cpu.x86_rep_{name}_threshold={1 << 40}" for name in ("stosb", "movsb"))


def prepare():
    """The programs without debug information, which valgrind cannot read."""
    if missing := [tool for tool in ("valgrind", "strip") if shutil.which(tool) is None]:
        raise BenchError(f"not installed: {', '.join(missing)}")
    for stripped, program in ((PROGRAM, FISO_FLOW), (LINK_PROGRAM, FISO_LINK)):
        subprocess.run(["strip", "--strip-debug", "-o", stripped, program], check=True)
    COMPILER.unlink(missing_ok=True)
    COMPILER.symlink_to(PROGRAM)


def compile_guest(guest):
    """The module as the server would compile it, on valgrind's CPU: in at descriptor 3, out at 4."""
    reply = WORK / "artifact"
    reply.write_bytes(b"")
    script = 'module=$1 reply=$2; shift 2; exec "$@" 3<"$module" 4<>"$reply"'
    compiler = ["valgrind", "-q", "--tool=none", COMPILER.name, str(os.getpid()), "600", str(32 << 30), str(STACK_BYTES)]
    done = subprocess.run(["sh", "-c", script, "sh", GUESTS / f"{guest}.wasm", reply, *compiler], capture_output=True, text=True, check=False,
                          timeout=120, env={**os.environ, "PATH": f"{WORK}:{os.environ['PATH']}"})
    answer = reply.read_bytes()
    if answer[:1] != COMPILED:
        raise BenchError(f"{guest} cannot be compiled under valgrind: {answer[1:].decode(errors='replace') or done.stderr}")
    return answer[1:]


def entry_name(guest):
    """What the server looks for in the cache, on valgrind's CPU. It does not find it, and ends."""
    with Flow({"/": {"interceptors": [wasm(guest)]}}, SETTINGS, ("valgrind", "--tool=none", "--trace-syscalls=yes"), PROGRAM, CACHE_HERE) as server:
        found = re.search(r"\(([0-9a-f]{64})\.artifact\)", server.process.output_at_end(120))
    if found is None:
        raise BenchError(f"the server looks for no compiled {guest}")
    return found[1]


def fill_cache(guest):
    shutil.rmtree(CACHE_HERE, ignore_errors=True)
    entry = CACHE_HERE / entry_name(guest)
    artifact = compile_guest(guest)
    entry.with_suffix(".artifact").write_bytes(artifact)
    entry.with_suffix(".sha256").write_text(hashlib.sha256(entry.name.encode() + b"\n" + artifact).hexdigest())


def count_run(server_under, requests):
    """Instructions of a whole run, from start to stop."""
    output = WORK / "callgrind.out"
    output.unlink(missing_ok=True)
    wrapper = ("env", TUNABLES, "valgrind", "--tool=callgrind", f"--callgrind-out-file={output}")
    with server_under(wrapper) as server:
        server.wait_ready()
        with Client(server.port, timeout=120) as client:
            for _ in range(requests):
                client.accepted(server.entry)
        server.process.stop(30)
    found = re.search(r"^(?:totals|summary): (\d+)", output.read_text(), re.M) if output.exists() else None
    if found is None:
        raise BenchError("callgrind wrote no total")
    return int(found[1])


def per_request(server_under, quick):
    """`server_under` starts a server under what it is given."""
    short, long = (SHORT // 4, LONG // 4) if quick else (SHORT, LONG)
    return (count_run(server_under, long) - count_run(server_under, short)) / (long - short)


def flow_under(cache, **parts):
    return lambda wrapper: Flow({"/": parts}, SETTINGS, wrapper, PROGRAM, cache)


def measure(quick):
    prepare()
    guest = "passthrough"
    fill_cache(guest)
    bare = per_request(flow_under(CACHE), quick)
    with_guest = per_request(flow_under(CACHE_HERE, interceptors=[wasm(guest)]), quick)
    with Nginx(core=machine.LOAD_CORE) as backend:
        backend.wait_ready()
        link = per_request(lambda wrapper: Link(backend.port, SETTINGS, wrapper, LINK_PROGRAM, **EVERYTHING), quick)
    return [Row("instructions", "per request in user space, C guest", f"{with_guest:,.0f}", f"without a guest {bare:,.0f}",
                samples={"with_guest": with_guest, "without": bare}),
            Row("instructions", "per call of fiso-link in user space", f"{link:,.0f}", samples={"link": link})]
