"""The machine: which core serves and which one loads, what it is, and what the kernel knows about a process."""
import os
import pathlib
import platform
import re
import socket
import struct
import subprocess

_cores = sorted(os.sched_getaffinity(0))
SERVER_CORE = _cores[0]
LOAD_CORE = _cores[-1]


def only_one_core():
    return SERVER_CORE == LOAD_CORE


def pin_self(core):
    """This thread, and what it starts from now on."""
    os.sched_setaffinity(0, {core})


def cpu_ns(pid):
    """CPU time of all threads of a process, in nanoseconds: the scheduler's account, not the 10 ms ticks of utime and stime."""
    return sum(int(path.read_text().split()[0]) for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"))


def reaped_cpu_ns(pid):
    """CPU time of the children that a process has reaped; told in ticks of 10 ms, so for sums over many of them."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[13:15])) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def children(pid):
    return [int(child) for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()]


def descendants(pid):
    """All processes below this one."""
    return [below for child in children(pid) for below in (child, *descendants(child))]


def tree_cpu_ns(pid):
    """CPU time of a process, of what lives below it, and of what has lived there and was reaped."""
    return sum(cpu_ns(member) + reaped_cpu_ns(member) for member in [pid, *descendants(pid)])


def move(pid, core):
    """All threads of a process to another core."""
    for task in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(task), {core})


def pss_bytes(pid):
    """What it has in memory, of shared pages its share."""
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+) kB", rollup, re.M)[1]) * 1024


def listening_on(pid):
    """Address and port of the socket on which a process listens; None if it does not."""
    own = {os.readlink(entry.path) for entry in os.scandir(f"/proc/{pid}/fd")}
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in own:
            address, port = fields[1].split(":")
            return socket.inet_ntoa(struct.pack("=I", int(address, 16))), int(port, 16)
    return None


def rss_bytes(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.M)[1]) * 1024


def map_count(pid):
    return len(pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines())


def fd_count(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def _first_line(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).splitlines()[0]


def describe():
    """What a reader needs to judge the figures; nothing that names this one machine."""
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text()
    cpu = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.M)
    return {
        "cpu": cpu[1] if cpu else platform.machine(),
        "cores": len(_cores),
        "where": "virtual cores" if re.search(r"^flags\s*:.*\bhypervisor\b", cpuinfo, re.M) else "cores",
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "kernel": re.match(r"[\d.]+", platform.release())[0],
        "nginx": _first_line(["nginx", "-v"]).removeprefix("nginx version: "),
        "wrk": " ".join(_first_line(["wrk", "-v"]).split()[:2]),
        "load_average": round(os.getloadavg()[0], 2),
    }
